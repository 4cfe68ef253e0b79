//! `java-dependency-lock`: the Java dependency lock does not match.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-dependency-lock",
    what: "The Java dependency lock does not match",
    why: "What was resolved differs from what the lock file of the project says.",
    advice: "Write the lock anew with the goal of the plugin and commit it.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["The following dependencies differ", "Expected ", "Dependency lock state for configuration"],
    detect,
    examples: &[Example {
        log: "[ERROR] The following dependencies differ:\n[ERROR]   Expected org.apache.maven:maven-model:LockedVersion{version=3.8.3}:compile:jar but found org.apache.maven:maven-model:3.8.4:compile:jar",
        subject: "org.apache.maven:maven-model",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Expected ([\w.-]+:[\w.-]+)\S* but found",
    r"(Dependency lock state) for configuration",
    r"(dependencies differ)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the dependency lock does not match `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
