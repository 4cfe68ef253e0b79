//! `app-webpack-loader`: webpack has no loader for a file.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-webpack-loader",
    what: "webpack has no loader for a file",
    why: "A file, often of a dependency that moved to newer syntax, cannot be read by the configured loaders.",
    advice: "Pin the dependency to the last release that the loaders can read.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["You may need an appropriate loader", "You may need an additional loader"],
    detect,
    examples: &[Example {
        log: "ERROR in ./node_modules/lib/index.js 14:20\nModule parse failed: Unexpected token (14:20)\nYou may need an appropriate loader to handle this file type",
        subject: "You may need an appropriate loader",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"(You may need an (?:appropriate|additional) loader)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    Some(Hit::at(found.line, subject, "webpack has no loader for a file it should read"))
}
