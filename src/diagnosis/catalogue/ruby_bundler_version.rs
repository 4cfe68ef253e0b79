//! `ruby-bundler-version`: bundler is not the version of the lock file.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ruby-bundler-version",
    what: "Bundler is not the version of the lock file",
    why: "Gemfile.lock names the Bundler that wrote it (BUNDLED WITH); the image has another one.",
    advice: "Install that version: `gem install bundler -v <BUNDLED WITH>`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Could not find 'bundler' (",
        "To install the missing version, run `gem install bundler",
        "You must use Bundler 2 or greater",
        "requires a different version of Bundler",
        "gems for gem \"bundler\"",
        "versions for gem \"bundler\"",
    ],
    detect,
    examples: &[Example {
        log: "/usr/local/lib/ruby/2.7.0/rubygems.rb:275:in `find_spec_for_exe': Could not find 'bundler' (1.11.2) required by your /app/Gemfile.lock. (Gem::GemNotFoundException)\nTo update to the latest version installed on your system, run `bundle update --bundler`.",
        subject: "bundler",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Could not find '(bundler)' \(([\d.]+)\)",
    r"run `gem install (bundler):([\d.]+)`",
    r"must use (Bundler) 2 or greater",
    r"different version of (Bundler)",
    r#"versions for gem "(bundler)""#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the image lacks the {subject} that the lock file names");
    Some(Hit::at(found.line, subject, why))
}
