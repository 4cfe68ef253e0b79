//! `app-lint-as-error`: lint warnings count as errors.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-lint-as-error",
    what: "Lint warnings count as errors",
    why: "CI=true turns the warnings of create-react-app into errors, or `next build` runs ESLint.",
    advice: "Mend the lines named, or set CI=false for that one command.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "Treating warnings as errors because process.env.CI",
        "Most CI servers set it automatically",
        "Need to disable some ESLint rules",
        "warnings as errors",
    ],
    detect,
    examples: &[Example {
        log: "Treating warnings as errors because process.env.CI = true.\nMost CI servers set it automatically.\n\nFailed to compile.",
        subject: "Treating warnings as errors",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"(Treating warnings as errors)", r"(ESLint) rules", r"(Most CI servers)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("lint warnings count as errors ({subject})");
    Some(Hit::at(found.line, subject, why))
}
