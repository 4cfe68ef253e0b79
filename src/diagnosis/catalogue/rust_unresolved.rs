//! `rust-unresolved`: cargo cannot pick versions or find a dependency.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "rust-unresolved",
    what: "Cargo cannot pick versions or find a dependency",
    why: "No version satisfies all requirements, or a path or git dependency is not in the build context.",
    advice: "Copy the path dependency into the image; loosen the requirement named, or update that crate.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "failed to select a version for",
        "no matching package named",
        "failed to load source for dependency",
        "candidate versions found which didn't match",
        "Unable to update registry",
        "failed to get `",
        "no matching package found",
    ],
    detect,
    examples: &[
        Example {
            log: "error: failed to select a version for `openssl-sys`.\n    ... required by package `git2 v0.6.0`",
            subject: "openssl-sys",
            ..Example::BLANK
        },
        Example {
            log: "error: no matching package named `palette-core` found\nlocation searched: /build/crates/core",
            subject: "palette-core",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"no matching package named `([^`]+)` found",
    r"failed to select a version for (?:the requirement )?`([\w-]+)",
    r"failed to load source for dependency `([^`]+)`",
    r"failed to get `([^`]+)` as a dependency",
    r"candidate versions found which didn't match",
    r"Unable to update (registry \S+)",
    r"no matching package found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("cargo cannot resolve `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
