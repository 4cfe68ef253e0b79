//! `pf-git-clone`: the platform could not clone the repository.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-git-clone",
    what: "The platform could not clone the repository",
    why: "The repository moved, access was taken away, or the git host has trouble. It happens before any build step.",
    advice: "Try again; if it stays, connect the repository anew.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Root,
    needles: &["Unable to clone"],
    detect,
    examples: &[Example {
        log: "==> Cloning from https://github.com/acme/app\n==> Unable to clone https://github.com/acme/app",
        subject: "https://github.com/acme/app",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[r"Unable to clone (?P<url>\S+)", r"Unable to clone"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["url"]).to_owned();
    let why = format!("the platform could not clone `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}
