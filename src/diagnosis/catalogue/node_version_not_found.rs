//! `node-version-not-found`: the wanted version of a package does not exist.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-version-not-found",
    what: "The wanted version of a package does not exist",
    why: "The registry knows the package, but no version that fits: it was unpublished, mistyped, or not \
          published yet.",
    advice: "Write a version that exists, best the nearest one of the same minor.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "No matching version found for",
        "find any versions for",
        "ERR_PNPM_NO_MATCHING_VERSION",
        "No candidates found",
        "ETARGET",
    ],
    detect,
    examples: &[
        Example {
            log: "npm error code ETARGET\nnpm error notarget No matching version found for left-pad@99.0.0.\nnpm error notarget In most cases you or one of your dependencies are requesting",
            subject: "left-pad@99.0.0",
            ..Example::BLANK
        },
        Example {
            log: "error Couldn't find any versions for \"highlight.js\" that matches \"9.15.0\"",
            subject: "highlight.js@9.15.0",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"No matching version found for (\S+?)\.?$",
    r"No matching version found for (\S+@\S+?)\.? ",
    r#"Couldn't find any versions for "([^"]+)"(?: that matches "([^"]+)")?"#,
    r"ERR_PNPM_NO_MATCHING_VERSION.*No matching version found for (\S+)",
    r"(\S+@\S+): No candidates found",
    r"code (ETARGET)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.names().collect::<Vec<_>>().join("@");
    let why = format!("no published version fits `{subject}`");
    Some(Hit::at(found.line, subject.as_str(), why))
}
