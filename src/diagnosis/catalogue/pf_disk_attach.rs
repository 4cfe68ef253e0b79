//! `pf-disk-attach`: the disk could not be attached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-disk-attach",
    what: "The disk could not be attached",
    why: "The old instance still holds the persistent disk.",
    advice: "Wait and try again.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &["failed to mount", "Multi-Attach error", "disk is still attached", "waiting for disk to detach"],
    detect,
    examples: &[Example {
        log: "==> Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached",
        subject: "Multi-Attach error",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?P<a>Multi-Attach error|disk is still attached|waiting for disk to detach|failed to mount (?:disk|volume))",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = "the disk of the service could not be attached";
    Some(Hit::at(seen.line, subject, why).confidence(0.85))
}
