//! `ruby-default-gem-removed`: A gem no longer comes with Ruby.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ruby-default-gem-removed",
    what: "A gem no longer comes with Ruby",
    why: "Ruby 3.4 dropped csv, base64, bigdecimal, mutex_m, drb and observer from its default gems; \
          concurrent-ruby 1.3.5 no longer loads logger.",
    advice: "Add the gem to the Gemfile and lock it; for Rails before 7.1 pin concurrent-ruby to 1.3.4.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "LoggerThreadSafeLevel::Logger",
        "cannot load such file -- bigdecimal",
        "cannot load such file -- mutex_m",
        "cannot load such file -- csv",
        "cannot load such file -- base64",
        "cannot load such file -- drb",
        "cannot load such file -- observer",
    ],
    detect,
    examples: &[Example {
        log: "/usr/local/lib/ruby/3.4.0/bundled_gems.rb:82:in 'Kernel.require': cannot load such file -- csv (LoadError)",
        subject: "csv",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"cannot load such file -- (bigdecimal|mutex_m|csv|base64|drb|observer)",
    r"uninitialized constant ActiveSupport::LoggerThreadSafeLevel::(Logger)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` no longer comes with this Ruby");
    Some(Hit::at(found.line, subject, why))
}
