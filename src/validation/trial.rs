//! Trials: what a local build of the mended files showed, and what may be concluded from it. Pure; `operations` carries it out.
//!
//! A trial's machine is not the platform. What may be its own fault (network, images, memory, missing variables, a database)
//! never speaks against a fix; it only leaves the fix unproved.

use serde::{Deserialize, Serialize};

use crate::choice::Fix;
use crate::diagnosis::{Case, Finding, Log, Policy, Stage};
use crate::dockerfile::Dockerfile;
use crate::knowledge::{Knowledge, Resolution};
use crate::observation::{Facts, Observation};
use crate::remedy::Remedy;
use crate::workspace::Workspace;

/// Below this a failure that only the trial has seen is no ground for an edit.
const CONFIDENCE_MIN: f32 = 0.7;
/// Faults at a database that need none to show: its driver, or a file that is the database.
const OWN_FILES: [&str; 2] = ["db-sqlite", "db-driver-missing"];

/// What a trial showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialReport {
    /// What built, in words: "Docker 26.1 (BuildKit)".
    pub by: String,
    /// This machine's own files stood in for the base image.
    pub is_stand_in: bool,
    pub end: TrialEnd,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum TrialEnd {
    /// Built, started, and answered as the platform asks it to.
    Healthy,
    /// What a failed deploy would show.
    Failed { observation: Box<Observation>, built: bool },
    /// It was not done in the time allowed.
    TimedOut { built: bool },
    /// There was none; why.
    Unable { why: String },
}

/// What a trial says of the fixes that were tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    Proved,
    /// Fix number `fix` does not help, or does harm.
    Refuted {
        fix: usize,
        why: String,
    },
    /// What was to be mended is; behind it stands another failure that files can mend.
    Another(Box<Finding>),
    /// It says nothing for or against the fixes.
    Unproved {
        why: String,
    },
}

/// Concludes from a trial of `fixes`, which led from `before` to `after`; `findings` are those of its log, best first.
pub fn weigh(
    report: &TrialReport,
    findings: &[Finding],
    fixes: &[Fix],
    before: &Workspace,
    after: &Workspace,
    facts: &Facts,
) -> Ruling {
    let unproved = |why: String| Ruling::Unproved { why };
    let observation = match &report.end {
        TrialEnd::Healthy if report.is_stand_in && fixes.iter().any(|fix| !can_stand_in(fix)) => {
            return unproved("this machine stood in for the base image, which is what the fix is about".into());
        }
        TrialEnd::Healthy => return Ruling::Proved,
        TrialEnd::Unable { why } => return unproved(why.clone()),
        TrialEnd::TimedOut { built } => {
            let what = if *built { "start" } else { "build" };
            return unproved(format!("the {what} took longer than the trial may"));
        }
        TrialEnd::Failed { observation, .. } => observation,
    };
    let Some(first) = findings.first() else {
        return unproved("it fails here for a reason that is not known".into());
    };
    if let Some(fix) = fixes.iter().position(|fix| is_same(&fix.finding, first)) {
        return match report.is_stand_in && !can_stand_in(&fixes[fix]) {
            true => unproved("this machine stood in for the base image, which is what the fix is about".into()),
            false => Ruling::Refuted { fix, why: format!("a trial fails the same way with it: {}", first.why) },
        };
    }
    if let Some(why) = machines_own(first, observation, facts) {
        return unproved(format!("{why}: {}", first.why));
    }
    if report.is_stand_in && !is_of_the_project(first) {
        return unproved(format!("this machine stood in for the base image: {}", first.why));
    }
    let met = fixes.first().filter(|fix| fix.finding.line.is_some()).map(|fix| fix.finding.stage);
    if met.is_some_and(|met| first.stage < met) {
        match written_by(fixes, observation, before, after, facts) {
            Some(fix) => {
                return Ruling::Refuted { fix, why: format!("its own step fails in a trial: {}", first.why) };
            }
            // The same files read alike on every machine; what comes from registries does not.
            None if !matches!(first.stage, Stage::DockerfileParse | Stage::ContextCopy) => {
                return unproved(format!("the platform got past what fails here: {}", first.why));
            }
            None => {}
        }
    }
    // Nobody has shown that the platform's registry lacks an image that this machine does not get.
    let images_unknown = met.is_none() && first.stage == Stage::BaseImage;
    match first.policy {
        Policy::Fix if first.confidence >= CONFIDENCE_MIN && !images_unknown => {
            Ruling::Another(Box::new(first.clone()))
        }
        _ => unproved(format!("behind it stands: {}", first.why)),
    }
}

/// Whether two findings are one fault.
pub fn is_same(one: &Finding, other: &Finding) -> bool {
    one.class == other.class && one.subject == other.subject
}

/// Why `finding` may be this machine's own fault.
fn machines_own(finding: &Finding, observation: &Observation, facts: &Facts) -> Option<&'static str> {
    match (finding.policy, finding.stage) {
        (Policy::Retry, _) => return Some("a passing trouble of this machine"),
        (_, Stage::Platform) => return Some("the trial's machine is not the platform"),
        (_, Stage::Resource) => return Some("this machine has other limits"),
        (_, Stage::RuntimeDb) if !OWN_FILES.contains(&finding.class.as_str()) && !has_no_variables(facts) => {
            return Some("the trial has no database");
        }
        _ => {}
    }
    // The trial has none of the service's variables: what their absence breaks says nothing.
    let names = |name: &String| {
        finding.subject.contains(name.as_str())
            || finding.evidence.iter().any(|line| line.contains(name.as_str()))
            || observation.app_log.iter().any(|line| line.contains(name.as_str()))
    };
    match &facts.env_names {
        Some(known) if known.iter().filter(|name| name.len() > 3).any(names) => {
            Some("the trial has none of the service's variables")
        }
        None if finding.policy == Policy::Human => Some("the trial has none of the service's variables"),
        _ => None,
    }
}

/// Whether the service itself runs without variables, and so with the database that its files name.
fn has_no_variables(facts: &Facts) -> bool {
    facts.env_names.as_ref().is_some_and(std::collections::BTreeSet::is_empty)
}

/// Whether this machine, standing in for a base image, can speak about what `fix` mends.
fn can_stand_in(fix: &Fix) -> bool {
    let moves_base = fix.remedy.edits.iter().any(|edit| match edit {
        crate::remedy::Edit::Lines { old, new, .. } => {
            new.iter().any(|line| line.trim_start().to_ascii_uppercase().starts_with("FROM ") && !old.contains(line))
        }
        _ => false,
    });
    !moves_base && is_of_the_project(&fix.finding)
}

/// Whether a fault lies in the project's files, whatever image it is built on.
fn is_of_the_project(finding: &Finding) -> bool {
    let about_image = ["os-", "img-", "nat-", "st-glibc", "st-shared", "st-exec-format", "py-externally-managed"];
    if OWN_FILES.contains(&finding.class.as_str()) {
        return true;
    }
    !about_image.iter().any(|start| finding.class.starts_with(start))
        && matches!(
            finding.stage,
            Stage::DockerfileParse
                | Stage::ContextCopy
                | Stage::DepResolution
                | Stage::AppBuild
                | Stage::Startup
                | Stage::PortHealth
        )
}

/// The fix that brought in the instruction at which the trial's build failed.
fn written_by(
    fixes: &[Fix],
    observation: &Observation,
    before: &Workspace,
    after: &Workspace,
    facts: &Facts,
) -> Option<usize> {
    let old = Dockerfile::parse(before.text(&facts.dockerfile_path).unwrap_or_default());
    let new = Dockerfile::parse(after.text(&facts.dockerfile_path).unwrap_or_default());
    let log = Log::of(observation);
    let context = crate::context::Context::of(after, &facts.context, &facts.dockerfile_path);
    let case = Case {
        log: &log,
        workspace: after,
        dockerfile_path: &facts.dockerfile_path,
        dockerfile: &new,
        context: &context,
        facts,
        status: None,
        reason: None,
        knowledge: &Knowledge::default(),
    };
    let failed = new.instructions().get(case.failing_instruction()?)?;
    if old.instructions().iter().any(|each| each.keyword == failed.keyword && each.args == failed.args) {
        return None;
    }
    let text = after.lines(&facts.dockerfile_path);
    let own: Vec<&str> = text.get(failed.first_line.checked_sub(1)?..failed.last_line)?.to_vec();
    fixes.iter().position(|fix| {
        fix.remedy.edits.iter().any(|edit| match edit {
            crate::remedy::Edit::Lines { path, old, new, .. } => {
                *path == facts.dockerfile_path
                    && new.iter().any(|line| !old.contains(line) && own.contains(&line.as_str()))
            }
            _ => false,
        })
    })
}

/// Whether the resolver has found that the versions `remedy` writes install together.
pub fn is_resolved(remedy: &Remedy, knowledge: &Knowledge) -> bool {
    let solutions = || {
        knowledge.resolutions.iter().filter_map(|(_, resolution)| match resolution {
            Resolution::Solved(versions) => Some(versions),
            Resolution::Unsolvable(_) => None,
        })
    };
    let mut pins = Vec::new();
    for edit in &remedy.edits {
        let crate::remedy::Edit::Lines { old, new, .. } = edit else { return false };
        for line in new.iter().filter(|line| !old.contains(line)) {
            let Some((name, version)) = line.split_once("==") else { return false };
            let name = name.split('[').next().unwrap_or(name).trim().to_ascii_lowercase().replace(['_', '.'], "-");
            let version = version.split([' ', ';', '#', ',']).next().unwrap_or(version).trim().to_owned();
            pins.push((name, version));
        }
    }
    !pins.is_empty()
        && solutions().any(|versions| pins.iter().all(|(name, version)| versions.get(name) == Some(version)))
}
