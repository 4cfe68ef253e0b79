//! `db-too-many-connections`: the database has no free connection.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-too-many-connections",
    what: "The database has no free connection",
    why: "All workers and instances together open more connections than the database allows.",
    advice: "Lower the pool size or the number of workers, or put a pooler between.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "queuepool limit of size",
        "too many connections",
        "remaining connection slots are reserved",
        "sorry, too many clients already",
        "max clients reached",
        "timed out fetching a new connection from the connection pool",
    ],
    detect,
    examples: &[Example {
        log: "FATAL:  sorry, too many clients already",
        subject: "too many clients already",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"(QueuePool limit of size \d+)|(too many connections)(?: for role \"([^\"]+)\")?|(remaining connection slots are reserved)|(too many clients already)|(max clients reached)|(Timed out fetching a new connection)"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the database has no free connection: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
