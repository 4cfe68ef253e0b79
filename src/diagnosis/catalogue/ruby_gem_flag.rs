//! `ruby-gem-flag`: `gem install` has no such option any more.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ruby-gem-flag",
    what: "`gem install` has no such option any more",
    why: "RubyGems 3 dropped --no-ri and --no-rdoc.",
    advice: "Write `--no-document`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["invalid option: --no-ri", "invalid option: --no-rdoc"],
    detect,
    examples: &[Example {
        log: "ERROR:  While executing gem ... (OptionParser::InvalidOption)\n    invalid option: --no-ri",
        subject: "--no-ri",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"invalid option: (--no-r\w+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` is no option of this RubyGems");
    Some(Hit::at(found.line, subject, why))
}
