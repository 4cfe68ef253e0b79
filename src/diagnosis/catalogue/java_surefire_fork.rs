//! `java-surefire-fork`: the test JVM does not start.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-surefire-fork",
    what: "The test JVM does not start",
    why: "Surefire starts a second JVM for the tests; it did not start or died.",
    advice: "Raise maven-surefire-plugin to 3.x; if memory ran out, give it less.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["surefire.booter.ForkedBooter", "The forked VM terminated without", "Error occurred in starting fork"],
    detect,
    examples: &[Example {
        log: "Error: Could not find or load main class org.apache.maven.surefire.booter.ForkedBooter",
        subject: "org.apache.maven.surefire.booter.ForkedBooter",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Could not find or load main class (org\.apache\.maven\.surefire\.booter\.ForkedBooter)",
    r"(forked VM) terminated without",
    r"Error occurred in (starting fork)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the JVM for the tests did not run ({subject})");
    Some(Hit::at(found.line, subject, why))
}
