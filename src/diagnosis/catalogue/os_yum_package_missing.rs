//! `os-yum-package-missing`: yum or dnf finds no package of this name.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-yum-package-missing",
    what: "yum or dnf finds no package of this name",
    why: "The package was renamed or dropped in this release, or comes from EPEL or CRB, which are not enabled.",
    advice: "Enable EPEL/CRB, or use the package's name in this release.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &["Unable to find a match", "No match for argument", "Nothing to do", "No such package", "No package"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN dnf install -y htop\n#6 0.5 No match for argument: htop\n#6 0.5 Error: Unable to find a match: htop\n#6 ERROR: process \"/bin/sh -c dnf install -y htop\" did not complete successfully: exit code: 1",
        subject: "htop",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"Unable to find a match: (?P<a>\S+)|No match for argument: (?P<b>\S+)|No package (?P<c>\S+) available|error: No such package: (?P<d>\S+)|No package matches '(?P<e>[^']+)'",
    r"Error: Nothing to do",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c", "d", "e"]).to_owned();
    let why = format!("the release has no package `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.92))
}
