//! `db-localhost`: the service looks for its database on its own machine.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-localhost",
    what: "The database is looked for on localhost",
    why: "The service connects to 127.0.0.1, where no database runs: the variable with the database's address is not set, and the default is the developer's own machine.",
    advice: "Link the database to the service and read its address from DATABASE_URL.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "can't connect to local mysql server",
        "econnrefused 127.0.0.1:",
        "econnrefused ::1:",
        "dial tcp 127.0.0.1:",
        "dial tcp [::1]:",
        "server running on host \"localhost\"",
        "connection to server at \"localhost\"",
        "connection to server at \"127.0.0.1\"",
        "can't connect to mysql server on 'localhost",
        "connection to localhost:",
        "failed to connect to 127.0.0.1:",
        "failed to connect to localhost:",
        "connection to 127.0.0.1:",
    ],
    detect,
    examples: &[Example {
        log: "psycopg2.OperationalError: connection to server at \"localhost\" (127.0.0.1), port 5432 failed: Connection refused",
        subject: "localhost",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"Can't connect to (?:local )?MySQL server (?:on|through).*?'?(localhost|127\.0\.0\.1|/[\w/.]+)|ECONNREFUSED ((?:127\.0\.0\.1|::1):(?:5432|3306|27017|1433))|dial tcp ((?:127\.0\.0\.1|\[::1\]):(?:5432|3306|27017))|host \"(localhost)\"|connection to server at \"(localhost|127\.0\.0\.1)\"|Connection to ((?:localhost|127\.0\.0\.1):\d+) refused|Failed to connect to ((?:localhost|127\.0\.0\.1):(?:5432|3306|27017|1433))"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the database is looked for at `{subject}`, on the service's own machine");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
