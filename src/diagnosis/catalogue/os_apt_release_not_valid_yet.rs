//! `os-apt-release-not-valid-yet`: the lists of a repository are not valid now.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-release-not-valid-yet",
    what: "The lists of a repository are not valid now",
    why: "The clock of the builder is off, or an archived repository has lists that expired.",
    advice: "Try again; for an archive, switch the check of dates off for that source only.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Root,
    needles: &["is not valid yet", "is expired (invalid since"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 E: Release file for http://deb.debian.org/debian/dists/bookworm-updates/InRelease is not valid yet (invalid for another 3h). Updates for this repository will not be applied.\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        subject: "http://deb.debian.org/debian/dists/bookworm-updates/InRelease",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"Release file for (?P<url>\S+) is (?:not valid yet|expired)",
    r"is not valid yet|is expired \(invalid since",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["url"]).to_owned();
    let why = format!("the lists of `{subject}` are not valid now");
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}
