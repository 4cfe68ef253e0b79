//! `os-apt-hash-mismatch`: the package mirror was in the middle of a change.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-hash-mismatch",
    what: "The package mirror was in the middle of a change",
    why: "Lists and files did not fit together for a moment.",
    advice: "Try again.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Root,
    needles: &["Hash Sum mismatch", "unexpected size", "Mirror sync in progress"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 E: Failed to fetch http://deb.debian.org/debian/dists/trixie/main/binary-amd64/Packages.xz  Hash Sum mismatch\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        subject: "Hash Sum mismatch",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"(?P<a>Hash Sum mismatch|File has unexpected size|Mirror sync in progress)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = "the package mirror was in the middle of a change";
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}
