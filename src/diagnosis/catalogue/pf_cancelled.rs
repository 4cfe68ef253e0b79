//! `pf-cancelled`: the deploy was cancelled for a newer one.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnosis::Case;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::sighting::{self, pattern};

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

static SHAPES: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        pattern(r"(?i)(?P<a>(?:build|deploy) cancell?ed)"),
        pattern(r"cancell?ed: (?P<b>(?:another|newer) deploy)"),
        pattern(r"^(?:ERROR: .*)?(?P<c>context canceled)$"),
    ]
});

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = sighting::last(case, lines, &SHAPES.iter().collect::<Vec<_>>())?;
    // A cancelled context also follows a time limit, which then is the cause.
    if case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some()) {
        return None;
    }
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = "the deploy was cancelled";
    Some(Hit::at(seen.at, subject, why).confidence(0.85))
}
