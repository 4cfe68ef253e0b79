//! `os-wrong-package-manager`: the step uses the package manager of another distribution.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-wrong-package-manager",
    what: "The step uses the package manager of another distribution",
    why: "apk is Alpine's, apt-get Debian's, yum CentOS'. Often the base image was changed and the steps were not.",
    advice: "Translate the install command, or take the variant of the image that has this manager.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "apk: not found",
        "apt-get: not found",
        "apt: not found",
        "yum: not found",
        "apk: command not found",
        "apt-get: command not found",
        "yum: command not found",
        "dnf: command not found",
        "dnf: not found",
        "microdnf: not found",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apk add git\n#6 0.5 /bin/sh: 1: apk: not found\n#6 ERROR: process \"/bin/sh -c apk add git\" did not complete successfully: exit code: 127",
        files: &[("Dockerfile", "FROM python:3.12-slim\nRUN apk add git\n")],
        subject: "apk",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?:^|[\s/:])(?P<cmd>apk|apt-get|apt|yum|dnf|microdnf|add-apt-repository): (?:command )?not found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["cmd"]).to_owned();
    let why = format!("the image has no `{subject}`: it is of another distribution");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}
