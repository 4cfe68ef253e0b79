//! `os-apt-interactive`: a package manager waits for an answer.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "os-apt-interactive",
    what: "A package manager waits for an answer",
    why: "Nobody can answer during a build: apt-get needs -y, and packages that ask need DEBIAN_FRONTEND=noninteractive.",
    advice: "Add -y to the install command, and ARG DEBIAN_FRONTEND=noninteractive for packages that ask.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "[Y/n] Abort",
        "Do you want to continue",
        "Geographic area",
        "geographic area",
        "Enter a number, or a blank",
    ],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update && apt-get install curl\n#6 0.5 After this operation, 1 MB of additional disk space will be used.\n#6 0.5 Do you want to continue? [Y/n] Abort.\n#6 ERROR: process \"/bin/sh -c apt-get update && apt-get install curl\" did not complete successfully: exit code: 1",
        files: &[("Dockerfile", "FROM debian\nRUN apt-get update && apt-get install curl\n")],
        subject: "-y",
        remedy: Some(("assume-yes", &[("Dockerfile", "FROM debian\nRUN apt-get update && apt-get install -y curl\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<a>Do you want to continue)\? \[Y/n\] ?Abort|\[Y/n\] Abort",
    r"Please select the geographic area|Geographic area:\s*$|Enter a number, or a blank line",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject =
        if seen.named(&["a"]).is_empty() && !seen[0].contains("Abort") { "tzdata".to_owned() } else { "-y".to_owned() };
    let why = "a package manager waits for an answer";
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}

/// An installation that asks whether it may go on, where nobody answers.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let text = case.dockerfile.text();
    let answered = ["Assume-Yes", "assume-yes", "yes |", "yes|", "apt.conf", "echo y", "printf y", "<<<"]
        .iter()
        .any(|word| text.contains(word));
    // apt asks only when it installs more than was asked for: of these packages that is certain in a bare image.
    const BRING_OTHERS: &[&str] = &[
        "build-essential",
        "ca-certificates",
        "curl",
        "chromium",
        "default-jre",
        "ffmpeg",
        "g++",
        "gcc",
        "git",
        "gnupg",
        "imagemagick",
        "libpq-dev",
        "libssl-dev",
        "nginx",
        "nginx-light",
        "nodejs",
        "npm",
        "php-cli",
        "postgresql-client",
        "python3",
        "python3-pip",
        "ruby",
        "supervisor",
        "vim",
        "wget",
    ];
    let bare = |index: &usize| {
        let of = |base: base::Base| base.image.official().map(str::to_owned).zip(Some(base.image.tag.clone()));
        base::of(case, *index)
            .and_then(of)
            .is_some_and(|(name, tag)| matches!(name.as_str(), "debian" | "ubuntu") || tag.contains("slim"))
    };
    let brings = |index: &usize| {
        let named = installs::named(case, *index);
        named.iter().any(|each| each.manager.starts_with("apt") && BRING_OTHERS.contains(&each.name.as_str()))
    };
    let asks = |index: &usize| unanswered(case, *index).is_some();
    let asking = case.runs().filter(|_| !answered).find(|index| asks(index) && brings(index) && bare(index));
    let hit = asking
        .map(|index| case.foreseen(index, "-y", "apt asks whether it may go on, and nobody answers during a build"));
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let by_place = || hit.place.as_ref().and_then(|place| dockerfile.at_line(place.line)).map(|(index, _)| index);
    let Some(index) = case.failing_instruction().or_else(by_place) else { return Prescription::none() };
    if hit.subject == "tzdata" {
        return Prescription::none().with(
            "noninteractive",
            "Tell packages not to ask",
            "with this setting every package takes its default answer",
            Applicability::Rehearse,
            edit::insert_before_instruction(
                workspace,
                path,
                dockerfile,
                index,
                &["ARG DEBIAN_FRONTEND=noninteractive"],
            ),
        );
    }
    let edit = unanswered(case, index).and_then(|line| {
        let text = *workspace.lines(path).get(line - 1)?;
        Edit::replace(workspace, path, line, line, &[&text.replacen(" install", " install -y", 1)])
    });
    Prescription::none().with(
        "assume-yes",
        "Add `-y`",
        "nobody can answer during a build",
        Applicability::Rehearse,
        edit,
    )
}

/// The line of an `apt-get install` that is not told to say yes.
fn unanswered(case: &Case<'_>, index: usize) -> Option<usize> {
    static INSTALL: Phrases = Phrases::new(&[r"\b(?:apt-get|apt)((?: -\S+)*) install((?:\s+-\S+)*)"]);
    let instruction = case.dockerfile.instructions().get(index).filter(|each| each.keyword == "RUN")?;
    let says_yes = |options: &str| {
        options.split_whitespace().any(|word| {
            word == "--yes"
                || word.starts_with("-q") && word.contains("qq")
                || (word.starts_with('-') && !word.starts_with("--") && word.contains('y'))
        })
    };
    let found = INSTALL.read(&instruction.args)?;
    if says_yes(&found[1]) || instruction.args[found.range().start..].split("&&").next().is_some_and(says_yes) {
        return None;
    }
    let texts = case.workspace.lines(case.dockerfile_path);
    (instruction.first_line..=instruction.last_line)
        .find(|line| texts.get(line - 1).is_some_and(|text| INSTALL.fits(text)))
}
