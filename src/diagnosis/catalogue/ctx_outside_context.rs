//! `ctx-outside-context`: COPY reaches outside the build context.

use crate::diagnosis::Case;
use crate::diagnosis::copying;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ctx-outside-context",
    what: "COPY reaches outside the build context",
    why: "A build sees nothing above its context folder: `COPY ../x` cannot work.",
    advice: "Set the context of the service to the folder that holds everything, and write the paths from there.",
    stage: Stage::ContextCopy,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "orbidden path outside the build context",
        "failed to calculate checksum of ref",
        "failed to compute cache key",
        "/buildkit-mount",
        "COPY failed",
        "ADD failed",
    ],
    detect,
    foresee,
    examples: &[Example {
        log: "Step 3/4 : COPY ../shared /app/shared\nCOPY failed: forbidden path outside the build context: ../shared ()",
        subject: "../shared",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"[Ff]orbidden path outside the build context: (?P<path>[^\s(]+)",
    r"[Ff]orbidden path outside the build context",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let missing = copying::missing(case, lines);
    // BuildKit takes `../x` for `x` and then does not find it.
    if let Some((missing, index)) = missing.and_then(|missing| missing.instruction.map(|index| (missing, index)))
        && let Some(written) = copying::leaves_context(case, index)
    {
        let line = case.dockerfile.instructions()[index].first_line;
        let why = format!("`{written}` lies outside the build context");
        return Some(Hit::at(missing.at, written, why).confidence(0.97).place(case.dockerfile_path, line));
    }
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["path"]).to_owned();
    let why = format!("`{subject}` lies outside the build context");
    Some(Hit::at(seen.line, subject, why).confidence(0.98))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let instructions = case.dockerfile.instructions().iter().enumerate();
    instructions
        .filter_map(|(index, each)| {
            let written = copying::leaves_context(case, index)?;
            let why = format!("`{written}` lies outside the build context");
            Some(Hit::in_file(case.dockerfile_path, each.first_line, written, why).confidence(0.95))
        })
        .collect()
}
