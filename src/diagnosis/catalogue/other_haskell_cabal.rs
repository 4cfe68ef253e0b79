//! `other-haskell-cabal`: cabal or stack cannot resolve or run.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-haskell-cabal",
    what: "cabal or stack cannot resolve or run",
    why: "The resolver finds no plan, or the tool does not work in this image.",
    advice: "Pin the image and the snapshot.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "cabal: Could not resolve dependencies",
        "Stack has not been tested",
        "fdLock",
        "Could not resolve dependencies:",
        "No setup information found for",
        "Could not find valid compiler",
        "Compiler version mismatched",
    ],
    detect,
    examples: &[Example {
        log: "cabal: Could not resolve dependencies:\n[__0] trying: app-0.1.0.0 (user goal)",
        subject: "cabal",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(cabal): Could not resolve dependencies",
    r"(fdLock): invalid argument",
    r"No setup information found for (ghc-[\d.]+)",
    r"Compiler version mismatched, found (ghc-[\d.]+)",
    r"Could not find valid (compiler)",
    r"(Stack) has not been tested",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("{subject} fails in this image");
    Some(Hit::at(found.line, subject, why))
}
