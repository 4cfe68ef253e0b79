//! `db-missing-database`: the database server has no such database.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-missing-database",
    what: "The database does not exist on the server",
    why: "The address names a database that the server does not have.",
    advice: "Take the name that the provisioned instance has.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["unknown database", "p1003", "fatal:  database \"", "fatal: database \""],
    detect,
    examples: &[Example {
        log: "psycopg2.OperationalError: FATAL:  database \"shop\" does not exist",
        subject: "shop",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[r#"database \"([^\"]+)\" does not exist|Unknown database '([^']+)'|(P1003)"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("there is no database `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
