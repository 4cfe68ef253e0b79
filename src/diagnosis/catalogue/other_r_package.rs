//! `other-r-package`: an R package cannot be installed.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-r-package",
    what: "An R package cannot be installed",
    why: "It does not exist for this R version, or a system library is missing.",
    advice: "Take an image with the right R version (rocker, r2u), and install the library that configure names.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "is not available (for R version",
        "is not available for this version of R",
        "there is no package called",
        "installation of package",
        "had non-zero exit status",
        "ERROR: dependenc",
    ],
    detect,
    examples: &[Example {
        log: "Error in library(ggplot2) : there is no package called ‘ggplot2’\nExecution halted",
        subject: "ggplot2",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"there is no package called .([\w.]+)",
    r"package .([\w.]+). is not available",
    r"installation of package .([\w./]+). had non-zero",
    r"ERROR: dependenc\w+ .([\w.]+).",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the R package `{subject}` cannot be installed");
    Some(Hit::at(found.line, subject, why))
}
