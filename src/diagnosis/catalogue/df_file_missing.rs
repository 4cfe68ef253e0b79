//! `df-file-missing`: there is no Dockerfile at the path of the service.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "df-file-missing",
    what: "There is no Dockerfile at the path of the service",
    why: "The Dockerfile path or the root directory set on the service names a file that this commit does not have.",
    advice: "Set the Dockerfile path (and the context folder) of the service to the file that is there.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "failed to read dockerfile",
        "Cannot locate specified Dockerfile",
        "unable to evaluate symlinks in Dockerfile path",
        "lstat Dockerfile",
    ],
    detect,
    foresee,
    examples: &[Example {
        log: "ERROR: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
        files: &[("web/Dockerfile", "FROM debian\n")],
        subject: "Dockerfile",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"failed to read dockerfile: open (?P<a>[^:]+): no such file",
    r"Cannot locate specified Dockerfile: (?P<a2>\S+)",
    r"unable to evaluate symlinks in Dockerfile path: lstat (?P<a3>[^:]+)",
    r"failed to read dockerfile",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "a2", "a3"]).to_owned();
    let why = format!("there is no `{subject}` in this commit");
    Some(Hit::at(seen.line, subject, why).confidence(0.98))
}

/// No file at the path that the service names.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    if case.dockerfile_path.is_empty()
        || case.workspace.contains(case.dockerfile_path)
        || case.workspace.paths().next().is_none()
    {
        return vec![];
    }
    let others: Vec<&str> = case
        .workspace
        .paths()
        .filter(|path| path.rsplit('/').next().is_some_and(|name| name.contains("ockerfile")))
        .collect();
    let hint = if others.is_empty() { String::new() } else { format!("; there is {}", others.join(", ")) };
    let why = format!("there is no `{}` in this commit{hint}", case.dockerfile_path);
    vec![Hit { place: None, ..Hit::in_file(case.dockerfile_path, 1, case.dockerfile_path, why) }.confidence(0.98)]
}
