//! Diagnosis: from what was seen to findings with evidence and remedies. Pure.
//!
//! One failure class is one file in `catalogue/`. `diagnose` runs every rule over the log once, orders the findings so that
//! a cause stands before its symptoms, and collects the questions whose answers would allow more remedies.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::dockerfile::{Command, Dockerfile};
use crate::knowledge::{Knowledge, Question};
use crate::observation::{Facts, Observation};
use crate::remedy::Remedy;
use crate::service::{DeployStatus, FailureReason};
use crate::workspace::Workspace;

pub mod accounts;
pub mod apt;
pub mod base;
pub mod catalogue;
pub mod commands;
pub mod compilers;
pub mod copying;
pub mod downloads;
pub mod environment;
pub mod golang;
pub mod images;
pub mod installs;
pub mod log;
pub mod native;
pub mod node;
pub mod parsing;
pub mod php;
pub mod phrase;
pub mod python;
pub mod renamed;
pub mod rule;
pub mod start;
pub mod suites;
pub mod toolchain;
pub mod toolless;

pub use log::Log;
pub use rule::{Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

/// What is left of a finding's confidence when a good deploy printed the same line.
const STALE_FACTOR: f32 = 0.5;

/// A failure that was recognised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The id in the failure taxonomy where one fits.
    pub class: String,
    pub stage: Stage,
    /// What it is about: a package, file, tag, command, variable. Empty when the log names none.
    pub subject: String,
    /// 1-based line of the decisive evidence in the log given; `None` when the files alone tell.
    pub line: Option<usize>,
    /// Where in the repository the cause stands, if known.
    pub place: Option<rule::Place>,
    pub severity: Severity,
    pub policy: Policy,
    /// 0 to 1.
    pub confidence: f32,
    /// What is wrong, in one sentence, with the names of this case.
    pub why: String,
    /// The decisive lines, cleaned of control characters.
    pub evidence: Vec<String>,
    pub remedies: Vec<Remedy>,
    /// The model that said so, `openai/gpt-5.4-mini`, where no rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advised_by: Option<String>,
}

impl Finding {
    /// Stage, class, subject and evidence with numbers masked: two deploys that fail alike have equal fingerprints.
    pub fn fingerprint(&self) -> String {
        let evidence = self.evidence.first().map(|line| log::template(line)).unwrap_or_default();
        format!("{}/{}/{}/{evidence}", self.stage, self.class, self.subject)
    }

    /// Sixteen hex digits that stand for the fingerprint in a record: of a secret in it nothing is left.
    pub fn mark(&self) -> String {
        // FNV-1a: the same in every version of the program, as a record that outlives it needs.
        let hash = self
            .fingerprint()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{hash:016x}")
    }

    /// The specification's name of the pattern (C1, K4).
    pub fn pattern(&self) -> String {
        match (self.class.as_str(), self.stage) {
            ("res-build-timeout", _) => "build_timeout".into(),
            (_, Stage::DepResolution) => "dependency_conflict".into(),
            (_, Stage::DockerfileParse) => "dockerfile_error".into(),
            (_, stage) => stage.to_string().replace('-', "_"),
        }
    }
}

/// Everything that is thought about a failed deploy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Best first.
    pub findings: Vec<Finding>,
    /// What would have to be known to prescribe more.
    pub questions: Vec<Question>,
}

/// What a rule may look at.
pub struct Case<'a> {
    pub log: &'a Log,
    pub workspace: &'a Workspace,
    /// Where the Dockerfile is, relative to the repository.
    pub dockerfile_path: &'a str,
    /// Parsed; empty when the file is missing.
    pub dockerfile: &'a Dockerfile,
    pub context: &'a Context,
    pub facts: &'a Facts,
    /// `None` when only a log was given.
    pub status: Option<&'a DeployStatus>,
    pub reason: Option<&'a FailureReason>,
    pub knowledge: &'a Knowledge,
}

/// What an observation says of the platform's side.
#[derive(Clone, Copy)]
struct Seen<'a> {
    status: Option<&'a DeployStatus>,
    reason: Option<&'a FailureReason>,
    /// Templates of lines that a good deploy printed, too.
    before: &'a BTreeSet<String>,
}

impl Seen<'static> {
    /// When only a log or only files are given.
    const NOTHING: Self = Self { status: None, reason: None, before: &BTreeSet::new() };
}

impl Case<'_> {
    /// The path in the repository of `path` in the build context.
    pub fn in_repository(&self, path: &str) -> String {
        match self.facts.context.as_str() {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }

    /// What of the Dockerfile is run: no CMD, where the service has a command of its own.
    pub fn command(&self) -> Command {
        let command = self.dockerfile.final_command();
        match self.facts.docker_command {
            Some(_) => Command { cmd: None, ..command },
            None => command,
        }
    }

    /// The text of line `index` of the log (an index, as rules get them).
    pub fn text(&self, index: usize) -> &str {
        self.log.lines.get(index).map_or("", |line| line.text.as_str())
    }

    /// Whether some line of the failing step (of the log, where none is known) holds `text`.
    pub fn mentions(&self, text: &str) -> bool {
        self.log.lines[self.log.failing_range()].iter().any(|line| line.text.contains(text))
    }

    /// The step that failed, for a message: "the step `pip install …`".
    pub fn failing_step_named(&self) -> String {
        let command = self.log.failing.as_ref().map_or("", |step| step.command.trim_start_matches("RUN "));
        let command: String = command.chars().take(60).collect();
        if command.is_empty() { "a step of the build".to_owned() } else { format!("the step `{command}`") }
    }

    /// The instruction whose step failed: by the log's `Dockerfile:N`, else by its text.
    pub fn failing_instruction(&self) -> Option<usize> {
        let step = self.log.failing.as_ref()?;
        let instructions = self.dockerfile.instructions();
        if let Some(line) = step.dockerfile_line
            && let Some((index, _)) = self.dockerfile.at_line(line)
        {
            return Some(index);
        }
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted = squeeze(step.command.trim_start_matches("RUN "));
        if wanted.is_empty() {
            return None;
        }
        instructions.iter().position(|instruction| {
            let have = squeeze(&instruction.args);
            !have.is_empty() && (have == wanted || wanted.starts_with(&have) || have.starts_with(&wanted))
        })
    }
}

/// Recognises what failed in `observation`. `knowledge` holds what has been looked up so far.
pub fn diagnose(observation: &Observation, workspace: &Workspace, knowledge: &Knowledge) -> Diagnosis {
    let log = Log::of(observation);
    let seen = Seen {
        status: observation.deploy.as_ref().map(|deploy| &deploy.status),
        reason: observation.reason.as_ref(),
        before: &observation.seen_before,
    };
    examine(&log, workspace, &observation.facts, seen, knowledge, false)
}

/// Recognises what failed in a log that was handed over by itself.
pub fn diagnose_log(log: &Log, workspace: &Workspace, facts: &Facts, knowledge: &Knowledge) -> Diagnosis {
    examine(log, workspace, facts, Seen::NOTHING, knowledge, false)
}

/// What will fail, found from the files alone.
pub fn foresee(workspace: &Workspace, facts: &Facts, knowledge: &Knowledge) -> Diagnosis {
    examine(&Log::default(), workspace, facts, Seen::NOTHING, knowledge, true)
}

fn examine(
    log: &Log,
    workspace: &Workspace,
    facts: &Facts,
    seen: Seen<'_>,
    knowledge: &Knowledge,
    ahead: bool,
) -> Diagnosis {
    let dockerfile = Dockerfile::parse(workspace.text(&facts.dockerfile_path).unwrap_or_default());
    let context = Context::of(workspace, &facts.context, &facts.dockerfile_path);
    let case = Case {
        log,
        workspace,
        dockerfile_path: &facts.dockerfile_path,
        dockerfile: &dockerfile,
        context: &context,
        facts,
        status: seen.status,
        reason: seen.reason,
        knowledge,
    };
    let mut ranked: Vec<(Rank, Finding)> = Vec::new();
    let mut questions = Vec::new();
    let mut hits: Vec<(&Rule, Hit, bool)> = if ahead {
        let rules = catalogue::ROSTER.iter();
        rules.flat_map(|rule| (rule.foresee)(&case).into_iter().map(move |hit| (*rule, hit, true))).collect()
    } else {
        recognised(&case, seen.before)
    };
    if hits.iter().any(|(rule, ..)| rule.weight > Weight::Fallback) {
        hits.retain(|(rule, ..)| rule.weight > Weight::Fallback);
    }
    for (rule, hit, is_news) in hits {
        let prescription = (rule.remedies)(&case, &hit);
        questions.extend(prescription.questions.into_iter().filter(|question| !knowledge.was_asked(question)));
        ranked.push((Rank { is_news, ..Rank::of(rule, &hit, log) }, finding(rule, &hit, &case, prescription.remedies)));
    }
    if ahead {
        // Nothing has failed yet: what would be met first stands first.
        ranked.sort_by(|(a, first), (b, second)| first.stage.cmp(&second.stage).then(b.cmp(a)));
    } else {
        ranked.sort_by(|(a, _), (b, _)| b.cmp(a));
        explain(&mut ranked);
    }
    questions.sort();
    questions.dedup();
    Diagnosis { findings: ranked.into_iter().map(|(_, finding)| finding).collect(), questions }
}

/// What the rules recognise in the log, and whether it is news: that a good deploy printed the same lines speaks against a hit.
fn recognised(case: &Case<'_>, before: &BTreeSet<String>) -> Vec<(&'static Rule, Hit, bool)> {
    let is_known = |line: usize| !before.is_empty() && before.contains(&log::template(case.text(line)));
    let found = catalogue::needles().find(case.log);
    let mut hits = Vec::new();
    for (rule, lines) in catalogue::ROSTER.iter().zip(found) {
        let fresh: Vec<usize> = lines.iter().copied().filter(|line| !is_known(*line)).collect();
        if let Some(hit) = rule.apply_to(case, &fresh).filter(|hit| !hit.line.is_some_and(is_known)) {
            hits.push((*rule, hit, true));
        } else if let Some(hit) = rule.apply_to(case, &lines) {
            let confidence = hit.confidence * STALE_FACTOR;
            hits.push((*rule, hit.confidence(confidence), false));
        }
    }
    hits
}

/// Puts findings that explain others in front of those.
fn explain(ranked: &mut Vec<(Rank, Finding)>) {
    for place in 1..ranked.len() {
        let Some(rule) = catalogue::find(&ranked[place].1.class) else { continue };
        // What a good deploy printed, too, explains no failure.
        if !ranked[place].0.is_news {
            continue;
        }
        let explained = ranked[..place].iter().position(|(_, other)| rule.before.contains(&other.class.as_str()));
        if let Some(explained) = explained {
            let found = ranked.remove(place);
            ranked.insert(explained, found);
        }
    }
}

fn finding(rule: &Rule, hit: &Hit, case: &Case<'_>, remedies: Vec<Remedy>) -> Finding {
    let line = hit.line.and_then(|index| case.log.lines.get(index));
    Finding {
        class: rule.id.to_owned(),
        stage: hit.stage.unwrap_or(rule.stage),
        subject: hit.subject.clone(),
        line: line.map(|line| line.number),
        place: hit.place.clone(),
        severity: rule.severity,
        policy: hit.policy.unwrap_or(rule.policy),
        confidence: hit.confidence,
        why: hit.why.clone(),
        evidence: line.map(|line| line.text.clone()).into_iter().collect(),
        remedies,
        advised_by: None,
    }
}

/// The order of findings: a cause before its symptoms, the failing step before the rest of the log, later before earlier.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// A good deploy did not print it.
    is_news: bool,
    weight: Weight,
    in_failing_step: bool,
    confidence_percent: u8,
    line: usize,
    id: std::cmp::Reverse<&'static str>,
}

impl Rank {
    fn of(rule: &Rule, hit: &Hit, log: &Log) -> Self {
        let in_failing_step = match (&log.failing, hit.line) {
            (Some(step), Some(line)) => step.lines.contains(&line),
            _ => true,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
        let confidence_percent = (hit.confidence.clamp(0.0, 1.0) * 100.0) as u8;
        Self {
            is_news: true,
            weight: hit.weight.unwrap_or(rule.weight),
            in_failing_step,
            confidence_percent,
            line: hit.line.unwrap_or(0),
            id: std::cmp::Reverse(rule.id),
        }
    }
}
