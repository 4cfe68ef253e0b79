//! `pf-buildkit-lost`: the connection to the builder was lost.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-buildkit-lost",
    what: "The connection to the builder was lost",
    why: "The build daemon died or the connection to it dropped. Nothing in the repository did that.",
    advice: "Try again; if it happens at the same step, that step uses too much memory.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "error during connect",
        "Cannot connect to the Docker daemon",
        "transport is closing",
        "failed to receive status",
        "no active session for",
        "closing transport due to",
        "frame too large",
        "error reading from server: EOF",
    ],
    detect,
    examples: &[Example {
        log: "ERROR: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
        subject: "failed to receive status",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?P<what>error during connect|Cannot connect to the Docker daemon|transport is closing|failed to receive status|no active session for|closing transport due to|frame too large|error reading from server: EOF)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["what"]).to_owned();
    let why = "the connection to the builder was lost";
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
