//! `db-ssl`: the database wants, or does not want, an encrypted connection.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-ssl",
    what: "The database's encryption does not fit",
    why: "The external address of a database wants TLS, the internal one often has none or a certificate of its own.",
    advice: "Use `?sslmode=require` for the external address, none for the internal one.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "self signed certificate",
        "self-signed certificate",
        "server does not support ssl connections",
        "ssl connection has been closed unexpectedly",
        "ssl/tls required",
        "no pg_hba.conf entry for host",
        "connection is insecure (try using `sslmode=require`)",
        "ssl off",
    ],
    detect,
    examples: &[Example {
        log: "FATAL:  no pg_hba.conf entry for host \"10.0.0.1\", user \"shop\", database \"shop\", SSL off",
        subject: "10.0.0.1",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"(?:(self[- ]signed certificate)|server does not support (SSL) connections|(SSL) connection has been closed|(SSL/TLS required)|no pg_hba\.conf entry for host \"([^\"]+)\"|(connection is insecure)|(SSL off))"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    // A certificate that stops a download while building is no database's.
    if case.log.failing.is_some() {
        return None;
    }
    let subject = found.subject();
    let why = format!("the database's encryption does not fit: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.85))
}
