//! `db-host-unresolved`: the name of the database's host is not known.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-host-unresolved",
    what: "The database's host name is not known",
    why: "The name is that of a compose service, of an instance that was deleted, or of another region's internal network.",
    advice: "Use the address that the provisioned database has (DATABASE_URL).",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "getaddrinfo enotfound",
        "unknownhostexception",
        "could not translate host name",
        "getaddrinfo eai_again",
        "nodename nor servname provided",
        "name or service not known",
        "no such host",
    ],
    detect,
    examples: &[Example {
        log: "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not translate host name \"db\" to address: Name or service not known",
        subject: "db",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"could not translate host name \"([^\"]+)\"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)|UnknownHostException: ([\w.-]+)|lookup ([\w.-]+).*no such host|Unknown MySQL server host '([^']+)'|(?:host|Error -2 connecting to) '?([\w.-]+?)'?[:,].*Name or service not known"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    // While building, a name that is not known is the network's fault or that of a package host.
    if case.log.failing.is_some() {
        return None;
    }
    let subject = found.subject();
    let why = format!("the host `{subject}` is not known where the service runs");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
