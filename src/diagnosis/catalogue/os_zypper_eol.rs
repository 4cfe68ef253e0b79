//! `os-zypper-eol`: the repository of an openSUSE release is gone.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-zypper-eol",
    what: "The repository of an openSUSE release is gone",
    why: "The release is no longer maintained.",
    advice: "Raise the Leap release in the tag and in every repository address.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["is invalid", "repomd.xml"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN zypper install -y gcc\n#6 0.5 Repository 'openSUSE-Leap-42.3-Oss' is invalid.\n#6 ERROR: process \"/bin/sh -c zypper install -y gcc\" did not complete successfully: exit code: 4",
        subject: "openSUSE-Leap-42.3-Oss",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?:Repository|repository) '(?P<a>[^']+)' is invalid|File '(?P<b>[^']*repomd\.xml)' not found on medium",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a", "b"]).to_owned();
    let why = format!("the repository `{subject}` is gone");
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
