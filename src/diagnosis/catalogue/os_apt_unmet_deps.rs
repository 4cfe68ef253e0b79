//! `os-apt-unmet-deps`: packages do not fit together.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-unmet-deps",
    what: "Packages do not fit together",
    why: "Packages of two releases, or of a vendor and the distribution, ask for versions that exclude each other.",
    advice: "Drop the vendor repository or the pin that mixes releases; install all in one command.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "held broken packages",
        "unmet dependencies",
        "Unable to correct problems",
        "Depends:",
        "Unmet build dependencies",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get install -y nodejs\n#6 0.5 The following packages have unmet dependencies:\n#6 0.5  nodejs : Depends: libc6 (>= 2.28) but 2.24-11 is to be installed\n#6 0.5 E: Unable to correct problems, you have held broken packages.\n#6 ERROR: process \"/bin/sh -c apt-get install -y nodejs\" did not complete successfully: exit code: 100",
        subject: "nodejs",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"^\s*(?P<a>[\w.+-]+) ?: (?:Pre)?Depends: \S+",
    r"Unmet build dependencies: (?P<b>\S+)",
    r"held (?P<c>broken packages)|(?P<d>unmet dependencies)|Unable to correct problems",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c", "d"]).to_owned();
    let why = format!("the dependencies of `{subject}` do not fit together");
    Some(Hit::at(seen.line, subject, why).confidence(0.92))
}
