//! `os-root-needed`: a step needs root.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "os-root-needed",
    what: "A step needs root",
    why: "After USER, steps run without the right to install packages.",
    advice: "Install before USER, or put USER root before and the old user after the step.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Unable to lock directory",
        "List directory /var/lib/apt",
        "Unable to lock database: Permission denied",
        "Could not open lock file",
        "are you root",
        "Unable to lock the administration directory",
    ],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 E: Could not open lock file /var/lib/apt/lists/lock - open (13: Permission denied)\n#6 0.5 E: Unable to lock directory /var/lib/apt/lists/\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        files: &[("Dockerfile", "FROM node:20\nUSER node\nRUN apt-get update\nCMD [\"node\"]\n")],
        subject: "USER",
        remedy: Some((
            "be-root",
            &[("Dockerfile", "FROM node:20\nUSER node\nUSER root\nRUN apt-get update\nUSER node\nCMD [\"node\"]\n")],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?P<a>/var/lib/(?:apt|dpkg)\S*)|Unable to lock (?P<b>database): Permission denied|(?P<c>are you root)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let denied =
        case.log.lines.iter().any(|line| line.text.contains("ermission denied") || line.text.contains("are you root"));
    if !denied {
        return None;
    }
    let subject = "USER".to_owned();
    let why = "the step installs packages without being root";
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}

/// Packages of the system that a user other than root is to install.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let known = |user: &String| !user.is_empty() && !matches!(user.split(':').next(), Some("root" | "0"));
    let installs = |index: usize| {
        let managers = ["apt-get", "apt", "apk", "yum", "dnf", "microdnf"];
        let script = node::script_of(case, index);
        let first = node::commands(&script)
            .into_iter()
            .find(|command| command.split_whitespace().next().is_some_and(|word| managers.contains(&word)));
        first.is_some_and(|command| {
            [" install ", " add ", " update"].iter().any(|verb| format!("{command} ").contains(verb))
        })
    };
    let step =
        case.runs().find(|index| installs(*index) && case.dockerfile.user_at(*index).is_some_and(|user| known(&user)));
    let hit = step.map(|index| {
        let user = case.dockerfile.user_at(index).unwrap_or_default();
        case.foreseen(index, "USER", format!("the step installs packages as `{user}`, and only root may"))
    });
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.step(hit) else { return Prescription::none() };
    let Some(user) = case.dockerfile.user_at(index).filter(|user| !matches!(user.as_str(), "root" | "0")) else {
        return Prescription::none();
    };
    let instruction = &case.dockerfile.instructions()[index];
    let texts = case.workspace.lines(case.dockerfile_path);
    let own = texts.get(instruction.first_line - 1..instruction.last_line).unwrap_or_default();
    let back = format!("USER {user}");
    let new: Vec<&str> = std::iter::once("USER root").chain(own.iter().copied()).chain([back.as_str()]).collect();
    Prescription::none().with(
        "be-root",
        format!("Be root for this step, then `{user}` again"),
        "only root may install packages; everything after it runs as before",
        Applicability::Rehearse,
        Edit::replace(case.workspace, case.dockerfile_path, instruction.first_line, instruction.last_line, &new),
    )
}
