//! `os-rpmdb-overlayfs`: yum reads a stale database.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-rpmdb-overlayfs",
    what: "yum reads a stale database",
    why: "Old CentOS images read the rpm database wrongly on overlay file systems.",
    advice: "Write `touch /var/lib/rpm/* &&` before yum in the same RUN.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Rpmdb checksum is invalid"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN yum install -y x\n#6 0.5 Rpmdb checksum is invalid: dCDPT(pkg checksums): x\n#6 ERROR: process \"/bin/sh -c yum install -y x\" did not complete successfully: exit code: 1",
        subject: "Rpmdb checksum is invalid",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"(?P<a>Rpmdb checksum is invalid)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = "yum reads a stale database";
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}
