//! `py-wheel-unsupported`: a wheel does not fit this Python, libc or processor.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "py-wheel-unsupported",
    what: "A wheel does not fit this image",
    why: "A wheel that is named directly was built for another Python, another libc (Alpine), or another processor.",
    advice: "Ask for `name==version` in place of the file, and use the image that the wheel was built for.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "is not a supported wheel on this platform",
        "is not a supported wheel for this platform",
        "has no wheels with a matching",
        "no source distribution or wheel for the current platform",
        "can't be installed because it doesn't have a source distribution or wheel for the current platform",
    ],
    detect,
    examples: &[Example {
        log: "ERROR: tensorflow-1.8.0-cp27-none-linux_armv7l.whl is not a supported wheel on this platform.",
        subject: "tensorflow-1.8.0-cp27-none-linux_armv7l.whl",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(\S+\.whl) is not a supported wheel|(\S+) (?:\([^)]*\) )?has no wheels with a matching|Distribution `?(\S+?)`? .*can't be installed",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` was built for another platform");
    Some(Hit::at(found.line, subject, why).confidence(0.96))
}
