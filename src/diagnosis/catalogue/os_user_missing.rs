//! `os-user-missing`: a user or group does not exist.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-user-missing",
    what: "A user or group does not exist",
    why: "chown or USER names a user that this base image does not have (any more).",
    advice: "Create it before, or use its number.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "invalid user",
        "unknown user",
        "invalid group",
        "unable to find user",
        "unknown group",
        "no matching entries in passwd",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN chown -R jboss:root /opt\n#6 0.5 chown: invalid user: ‘jboss:root’\n#6 ERROR: process \"/bin/sh -c chown -R jboss:root /opt\" did not complete successfully: exit code: 1",
        subject: "jboss",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"chown: (?:invalid|unknown) (?:user|group):? ['‘`]?(?P<a>[\w.-]+)",
    r"unable to find (?:user|group) (?P<b>[\w.-]+):",
    r"chown: unknown (?:user|group)(?:/group)? (?P<c>[\w.-]+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = format!("the image has no user `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}
