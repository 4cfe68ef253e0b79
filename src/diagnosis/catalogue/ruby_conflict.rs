//! `ruby-conflict`: the Gemfile cannot be resolved.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ruby-conflict",
    what: "The Gemfile cannot be resolved",
    why: "Two gems ask for versions that exclude each other, or a locked version was taken back.",
    advice: "Loosen the one constraint that is named, or update that gem alone: `bundle lock --update <gem> \
          --conservative`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "Could not find compatible versions",
        "could not find compatible versions for gem",
        "Your bundle is locked to",
        "has removed it",
        "version solving has failed",
        "which is no longer found in",
        "in any of the sources",
        "Could not find gem",
    ],
    detect,
    examples: &[
        Example {
            log: "Bundler could not find compatible versions for gem \"rack\":\n  In Gemfile:\n    rails (~> 7.0) was resolved to 7.0.8, which depends on",
            subject: "rack",
            ..Example::BLANK
        },
        Example {
            log: "Your bundle is locked to mimemagic (0.3.5), but that version could not be found in any of the sources listed in your Gemfile.",
            subject: "mimemagic",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"could not find compatible versions for gem "([^"]+)""#,
    r"Your bundle is locked to (\S+) ",
    r"Could not find gem \'([^\' ]+)",
    r"Could not find (\S+-[\d.]+) in any of the sources",
    r"Because.*?(\w[\w-]*) (?:>=|~>|=|<|depends)",
    r"(version solving) has failed",
    r"(Could not find compatible versions)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("bundler finds no versions that fit together ({subject})");
    Some(Hit::at(found.line, subject, why))
}
