//! `ctx-copy-to-non-directory`: COPY would replace a file by a folder, or the other way round.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnosis::Case;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::sighting::{self, pattern};

pub const RULE: Rule = Rule {
    id: "ctx-copy-to-non-directory",
    what: "COPY would replace a file by a folder, or the other way round",
    why: "The destination exists already as something else, often since a newer base image has a link or a file there.",
    advice: "Copy to a fresh folder, or end the destination with a slash.",
    stage: Stage::ContextCopy,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["non-directory", "cannot overwrite directory", "not a directory"],
    detect,
    examples: &[Example {
        log: "#7 [3/4] COPY dist /app\n#7 ERROR: cannot copy to non-directory: /var/lib/docker/overlay2/abc/merged/app",
        subject: "/app",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        pattern(
            r#"cannot (?:copy to|overwrite) (?:non-)?directory:? "?(?:/var/lib/[^\s"]*/merged)?(?P<path>/[^\s:"]+)"#,
        ),
        pattern(r"cannot (?:copy to|overwrite) (?:non-)?directory"),
        pattern(r"failed to (?:copy|create).*: (?P<path2>/\S+): not a directory"),
    ]
});

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = sighting::last(case, lines, &SHAPES.iter().collect::<Vec<_>>())?;
    let subject = seen.named(&["path", "path2"]).to_owned();
    let why = format!("the destination `{subject}` exists as something else");
    Some(Hit::at(seen.at, subject, why).confidence(0.93))
}
