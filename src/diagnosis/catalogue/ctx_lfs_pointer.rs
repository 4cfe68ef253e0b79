//! `ctx-lfs-pointer`: a file is only a Git LFS pointer.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ctx-lfs-pointer",
    what: "A file is only a Git LFS pointer",
    why: "The repository keeps the file in Git LFS and the build got the small text that stands for it.",
    advice: "Fetch the file during the build from where it is published, or keep it outside LFS.",
    stage: Stage::ContextCopy,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["git-lfs.github.com/spec", "Smudge error", "invalid load key", "over its data quota"],
    detect,
    examples: &[Example {
        log: "Traceback (most recent call last):\n_pickle.UnpicklingError: invalid load key, 'v'.",
        subject: "",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"Smudge error: Error downloading (?P<file>\S+)",
    r"version https://git-lfs\.github\.com/spec",
    r"invalid load key, 'v'",
    r"This repository is over its data quota",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["file"]).to_owned();
    let why = "a file of the repository is only a Git LFS pointer";
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
