//! `app-prisma-generate`: the Prisma client was not generated.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-prisma-generate",
    what: "The Prisma client was not generated",
    why: "The schema was not copied before the packages were installed, `prisma generate` did not run, or the \
          schema is not valid.",
    advice: "Copy the `prisma` folder before the installation and run `npx prisma generate` in the build.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "@prisma/client did not initialize yet",
        "Could not find Prisma Schema",
        "Could not load `--schema`",
        "P1012",
        "Error validating datasource",
        "is no longer supported in schema files",
    ],
    detect,
    examples: &[
        Example {
            log: "Error: @prisma/client did not initialize yet. Please run \"prisma generate\" and try to import it again.",
            subject: "@prisma/client",
            ..Example::BLANK
        },
        Example {
            log: "Error: Could not find Prisma Schema that is required for this command.",
            subject: "Prisma Schema",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(@prisma/client) did not initialize",
    r"Could not find (Prisma Schema)",
    r"Could not load `--schema` from provided path `([^`]+)`",
    r"Error code: (P1012)",
    r"Error validating (datasource \S+)",
    r"(P1012)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the Prisma client cannot be made or was not made ({subject})");
    Some(Hit::at(found.line, subject, why))
}
