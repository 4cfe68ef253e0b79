//! `db-pgbouncer-prepared`: prepared statements do not go through the pooler.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-pgbouncer-prepared",
    what: "Prepared statements do not go through PgBouncer",
    why: "A pooler in transaction mode gives each transaction another connection, which does not know the statements prepared on the last one.",
    advice: "Switch prepared statements off for this address (`pgbouncer=true`, `statement_cache_size=0`).",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["prepared statement \"", "bind message supplies"],
    detect,
    examples: &[Example { log: "ERROR: prepared statement \"s0\" already exists", subject: "s0", ..Example::BLANK }],
    ..Rule::BLANK
};

static SAYS: Phrases =
    Phrases::new(&[r#"prepared statement \"([^\"]+)\" (?:already exists|does not exist)|(bind message supplies)"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the prepared statement `{subject}` is not known on this connection");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
