//! `res-file-watchers`: too many files are watched.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "res-file-watchers",
    what: "Too many files are watched",
    why: "A development server watches files; the limit of the machine is reached. In production nothing has to be watched.",
    advice: "Start the production command instead of the development server.",
    stage: Stage::Resource,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["number of file watchers reached", "EMFILE: too many open files", "inotify watch limit"],
    detect,
    examples: &[Example {
        log: "Error: ENOSPC: System limit for number of file watchers reached, watch '/app/src'",
        subject: "file watchers",
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"System limit for number of (?P<a>file watchers) reached|(?P<b>EMFILE): too many open files|(?P<c>inotify watch limit)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = "a development server watches too many files";
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}
