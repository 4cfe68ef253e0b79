//! `os-pacman`: pacman cannot install.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-pacman",
    what: "pacman cannot install",
    why: "Arch moves on daily; an older image knows neither the new keys nor the new files.",
    advice: "Run pacman -Sy archlinux-keyring, then -Syu, or take a newer dated tag.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "target not found:",
        "failed to commit transaction",
        "failed retrieving file",
        "invalid or corrupted package",
        "unknown trust",
        "failed to synchronize all databases",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN pacman -S --noconfirm foo\n#6 0.5 error: target not found: foo\n#6 ERROR: process \"/bin/sh -c pacman -S --noconfirm foo\" did not complete successfully: exit code: 1",
        subject: "foo",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"error: target not found: (?P<a>\S+)",
    r"error: failed retrieving file '(?P<b>[^']+)'",
    r"error: (?P<c>failed to commit transaction|failed to synchronize all databases)|invalid or (?P<d>corrupted package)|(?P<e>unknown trust)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c", "d", "e"]).to_owned();
    let why = format!("pacman cannot install: {subject}");
    Some(Hit::at(seen.line, subject, why).confidence(0.92))
}
