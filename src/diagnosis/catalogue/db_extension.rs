//! `db-extension`: a PostgreSQL extension is not enabled.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-extension",
    what: "A PostgreSQL extension is not enabled",
    why: "A migration uses a type or function of an extension that was not created in this database.",
    advice: "Add `CREATE EXTENSION IF NOT EXISTS` to a migration, with a user that may.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "could not open extension control file",
        "type \"vector\" does not exist",
        "function uuid_generate_v4() does not exist",
        "permission denied to create extension",
        "type \"citext\" does not exist",
        "function gen_random_uuid() does not exist",
        "\" is not available",
    ],
    detect,
    examples: &[Example {
        log: "psycopg2.errors.UndefinedObject: type \"vector\" does not exist",
        subject: "vector",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"type \"(vector|citext|hstore|geometry|geography)\" does not exist|function (uuid_generate_v4|gen_random_uuid)\(\) does not exist|create extension \"([^\"]+)\"|extension \"([\w-]+)\" is not available|control file \"[^\"]*/([\w-]+)\.control\""#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the extension behind `{subject}` is not enabled");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
