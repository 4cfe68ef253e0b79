//! Counsel: a failure that no rule names, put before a model; and what of its answer is believed. Pure; `operations` asks.
//!
//! The log and the files come from strangers, and so does the answer. Of it nothing counts that cannot be checked here: lines
//! it quotes must stand in the log, files it edits must be among those it was shown, and what it brings in must not reach
//! outside. What is left is a finding like any other, with a remedy that needs the proof of a trial. Once that has healed a
//! service, it is remembered, and applied without asking anybody.

use crate::diagnosis::{Diagnosis, Finding, Log, Policy, Rule, Severity, Weight, catalogue, log};
use crate::learning::{Advice, LearningState};
use crate::remedy::{Applicability, Remedy, apply};
use crate::workspace::Workspace;

mod answer;
mod brief;
mod doubt;

pub use answer::{read, schema};
pub use brief::Brief;

/// Beside the catalogue's: the class of failures that only a model has named.
pub const CLASS: &str = "advised-other";

/// Remedies of a model are told by the beginning of their id.
const REMEDY: &str = "advised-";

/// As sure as a rule that fits in many ways; a trial decides.
const CONFIDENCE: f32 = 0.7;

/// Whether no rule names what failed: there is nothing, or only that a step failed.
pub fn is_needed(diagnosis: &Diagnosis) -> bool {
    let names = |finding: &Finding| catalogue::find(&finding.class).is_none_or(|rule| rule.weight > Weight::Fallback);
    !diagnosis.findings.iter().any(names)
}

/// What was learned of this failure: the same message, and edits that fit these files.
pub fn remembered(learning: &LearningState, log: &Log, files: &Workspace) -> Option<Finding> {
    learning.advised.values().find_map(|advised| {
        apply(&advised.advice.edits, files).ok()?;
        again(&advised.advice, log)
    })
}

/// A failure of which something was said in this run, met again: it is the same whether the edits still fit or not.
pub fn said(said: &[Advice], log: &Log, files: &Workspace) -> Option<Finding> {
    let mut found = said.iter().find_map(|advice| again(advice, log))?;
    found.remedies.retain(|remedy| apply(&remedy.edits, files).is_ok());
    Some(found)
}

/// The finding of `advice`, where its decisive line stands in `log`, whatever the numbers in it.
fn again(advice: &Advice, log: &Log) -> Option<Finding> {
    let message = log::template(advice.evidence.first()?);
    let line = log.lines.iter().rfind(|line| log::template(&line.text) == message)?;
    Some(finding(advice.clone(), Some(line.number)))
}

/// Whether `finding` rests on a model's word: then only a trial lets a fix of it out.
pub fn needs_trial(finding: &Finding) -> bool {
    finding.advised_by.is_some()
}

/// What is to be remembered, should `remedy` heal: `None` where a rule prescribed it.
pub fn advice(finding: &Finding, remedy: &Remedy) -> Option<Advice> {
    let by = finding.advised_by.clone()?;
    Some(Advice {
        by,
        class: finding.class.clone(),
        subject: finding.subject.clone(),
        stage: finding.stage,
        why: finding.why.clone(),
        evidence: finding.evidence.clone(),
        title: remedy.title.clone(),
        edits: remedy.edits.clone(),
    })
}

/// The classes a model may name: all that say what is wrong.
fn classes() -> impl Iterator<Item = &'static Rule> {
    catalogue::ROSTER.iter().copied().filter(|rule| rule.weight > Weight::Fallback)
}

fn finding(advice: Advice, line: Option<usize>) -> Finding {
    let Advice { by, class, subject, stage, why, evidence, title, edits } = advice;
    let remedy = Remedy {
        id: format!("{REMEDY}{}", answer::mark(&edits)),
        title,
        why: format!("advised by {by}"),
        applicability: Applicability::Rehearse,
        edits,
    };
    Finding {
        class,
        stage,
        subject,
        line,
        place: None,
        severity: Severity::High,
        policy: Policy::Fix,
        confidence: CONFIDENCE,
        why,
        evidence,
        remedies: vec![remedy],
        advised_by: Some(by),
    }
}
