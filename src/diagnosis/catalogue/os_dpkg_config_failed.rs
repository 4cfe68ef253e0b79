//! `os-dpkg-config-failed`: a package could not be set up.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-dpkg-config-failed",
    what: "A package could not be set up",
    why: "The script that runs after unpacking failed: services cannot be started in a build, slim images lack folders of manual pages.",
    advice: "Install with --no-install-recommends; make /usr/share/man/man1 before a Java runtime; take a newer release.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &["Errors were encountered while processing", "returned an error code", "error processing package"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get install -y openjdk-11-jre-headless\n#6 0.5 dpkg: error processing package openjdk-11-jre-headless:amd64 (--configure):\n#6 0.5 E: Sub-process /usr/bin/dpkg returned an error code (1)\n#6 ERROR: process \"/bin/sh -c apt-get install -y openjdk-11-jre-headless\" did not complete successfully: exit code: 100",
        subject: "openjdk-11-jre-headless:amd64",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"dpkg: error processing package (?P<a>\S+)",
    r"dpkg: error processing archive \S*/(?P<b>[\w.+-]+)_",
    r"Errors were encountered while processing|Sub-process /usr/bin/dpkg returned an error code",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b"]).to_owned();
    let why = format!("the package `{subject}` could not be set up");
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}
