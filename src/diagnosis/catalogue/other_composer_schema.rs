//! `other-composer-schema`: composer.json does not validate.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-composer-schema",
    what: "composer.json does not validate",
    why: "Composer 2 checks names and fields that Composer 1 let pass.",
    advice: "Correct what Composer names.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["does not match the expected JSON schema"],
    detect,
    examples: &[Example {
        log: "  \"./composer.json\" does not match the expected JSON schema:\n   - name : Does not match the regex pattern",
        subject: "./composer.json",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#""?(\S*composer\.json)"? does not match the expected JSON schema"#,
    r"(composer\.json)?.*does not match the expected JSON schema",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` does not validate");
    Some(Hit::at(found.line, subject, why))
}
