//! `rust-lock-stale`: cargo.lock is behind.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "rust-lock-stale",
    what: "Cargo.lock is behind",
    why: "`--locked` forbids to change Cargo.lock, and it does not fit the manifests.",
    advice: "Run `cargo update --workspace`, commit Cargo.lock, and copy it into the image.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["but --locked was passed", "but --frozen was passed", "cannot update the lock file"],
    detect,
    examples: &[Example {
        log: "error: the lock file /app/Cargo.lock needs to be updated but --locked was passed to prevent this\nIf you want to try to generate the lock file without accessing the network, remove the --locked flag and use --offline instead.",
        subject: "/app/Cargo.lock",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"lock file (\S*Cargo\.lock) needs to be updated",
    r"cannot update the lock file (\S*Cargo\.lock)",
    r"(--locked|--frozen) was passed",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("cargo may not change `{subject}`, yet it has to");
    Some(Hit::at(found.line, subject, why))
}
