//! `db-timeout`: the database answers too late.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-timeout",
    what: "The database answers too late",
    why: "The connection or a statement timed out: another region, an overloaded or sleeping instance.",
    advice: "Use the internal address in the same region; try again.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "connection timeout expired",
        "connection terminated due to connection timeout",
        "could not connect to server: connection timed out",
        "canceling statement due to statement timeout",
        "sequelizeconnectionacquiretimeouterror",
        "timeout expired",
        "pooltimeout",
        "timeout acquiring a connection",
    ],
    detect,
    examples: &[Example {
        log: "psycopg2.OperationalError: connection to server at \"10.0.0.3\", port 5432 failed: timeout expired",
        subject: "timeout expired",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(connection timeout expired|timeout expired|Connection terminated due to connection timeout|Connection timed out|statement timeout|SequelizeConnectionAcquireTimeoutError|Timeout acquiring a connection)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    if case.log.failing.is_some() {
        return None;
    }
    let subject = found.subject();
    let why = format!("the database answers too late: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.8))
}
