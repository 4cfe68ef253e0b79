//! `app-elixir-compile`: the Elixir sources do not compile.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-elixir-compile",
    what: "The Elixir sources do not compile",
    why: "The code or a dependency does not fit this Elixir.",
    advice: "Pin the image to the Elixir of mix.exs.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["== Compilation error"],
    detect,
    examples: &[Example {
        log: "== Compilation error in file lib/app/repo.ex ==\n** (CompileError) lib/app/repo.ex:2: module Ecto.Repo is not loaded",
        subject: "lib/app/repo.ex",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"== Compilation error (?:on|in) file (\S+) =="]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the Elixir source `{subject}` does not compile");
    Some(Hit::at(found.line, subject, why))
}
