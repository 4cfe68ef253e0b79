//! `db-auth`: the database refuses user or password.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-auth",
    what: "The database refuses the user or the password",
    why: "The credential in the variable is wrong, was rotated, or holds characters that must be percent-encoded in an address.",
    advice: "Set the present credential. It is never written into the repository.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "client password must be a string",
        "wrongpass",
        "password authentication failed for user",
        "access denied for user",
        "bad auth : authentication failed",
        "noauth authentication required",
        "mongoservererror: authentication failed",
        "p1000: authentication failed",
        "authentication protocol requested by server",
    ],
    detect,
    examples: &[Example {
        log: "FATAL:  password authentication failed for user \"shop\"",
        subject: "shop",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"password authentication failed for user \"([^\"]+)\"|Access denied for user '([^']+)'|(client password must be a string)|(WRONGPASS|NOAUTH)|(?:bad auth : |MongoServerError: )([Aa]uthentication failed)|(P1000)|does not support (authentication protocol) requested"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the database refuses `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
