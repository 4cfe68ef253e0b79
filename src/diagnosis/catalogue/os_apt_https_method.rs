//! `os-apt-https-method`: apt cannot read https.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-https-method",
    what: "apt cannot read https",
    why: "Old releases need the package apt-transport-https for https sources.",
    advice: "Install apt-transport-https and ca-certificates before the source is added.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["methods/https could not be found", "Is the package apt-transport-https installed"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 E: The method driver /usr/lib/apt/methods/https could not be found.\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        subject: "apt-transport-https",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases =
    Phrases::new(&[r"(?P<a>methods/https) could not be found|Is the package (?P<b>apt-transport-https) installed"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = "apt-transport-https".to_owned();
    let why = "apt cannot read https sources";
    Some(Hit::at(seen.line, subject, why).confidence(0.96))
}
