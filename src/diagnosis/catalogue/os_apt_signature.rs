//! `os-apt-signature`: apt does not trust a repository.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apt-signature",
    what: "apt does not trust a repository",
    why: "The key of the repository is absent, expired, or belongs to another series.",
    advice: "Fetch the vendor's key into /etc/apt/keyrings and name it with signed-by; never switch the check off.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "is not signed",
        "signatures were invalid",
        "KEYEXPIRED",
        "unauthenticated packages",
        "Clearsigned file isn't valid",
        "EXPKEYSIG",
        "At least one invalid signature",
        "NO_PUBKEY",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 E: The repository 'http://repo.mongodb.org/apt/debian buster/mongodb-org/4.0 Release' is not signed.\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        subject: "http://repo.mongodb.org/apt/debian",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"The repository '(?P<repo>[^']+)' is not signed",
    r"W: GPG error: (?P<repo2>\S+ \S+).*(?:NO_PUBKEY|KEYEXPIRED|EXPKEYSIG|invalid)",
    r"(?:NO_PUBKEY|EXPKEYSIG|KEYEXPIRED) (?P<key>[0-9A-F]+)|There were (?P<un>unauthenticated packages)|At least one (?P<inv>invalid signature)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = {
        let repository = seen.named(&["repo", "repo2"]);
        if repository.is_empty() {
            seen.named(&["key", "un", "inv"]).to_owned()
        } else {
            repository.split(' ').next().unwrap_or(repository).to_owned()
        }
    };
    let why = format!("apt does not trust `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
