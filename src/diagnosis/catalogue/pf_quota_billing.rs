//! `pf-quota-billing`: a limit of the plan is reached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-quota-billing",
    what: "A limit of the plan is reached",
    why: "Build minutes, spend limit or free hours are used up, or the service is suspended.",
    advice: "Raise the limit or the plan.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "pipeline minutes",
        "build minutes",
        "spend limit",
        "You have reached the free",
        "out of free",
        "exceeded the limit of free",
    ],
    detect,
    examples: &[Example {
        log: "==> Build failed: you have run out of pipeline minutes for this month",
        subject: "pipeline minutes",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?i)(?P<a>pipeline minutes|build minutes|spend limit|reached the free|out of free|exceeded the limit of free)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = "a limit of the plan is reached";
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
