//! `pf-image-push`: the built image could not be stored.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-image-push",
    what: "The built image could not be stored",
    why: "The build worked; pushing its result to the platform's registry did not.",
    advice: "Try again; make the image smaller if it is very large.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "failed to push",
        "failed commit on ref",
        "unexpected status from PUT",
        "error pushing image",
        "failed to do request: Put",
    ],
    detect,
    examples: &[Example {
        log: "#12 pushing layers\n#12 ERROR: failed to push registry.example/app: unexpected status from PUT request to https://registry.example/v2/: 500 Internal Server Error",
        subject: "failed to push",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?P<a>failed to push|failed commit on ref|unexpected status from PUT request|error pushing image|failed to do request: Put)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = "the built image could not be stored";
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}
