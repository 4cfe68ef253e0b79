//! `db-conn-refused`: nothing answers at the database's address.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-conn-refused",
    what: "The database does not answer",
    why: "The database is still starting, is suspended, or listens elsewhere.",
    advice: "Check its address, region and state; let the service try for a while when it starts.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "could not connect to server: connection refused",
        "connect: connection refused",
        "can't reach database server",
        "connection refused (os error 111)",
        "connect econnrefused",
        "p1001",
        "cannot connect to amqp",
        "refused. check that the hostname",
    ],
    detect,
    examples: &[Example {
        log: "Error: P1001: Can't reach database server at `dpg-abc:5432`",
        subject: "dpg-abc:5432",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Can't reach database server at [`']?([\w.:-]+)|dial tcp ([\w.:\[\]-]+): connect: connection refused|ECONNREFUSED ([\w.:]+)|[Cc]annot connect to amqps?://(?:[^@\s]*@)?([\w.-]+(?::\d+)?)/.*refused|Connection to ([\w.-]+:\d+) refused|could not connect to server: (Connection refused)|(Connection refused) \(os error 111\)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    if case.log.failing.is_some() {
        return None;
    }
    let subject = found.subject();
    let why = format!("nothing answers at `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.8))
}
