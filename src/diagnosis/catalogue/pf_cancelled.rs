//! `pf-cancelled`: the deploy was cancelled for a newer one.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-cancelled",
    what: "The deploy was cancelled for a newer one",
    why: "A newer deploy of the same service replaced this one.",
    advice: "Follow the newer deploy.",
    stage: Stage::Platform,
    severity: Severity::Low,
    policy: Policy::Retry,
    weight: Weight::Symptom,
    needles: &["canceled", "cancelled"],
    detect,
    examples: &[Example {
        log: "==> Deploy cancelled: canceled: another deploy started",
        subject: "Deploy cancelled",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?i)(?P<a>(?:build|deploy) cancell?ed)",
    r"cancell?ed: (?P<b>(?:another|newer) deploy)",
    r"^(?:ERROR: .*)?(?P<c>context canceled)$",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    // A cancelled context also follows a time limit, which then is the cause.
    if case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some()) {
        return None;
    }
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = "the deploy was cancelled";
    Some(Hit::at(seen.line, subject, why).confidence(0.85))
}
