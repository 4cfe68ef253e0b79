//! `os-apt-deb-src-missing`: source packages are asked for but not enabled.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-deb-src-missing",
    what: "Source packages are asked for but not enabled",
    why: "apt-get source and build-dep need deb-src lines.",
    advice: "Enable the deb-src lines before apt-get update in that RUN.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["URIs in your sources.list"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get build-dep -y x\n#6 0.5 E: You must put some 'deb-src' URIs in your sources.list\n#6 ERROR: process \"/bin/sh -c apt-get build-dep -y x\" did not complete successfully: exit code: 100",
        subject: "deb-src",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"You must put some '(?P<a>source|deb-src)' URIs"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = format!("no `{subject}` lines are enabled");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}
