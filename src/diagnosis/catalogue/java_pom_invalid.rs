//! `java-pom-invalid`: the POM does not validate.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-pom-invalid",
    what: "The POM does not validate",
    why: "A version is missing, the parent is wrong, or an element is not known.",
    advice: "Write what Maven names as missing.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "'dependencies.dependency.version' for",
        "Non-parseable POM",
        "is missing. @",
        "Unrecognised tag",
        "The build could not read",
    ],
    detect,
    examples: &[Example {
        log: "[ERROR]     'dependencies.dependency.version' for org.projectlombok:lombok:jar is missing. @ line 21, column 17",
        subject: "org.projectlombok:lombok:jar",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"'dependencies\.dependency\.version' for (\S+) is missing",
    r"'[\w.]+' for (\S+) (?:is missing|must)",
    r"Non-parseable POM (\S+?):? ",
    r"Unrecognised tag: '(\w+)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the POM does not validate at `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
