//! Which remedy next? Pure: findings in, decision out. Shared by the fixer and the simple loop.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::diagnosis::{Finding, Policy, Stage};
use crate::remedy::{self, Applicability, Remedy};
use crate::workspace::Workspace;

/// Below this a finding that does not stand first is no ground for an edit.
const CONFIDENCE_MIN: f32 = 0.5;

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
/// `focus` limits the work to one stage, as a coordinator hands it out.
pub fn choose(
    findings: &[Finding],
    foreseen: &[Finding],
    workspace: &Workspace,
    tried: &[Tried],
    topology: Topology,
    focus: Option<Stage>,
) -> Decision {
    let findings: Vec<&Finding> =
        findings.iter().filter(|finding| focus.is_none_or(|stage| finding.stage == stage)).collect();
    let Some(first) = findings.first() else {
        return together(None, foreseen, workspace, tried, topology);
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
        Some(primary) => together(Some(primary), foreseen, workspace, tried, topology),
        None => {
            // A fault that is met only later cannot have caused this failure; mending it alone would cost a deploy.
            let causes: Vec<Finding> = foreseen.iter().filter(|fault| fault.stage <= first.stage).cloned().collect();
            match together(None, &causes, workspace, tried, topology) {
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

/// The primary fix, and in a mesh those of foreseen faults that fit beside it and are beyond doubt.
fn together(
    primary: Option<Fix>,
    foreseen: &[Finding],
    workspace: &Workspace,
    tried: &[Tried],
    topology: Topology,
) -> Decision {
    let alone = topology == Topology::Hierarchical;
    let mut fixes: Vec<Fix> = primary.into_iter().collect();
    for finding in foreseen {
        if alone && !fixes.is_empty() {
            break;
        }
        let known =
            fixes.iter().any(|fix| fix.finding.class == finding.class && fix.finding.subject == finding.subject);
        let Some(remedy) = next_remedy(finding, tried)
            .filter(|remedy| !known && (remedy.applicability == Applicability::Apply || fixes.is_empty()))
        else {
            continue;
        };
        let edits: Vec<_> = fixes.iter().flat_map(|fix| &fix.remedy.edits).chain(&remedy.edits).cloned().collect();
        if remedy::apply(&edits, workspace).is_ok() {
            fixes.push(fix(finding, remedy));
        }
    }
    if fixes.is_empty() { Decision::Exhausted } else { Decision::Fix { fixes } }
}
