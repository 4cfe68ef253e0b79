//! Which remedy next? Pure: findings in, decision out. Shared by the fixer and the simple loop.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::diagnosis::{Finding, Policy, Stage, Weight, catalogue};
use crate::remedy::{self, Applicability, Remedy};
use crate::workspace::Workspace;

/// Below this a finding that does not stand first is no ground for an edit.
const CONFIDENCE_MIN: f32 = 0.5;
/// From this on a second finding of a log is taken for a fault of its own.
const INDEPENDENT_MIN: f32 = 0.85;

/// From here on a foreseen fault is mended along with the one that was met: it would cost the next deploy for certain.
const FORESEEN_SURE: f32 = 0.9;

/// A remedy and what it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    pub finding: Finding,
    pub remedy: Remedy,
}

/// What is to be done about the findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// These remedies, to be applied together.
    Fix { fixes: Vec<Fix> },
    /// Nothing is wrong with the files: try again once.
    Retry { finding: Finding },
    /// Only a person can go on.
    Person { finding: Finding },
    /// Nothing left to try.
    Exhausted,
}

/// A remedy that was released for a failure, or refused for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Of the failure.
    pub mark: String,
    /// The remedy's id, or `retry`.
    pub remedy: String,
}

/// How the swarm works together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Agents wake on documents; remedies of faults that do not interact go out together.
    #[default]
    Mesh,
    /// A coordinator hands out one stage at a time, the earliest first: for faults that interact.
    Hierarchical,
}

impl Topology {
    pub fn name(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::Hierarchical => "hierarchical",
        }
    }

    /// Mesh, unless the remedies of several findings edit the same lines.
    pub fn suited_to(findings: &[&Finding]) -> Self {
        let mut taken: Vec<(&str, RangeInclusive<usize>)> = Vec::new();
        for (place, finding) in findings.iter().enumerate() {
            // The same fault, seen in the log and in the files.
            if findings[..place].iter().any(|other| other.class == finding.class) {
                continue;
            }
            let first = finding.remedies.first().map(|remedy| remedy.edits.as_slice()).unwrap_or_default();
            let own: Vec<_> = first.iter().map(|edit| (edit.path(), edit.lines())).collect();
            let meets = |(path, lines): &(&str, RangeInclusive<usize>)| {
                taken
                    .iter()
                    .any(|(other, held)| path == other && lines.start() <= held.end() && held.start() <= lines.end())
            };
            if own.iter().any(meets) {
                return Self::Hierarchical;
            }
            taken.extend(own);
        }
        Self::Mesh
    }
}

/// Decides what to do about `findings` (of the log, best first) and `foreseen` (of the files).
///
/// `focus` limits the work to one stage, as a coordinator hands it out. `may_join` says of a remedy that is not beyond doubt
/// whether a resolver has proved it or a trial is going to: then it may go out beside the primary one.
pub fn choose(
    findings: &[Finding],
    foreseen: &[Finding],
    workspace: &Workspace,
    tried: &[Tried],
    topology: Topology,
    focus: Option<Stage>,
    may_join: &dyn Fn(&Remedy) -> bool,
) -> Decision {
    let findings: Vec<&Finding> =
        findings.iter().filter(|finding| focus.is_none_or(|stage| finding.stage == stage)).collect();
    let Some(first) = findings.first() else {
        return together(vec![], foreseen, workspace, tried, topology, may_join);
    };
    match first.policy {
        Policy::Retry if !was_tried(tried, first, "retry") => return Decision::Retry { finding: (*first).clone() },
        Policy::Retry => return Decision::Person { finding: (*first).clone() },
        Policy::Human if next_remedy(first, tried).is_none() => return Decision::Person { finding: (*first).clone() },
        Policy::Human | Policy::Fix => {}
    }
    let mut candidates = findings.iter().enumerate().filter(|(place, finding)| {
        *place == 0 || (finding.policy == Policy::Fix && finding.confidence >= CONFIDENCE_MIN)
    });
    let chosen = candidates.find_map(|(_, finding)| next_remedy(finding, tried).map(|remedy| fix(finding, remedy)));
    match chosen {
        Some(primary) => {
            let mut fixes = vec![primary];
            if topology == Topology::Mesh {
                fixes.extend(independent(&fixes[0], &findings, tried));
            }
            together(fixes, foreseen, workspace, tried, topology, may_join)
        }
        None => {
            // A fault that is met only later cannot have caused this failure; mending it alone would cost a deploy.
            let causes: Vec<Finding> = foreseen.iter().filter(|fault| fault.stage <= first.stage).cloned().collect();
            match together(vec![], &causes, workspace, tried, topology, may_join) {
                Decision::Exhausted => Decision::Person { finding: (*first).clone() },
                decision => decision,
            }
        }
    }
}

fn fix(finding: &Finding, remedy: &Remedy) -> Fix {
    Fix { finding: finding.clone(), remedy: remedy.clone() }
}

fn was_tried(tried: &[Tried], finding: &Finding, remedy: &str) -> bool {
    let mark = finding.mark();
    tried.iter().any(|tried| tried.mark == mark && tried.remedy == remedy)
}

/// The first remedy that may be applied unattended and was not tried for this failure.
pub fn next_remedy<'a>(finding: &'a Finding, tried: &[Tried]) -> Option<&'a Remedy> {
    finding
        .remedies
        .iter()
        .find(|remedy| remedy.applicability != Applicability::Suggest && !was_tried(tried, finding, &remedy.id))
}

/// Faults that the log shows beside the primary one and that have nothing to do with it: another cause, on another line, with
/// a remedy that cannot change a service that works.
fn independent(primary: &Fix, findings: &[&Finding], tried: &[Tried]) -> Vec<Fix> {
    let explains = |one: &str, other: &str| catalogue::find(one).is_some_and(|rule| rule.before.contains(&other));
    let is_cause = |class: &str| catalogue::find(class).is_some_and(|rule| rule.weight >= Weight::Typical);
    let of_its_own = |finding: &Finding, other: &Finding| {
        finding.line != other.line
            && finding.subject != other.subject
            && !explains(&other.class, &finding.class)
            && !explains(&finding.class, &other.class)
    };
    let mut out: Vec<Fix> = Vec::new();
    for finding in findings {
        let stands_alone = finding.policy == Policy::Fix
            && finding.confidence >= INDEPENDENT_MIN
            && finding.line.is_some()
            && is_cause(&finding.class)
            && of_its_own(finding, &primary.finding)
            && out.iter().all(|fix| of_its_own(finding, &fix.finding));
        let remedy = next_remedy(finding, tried).filter(|remedy| remedy.applicability == Applicability::Apply);
        if let Some(remedy) = remedy.filter(|_| stands_alone) {
            out.push(fix(finding, remedy));
        }
    }
    out
}

/// Whether the edits of two remedies are about the same lines.
fn meet(one: &Remedy, other: &Remedy) -> bool {
    let overlap = |a: &RangeInclusive<usize>, b: &RangeInclusive<usize>| a.start() <= b.end() && b.start() <= a.end();
    one.edits
        .iter()
        .any(|edit| other.edits.iter().any(|held| edit.path() == held.path() && overlap(&edit.lines(), &held.lines())))
}

/// Whether `remedy` needs no proof of its own: it cannot change a service that works, or the files show for certain that this
/// one does not work.
pub fn is_certain(finding: &Finding, remedy: &Remedy) -> bool {
    let foreseen = finding.line.is_none() && finding.policy == Policy::Fix && finding.confidence >= FORESEEN_SURE;
    match remedy.applicability {
        Applicability::Apply => true,
        Applicability::Rehearse => foreseen,
        Applicability::Suggest => false,
    }
}

/// `fixes`, the primary one first, and in a mesh those of foreseen faults that fit beside them and are, or will be, proved.
fn together(
    fixes: Vec<Fix>,
    foreseen: &[Finding],
    workspace: &Workspace,
    tried: &[Tried],
    topology: Topology,
    may_join: &dyn Fn(&Remedy) -> bool,
) -> Decision {
    let alone = topology == Topology::Hierarchical;
    let fits = |taken: &[Fix], remedy: &Remedy| {
        let edits: Vec<_> = taken.iter().flat_map(|fix| &fix.remedy.edits).chain(&remedy.edits).cloned().collect();
        !taken.iter().any(|fix| meet(&fix.remedy, remedy)) && remedy::apply(&edits, workspace).is_ok()
    };
    let mut taken: Vec<Fix> = Vec::new();
    for fix in fixes {
        if taken.is_empty() || fits(&taken, &fix.remedy) {
            taken.push(fix);
        }
    }
    for finding in foreseen {
        if alone && !taken.is_empty() {
            break;
        }
        let known =
            taken.iter().any(|fix| fix.finding.class == finding.class && fix.finding.subject == finding.subject);
        let sure = |remedy: &&Remedy| !known && (is_certain(finding, remedy) || taken.is_empty() || may_join(remedy));
        let Some(remedy) = next_remedy(finding, tried).filter(sure) else { continue };
        if taken.is_empty() || fits(&taken, remedy) {
            taken.push(fix(finding, remedy));
        }
    }
    if taken.is_empty() { Decision::Exhausted } else { Decision::Fix { fixes: taken } }
}
