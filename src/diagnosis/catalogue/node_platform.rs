//! `node-platform`: A package for another operating system is required.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-platform",
    what: "A package for another operating system is required",
    why: "A package that only works on macOS or Windows (fsevents, win-*) is a hard dependency.",
    advice: "Move it to optionalDependencies, or remove it if nothing imports it.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "EBADPLATFORM",
        "notsup Not compatible",
        "notsup Unsupported platform",
        "is incompatible with this module",
    ],
    detect,
    examples: &[
        Example {
            log: "npm error code EBADPLATFORM\nnpm error notsup Unsupported platform for fsevents@2.3.3: wanted {\"os\":\"darwin\"} (current: {\"os\":\"linux\",\"arch\":\"x64\"})",
            subject: "fsevents@2.3.3",
            ..Example::BLANK
        },
        Example {
            log: "error fsevents@1.2.13: The platform \"linux\" is incompatible with this module.\nerror Found incompatible module.",
            subject: "fsevents@1.2.13",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"npm (?:ERR!|error).*?Unsupported platform for (\S+?):",
    r"npm (?:ERR!|error) notsup Not compatible with your operating system or architecture: (\S+)",
    r#"error (\S+?): The (?:platform|CPU architecture) "[^"]+" is incompatible"#,
    r"npm (?:ERR!|error) code (EBADPLATFORM)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` does not work on Linux, yet it is a hard dependency");
    Some(Hit::at(found.line, subject, why))
}
