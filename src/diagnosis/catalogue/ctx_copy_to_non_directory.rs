//! `ctx-copy-to-non-directory`: COPY would replace a file by a folder, or the other way round.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

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

static SHAPES: Phrases = Phrases::new(&[
    r#"cannot (?:copy to|overwrite) (?:non-)?directory:? "?(?:/var/lib/[^\s"]*/merged)?(?P<path>/[^\s:"]+)"#,
    r"cannot (?:copy to|overwrite) (?:non-)?directory",
    r"failed to (?:copy|create).*: (?P<path2>/\S+): not a directory",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["path", "path2"]).to_owned();
    let why = format!("the destination `{subject}` exists as something else");
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
