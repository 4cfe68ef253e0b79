//! `df-empty`: the Dockerfile is empty.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "df-empty",
    what: "The Dockerfile is empty",
    why: "The file holds no instruction: it is empty, has only comments, or is a placeholder of Git LFS or a link.",
    advice: "Restore the last version with content, or set the right Dockerfile path on the service.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "Is your Dockerfile empty",
        "cannot be empty",
        "file with no instructions",
        "dockerfile contains no stages to build",
    ],
    detect,
    foresee,
    examples: &[Example {
        log: "ERROR: failed to solve: file with no instructions",
        files: &[("Dockerfile", "# nothing\n")],
        subject: "Dockerfile",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"No image was generated\. Is your Dockerfile empty|the Dockerfile \((?P<file>[^)]*)\) cannot be empty|file with no instructions|dockerfile contains no stages to build",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = match seen.named(&["file"]) {
        "" => case.dockerfile_path.to_owned(),
        file => file.to_owned(),
    };
    let why = "the Dockerfile has no instructions to build from";
    Some(Hit::at(seen.line, subject, why).confidence(0.98))
}

/// A Dockerfile that is there and says nothing.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let exists = case.workspace.text(case.dockerfile_path).is_some();
    let stages = case.dockerfile.instructions().iter().any(|each| each.keyword == "FROM" || !each.is_known());
    if !exists || stages {
        return vec![];
    }
    let why = "the Dockerfile has no instructions to build from";
    vec![Hit::in_file(case.dockerfile_path, 1, case.dockerfile_path, why).confidence(0.98)]
}
