//! `java-enforcer`: A rule of the Maven enforcer fails.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-enforcer",
    what: "A rule of the Maven enforcer fails",
    why: "The project forbids certain dependencies, versions or bytecode, and the build breaks such a rule.",
    advice: "Manage the artefact named at the version that the rule accepts; the rule itself has its reasons.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Some Enforcer rules have failed",
        "RequireUpperBoundDeps",
        "Dependency convergence error",
        "Require upper bound dependencies error",
        "Found Banned Dependency",
        "yet ",
        "requires Jenkins",
        "Restricted to JDK",
        "failed with message",
    ],
    detect,
    examples: &[Example {
        log: "[INFO] Restricted to JDK 1.7 yet org.jsoup:jsoup:jar:1.15.3:compile contains org/jsoup/SerializationException.class targeted to JDK 8\n[ERROR] Rule 0: org.apache.maven.plugins.enforcer.EnforceBytecodeVersion failed with message:",
        subject: "org.jsoup:jsoup:jar:1.15.3:compile",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Restricted to JDK \S+ yet ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"Dependency convergence error for ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"Require upper bound dependencies error for ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"Found Banned Dependency: ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"Dependency ([\w.-]+:[\w.-]+(?::[\w.-]+)+) requires Jenkins",
    r"Rule \d+: ([\w.]+) failed with message",
    r"(Some Enforcer rules) have failed",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("an enforcer rule fails on `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
