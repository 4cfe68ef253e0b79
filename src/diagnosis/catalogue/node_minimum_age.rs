//! `node-minimum-age`: A version is too new for the release-age guard.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-minimum-age",
    what: "A version is too new for the release-age guard",
    why: "The project only takes versions that have been published for some time; this one is younger.",
    advice: "Use the newest version that is older, or wait. The guard protects from taken-over packages: leave it \
          on.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["ERR_PNPM_NO_MATURE_MATCHING_VERSION", "ERR_PNPM_MINIMUM_RELEASE_AGE_VIOLATION", "with a date before"],
    detect,
    examples: &[Example {
        log: "npm error code ETARGET\nnpm error notarget No matching version found for vite@^7.2.0 with a date before 11/1/2025, 10:00:00 AM.",
        subject: "vite@^7.2.0",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"ERR_PNPM_NO_MATURE_MATCHING_VERSION.*?version.*? (?:for|of) (\S+)",
    r"No matching version found for (\S+) with a date before",
    r"(ERR_PNPM_\w*(?:MATURE|AGE)\w*)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("all fitting versions are younger than the release-age guard allows ({subject})");
    Some(Hit::at(found.line, subject, why))
}
