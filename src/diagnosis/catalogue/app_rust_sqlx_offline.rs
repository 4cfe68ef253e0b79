//! `app-rust-sqlx-offline`: sqlx needs a database or prepared data to compile.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-rust-sqlx-offline",
    what: "sqlx needs a database or prepared data to compile",
    why: "Its macros check queries while compiling: against a database, or against the `.sqlx` folder.",
    advice: "Run `cargo sqlx prepare`, commit `.sqlx`, copy it into the image and set SQLX_OFFLINE=true.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["to use query macros online", "cargo sqlx prepare", "no cached data for this query"],
    detect,
    examples: &[Example {
        log: "error: set `DATABASE_URL` to use query macros online, or run `cargo sqlx prepare` to update the query cache",
        subject: "DATABASE_URL",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"set `?(DATABASE_URL)`? to use query macros online",
    r"(no cached data) for this query",
    r"run `(cargo sqlx prepare)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("sqlx has neither a database nor prepared data ({subject})");
    Some(Hit::at(found.line, subject, why))
}
