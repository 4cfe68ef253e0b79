//! `app-case-mismatch`: A file name differs by letter case.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-case-mismatch",
    what: "A file name differs by letter case",
    why: "macOS and Windows do not mind; Linux does.",
    advice: "Rename the file with `git mv`, or correct the import.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "only in casing",
        "that only differ in casing",
        "differs from already included file name",
        "already included file name",
    ],
    detect,
    examples: &[Example {
        log: "src/App.tsx(3,20): File name '/app/src/components/header.tsx' differs from already included file name '/app/src/components/Header.tsx' only in casing.",
        subject: "/app/src/components/header.tsx",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"File name '([^']+)' differs from already included",
    r"Already included file name '([^']+)'",
    r"(differ(?:s)? (?:only )?in casing|only differ in casing)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a file name differs only by letter case from its import ({subject})");
    Some(Hit::at(found.line, subject, why))
}
