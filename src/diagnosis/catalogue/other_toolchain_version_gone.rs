//! `other-toolchain-version-gone`: A version manager does not know the version.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-toolchain-version-gone",
    what: "A version manager does not know the version",
    why: "rbenv, pyenv, nvm or swiftenv has no definition for the version that is asked for.",
    advice: "Update the manager, or ask for a version it knows.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["don't have build instructions for", "definition not found", "Version '", "is not found"],
    detect,
    examples: &[Example {
        log: "ruby-build: definition not found: 2.1.11\n\nSee all available versions with `rbenv install --list'.",
        subject: "2.1.11",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"have build instructions for (\S+)",
    r"(?:ruby|python)-build: definition not found: (\S+)",
    r"Version '([^']+)' not found - try",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the version manager does not know `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
