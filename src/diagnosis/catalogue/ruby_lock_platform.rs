//! `ruby-lock-platform`: the lock file is for other platforms.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ruby-lock-platform",
    what: "The lock file is for other platforms",
    why: "Gemfile.lock was written on macOS or Windows only and lists no gems for Linux.",
    advice: "Run `bundle lock --add-platform x86_64-linux` and commit the lock.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Your bundle only supports platforms",
        "but your local platform is",
        "Add the current platform to the lockfile",
        "Could not find nokogiri-",
    ],
    detect,
    examples: &[Example {
        log: "Your bundle only supports platforms [\"arm64-darwin-22\"] but your local platform is x86_64-linux. Add the current platform to the lockfile with\n`bundle lock --add-platform x86_64-linux` and try again.",
        subject: "x86_64-linux",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"local platform is ([\w-]+)",
    r"only supports platforms \[(.*?)\]",
    r"Could not find (nokogiri-\S+)",
    r"(Add the current platform)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the lock file has nothing for the platform `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
