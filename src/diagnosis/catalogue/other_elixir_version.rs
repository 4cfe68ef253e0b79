//! `other-elixir-version`: the Elixir of the image is out of range.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-elixir-version",
    what: "The Elixir of the image is out of range",
    why: "The project or an archive supports other versions of Elixir.",
    advice: "Pin the image to a version in the range named.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["it supports only"],
    detect,
    examples: &[Example {
        log: "** (Mix) You're trying to run :phx_new on Elixir v1.11.4 but it has declared in its mix.exs file it supports only Elixir ~> 1.15",
        subject: "1.11.4",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"on Elixir v?([\d.]+).*it has declared in its mix\.exs file it supports only",
    r"mix\.exs file it supports only Elixir (.+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("Elixir {subject} is outside the supported range");
    Some(Hit::at(found.line, subject, why))
}
