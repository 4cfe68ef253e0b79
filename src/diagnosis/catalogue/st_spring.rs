//! `st-spring`: the Spring application does not start.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-spring",
    what: "The Spring application does not start",
    why: "A property is not set or the database is not there.",
    advice: "Set the property named (for a database SPRING_DATASOURCE_URL and the like).",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    before: &["st-env-missing"],
    needles: &[
        "Error creating bean with name",
        "APPLICATION FAILED TO START",
        "Failed to configure a DataSource",
        "Could not resolve placeholder",
    ],
    detect,
    examples: &[Example {
        log: "Caused by: java.lang.IllegalArgumentException: Could not resolve placeholder 'app.api-key' in value \"${app.api-key}\"",
        subject: "app.api-key",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Could not resolve placeholder '([\w.-]+)'",
    r"Failed to configure a (DataSource)",
    r"Error creating bean with name '([\w.]+)'",
    r"(APPLICATION FAILED TO START)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("Spring does not start ({subject})");
    Some(Hit::at(found.line, subject, why))
}
