//! `db-migration-failed`: migrations do not apply.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-migration-failed",
    what: "Database migrations do not apply",
    why: "The revision in the database and those in the repository do not fit, or a migration broke half-way.",
    advice: "Read the named revision. A migration is never reset or marked as applied unattended.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "nodenotfounderror: migration",
        "can't locate revision identified by",
        "multiple head revisions are present",
        "inconsistentmigrationhistory",
        "pendingmigrationerror",
        "dirty database version",
        "migrations are pending",
        "error: p3009",
        "error: p3018",
        "error: p3005",
        "flywayvalidateexception",
        "migration checksum mismatch",
    ],
    detect,
    examples: &[Example {
        log: "alembic.util.exc.CommandError: Can't locate revision identified by 'ae1027a6acf'",
        subject: "ae1027a6acf",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Can't locate revision identified by '([^']+)'|(NodeNotFoundError): Migration (\S+)|(Multiple head revisions)|(InconsistentMigrationHistory)|(PendingMigrationError)|Dirty database version (\d+)|(Migrations are pending)|Error: (P30(?:09|18|05))|[Mm]igration (checksum mismatch) for|(FlywayValidateException)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the migrations do not apply: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
