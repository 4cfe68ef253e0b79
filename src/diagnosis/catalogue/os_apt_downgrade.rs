//! `os-apt-downgrade`: apt refuses a risky action.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-downgrade",
    what: "apt refuses a risky action",
    why: "A pin or a vendor repository makes apt downgrade, remove or change held packages; it wants to be told so.",
    advice: "Remove the version pin that causes it, or allow it for this command.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "used without --force-yes",
        "held packages were changed",
        "were downgraded and -y",
        "Essential packages were removed",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get install -y libc6=2.31\n#6 0.5 E: Packages were downgraded and -y was used without --allow-downgrades.\n#6 ERROR: process \"/bin/sh -c apt-get install -y libc6=2.31\" did not complete successfully: exit code: 100",
        subject: "were downgraded",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?P<a>held packages were changed|were downgraded|Essential packages were removed|used without --force-yes)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a"]).to_owned();
    let why = format!("apt refuses: {subject}");
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}
