//! `java-no-pom`: there is no build file here.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-no-pom",
    what: "There is no build file here",
    why: "mvn or gradle runs in a folder without pom.xml or build.gradle.",
    advice: "Set WORKDIR to the folder of the build file, or copy it there.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["there is no POM in this directory", "does not contain a Gradle build"],
    detect,
    examples: &[Example {
        log: "[ERROR] The goal you specified requires a project to execute but there is no POM in this directory (/app). Please verify you invoked Maven from the correct directory.",
        subject: "/app",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"there is no POM in this directory \(([^)]+)\)",
    r"Directory '([^']+)' does not contain a Gradle build",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("there is no build file in `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
