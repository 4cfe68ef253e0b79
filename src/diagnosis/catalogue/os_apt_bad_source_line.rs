//! `os-apt-bad-source-line`: a line of sources.list is wrong.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-bad-source-line",
    what: "A line of sources.list is wrong",
    why: "The suite is empty (lsb_release is not there), or the line has a wrong form.",
    advice: "Write the suite's name, or read it from /etc/os-release.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Malformed entry", "is not known on line"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 E: Malformed entry 1 in list file /etc/apt/sources.list.d/x.list (Suite)\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        subject: "/etc/apt/sources.list.d/x.list",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"Malformed entry \d+ in (?:list|sources) file (?P<a>\S+)|is not known on line \d+ in source list (?P<b>\S+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a", "b"]).to_owned();
    let why = format!("`{subject}` has a wrong line");
    Some(Hit::at(seen.line, subject, why).confidence(0.96))
}
