//! `db-url-malformed`: the database's address cannot be read.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-url-malformed",
    what: "The database's address cannot be read",
    why: "The variable is empty, holds quotes or spaces, or begins with `postgres://`, which SQLAlchemy no longer knows.",
    advice: "Correct the value of the variable; for `postgres://` let the code read it as `postgresql://`.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "invalid dsn",
        "the url must start with the protocol",
        "could not parse sqlalchemy url",
        "nosuchmoduleerror",
        "can't load plugin: sqlalchemy.dialects:postgres",
        "could not parse rfc1738 url from string",
        "invalid connection string",
        "mongoparseerror",
        "expected string or url object, got none",
        "p1013",
        "argumenterror: expected string or url",
    ],
    detect,
    examples: &[Example {
        log: "sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres",
        subject: "sqlalchemy.dialects:postgres",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(invalid dsn)|(URL must start with the protocol)|(?:Could not parse (?:SQLAlchemy|rfc1738) URL from (?:given URL )?string) '?([^']*)|Can't load plugin: (sqlalchemy\.dialects:[\w.]+)|(MongoParseError)|(Expected string or URL object, got None)|(P1013)|([Ii]nvalid connection string)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the database's address cannot be read: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
