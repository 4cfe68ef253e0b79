//! `other-erlang-rebar`: rebar3 cannot fetch a package.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-erlang-rebar",
    what: "rebar3 cannot fetch a package",
    why: "The package or plugin is gone, or rebar3 is too old for the lock.",
    advice: "Raise rebar3, or take the package from where it lives now.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["Failed to fetch and copy dep"],
    detect,
    examples: &[Example {
        log: "===> Failed to fetch and copy dep: {git,\"https://github.com/acme/lager.git\",{tag,\"3.2.1\"}}",
        subject: "https://github.com/acme/lager.git",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r#"Failed to fetch and copy dep: \{\w+,\s*"?([^",]+)"#, r"(Failed to fetch and copy dep)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("rebar3 cannot fetch `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
