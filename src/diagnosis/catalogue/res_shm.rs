//! `res-shm`: shared memory is too small.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "res-shm",
    what: "Shared memory is too small",
    why: "/dev/shm has 64 MB in a container; Chrome and PyTorch workers want more.",
    advice: "Start Chrome with --disable-dev-shm-usage, load data with num_workers=0.",
    stage: Stage::Resource,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "session deleted because of page crash",
        "could not resize shared memory segment",
        "unable to write to file </torch",
    ],
    detect,
    examples: &[Example {
        log: "selenium.common.exceptions.WebDriverException: Message: unknown error: session deleted because of page crash",
        subject: "page crash",
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"session deleted because of (?P<a>page crash)|could not resize (?P<b>shared memory segment)|unable to write to file <(?P<c>/torch)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = "shared memory is too small";
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}
