//! `other-composer`: composer cannot meet a demand.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-composer",
    what: "Composer cannot meet a demand",
    why: "The image lacks a PHP extension or has another PHP version than a package demands.",
    advice: "Install the extension with docker-php-ext-install, or take the PHP version of composer.json.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "could not be resolved to an installable set",
        "Could not open input file: composer",
        "requires ext-",
        "your php version (",
        "is missing from your system. Install or enable",
        "SHA384 is not supported",
        "requires php ",
    ],
    detect,
    examples: &[Example {
        log: "  Problem 1\n    - acme/pdf 1.0 requires ext-gd * -> it is missing from your system. Install or enable PHP's gd extension.",
        subject: "gd",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"requires ext-(\w+)",
    r"requires php \S+.*your php version \(([\d.]+)",
    r"PHP extension (\w+) is missing",
    r"Could not open input file: (composer\S*)",
    r"(SHA384) is not supported by your openssl",
    r"(Your requirements) could not be resolved",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("composer cannot install: {subject}");
    Some(Hit::at(found.line, subject, why))
}
