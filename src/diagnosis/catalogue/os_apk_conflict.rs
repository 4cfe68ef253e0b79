//! `os-apk-conflict`: two apk packages exclude each other.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apk-conflict",
    what: "Two apk packages exclude each other",
    why: "openssl-dev and libressl-dev, or packages of two Alpine releases.",
    advice: "Ask for the one that the other packages already pull in.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["conflicts:"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apk add openssl-dev libressl-dev\n#6 0.5 ERROR: unable to select packages:\n#6 0.5   libressl-dev-3.6.2-r0:\n#6 0.5     conflicts: openssl-dev-3.1.0-r4\n#6 ERROR: process \"/bin/sh -c apk add openssl-dev libressl-dev\" did not complete successfully: exit code: 1",
        subject: "openssl-dev-3.1.0-r4",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"^\s+conflicts: (?P<a>\S+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = format!("`{subject}` excludes another package");
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}
