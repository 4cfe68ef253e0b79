//! `os-apt-network`: the package mirror was not reached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-network",
    what: "The package mirror was not reached",
    why: "The mirror did not answer for a moment, or lists of an older cached layer name files that are gone.",
    advice: "Try again; run update and install in one RUN.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "Unable to fetch some archives",
        "Could not connect to",
        "Temporary failure resolving",
        "Cannot initiate the connection",
        "Connection failed",
        "Connection timed out",
        "Unable to connect to",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 Err:1 http://deb.debian.org/debian trixie InRelease\n#6 0.5   Temporary failure resolving 'deb.debian.org'\n#6 0.5 E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        subject: "deb.debian.org",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:Could not connect to|Unable to connect to|Cannot initiate the connection to|Temporary failure resolving|Could not resolve) '?(?P<host>[\w.-]+)",
    r"Connection (?:failed|timed out) \[IP: (?P<ip>[\d.]+)|Unable to fetch some archives",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.first(case, lines)?;
    // A package that is not found was asked of a mirror that answered.
    if case.log.failing.is_none() || case.text(seen.line).starts_with("W:") && case.log.contains("E: Unable to locate")
    {
        return None;
    }
    let subject = seen.named(&["host", "ip"]).to_owned();
    let why = format!("the package mirror `{subject}` was not reached");
    Some(Hit::at(seen.line, subject, why).confidence(0.88))
}
