//! `os-user-exists`: a user or group exists already.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-user-exists",
    what: "A user or group exists already",
    why: "The base image has this user or id: node images use 1000, Ubuntu 24.04 has a user ubuntu with 1000.",
    advice: "Use the user that is there, or another id.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["already exists", "is not unique", "in use"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN useradd -u 1000 app\n#6 0.5 useradd: UID 1000 is not unique\n#6 ERROR: process \"/bin/sh -c useradd -u 1000 app\" did not complete successfully: exit code: 4",
        subject: "1000",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:useradd|adduser|groupadd|addgroup): .*?['‘`](?P<a>[\w.-]+)['’`] .*?(?:already exists|is not unique|in use)",
    r"(?:useradd|adduser|groupadd|addgroup): .*?(?P<b>[\w.-]+)['’`]? (?:already exists|is not unique|in use|is already in use)",
    r"The (?:user|group) [`'‘](?P<c>[\w.-]+)['’] already exists",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = format!("the base image has `{subject}` already");
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
