//! `res-disk-full`: the disk is full.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "res-disk-full",
    what: "The disk is full",
    why: "The builder or the instance ran out of space: large caches, large files in the context, CUDA builds of torch.",
    advice: "Keep caches out of the image (pip --no-cache-dir, apt lists removed), ignore large folders, use CPU builds of torch.",
    stage: Stage::Resource,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["No space left on device", "enough free space in", "ENOSPC", "Errno 28", "write error: No space"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN pip install torch\n#6 0.5 ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n#6 ERROR: process \"/bin/sh -c pip install torch\" did not complete successfully: exit code: 1",
        subject: "",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"You don't have enough free space in (?P<path>[^\s]+)",
    r"[Nn]o space left on device|ENOSPC: no space|\[Errno 28\]|write error: No space",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    if case.text(seen.line).contains("shared memory") || case.text(seen.line).contains("torch_") {
        return None;
    }
    let subject = seen.named(&["path"]).to_owned();
    let why = "the disk is full";
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}
