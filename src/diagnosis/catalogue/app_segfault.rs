//! `app-segfault`: A process of the build crashed.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-segfault",
    what: "A process of the build crashed",
    why: "It ended with a segmentation fault (exit code 139).",
    advice: "Look for a binary of another C library or processor first.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["Segmentation fault", "exit code: 139", "non-zero code: 139", "SIGSEGV"],
    detect,
    examples: &[Example {
        log: "Segmentation fault (core dumped)\nThe command '/bin/sh -c make test' returned a non-zero code: 139",
        subject: "Segmentation fault",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"((?i:segmentation fault))", r"(SIGSEGV)", r"exit code: (139)", r"non-zero code: (139)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    case.log.failing.as_ref()?;
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a process of the build crashed ({subject})");
    Some(Hit::at(found.line, subject, why))
}
