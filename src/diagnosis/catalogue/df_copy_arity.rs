//! `df-copy-arity`: COPY or ADD lacks its destination, or copies several files to something that is no folder.

use crate::diagnosis::Case;
use crate::diagnosis::parsing;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "df-copy-arity",
    what: "COPY or ADD lacks its destination, or the destination of several files is no folder",
    why: "The last word of COPY is where the others go. With several sources, or a wildcard, it has to be a folder: a path \
          that ends with a slash.",
    advice: "Add the destination, or a slash at its end.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["requires at least two arguments", "destination must be a directory"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "Dockerfile:3\n--------------------\n   3 | >>> COPY package.json package-lock.json /app\n--------------------\nERROR: failed to solve: dockerfile parse error on line 3: When using COPY with more than one source file, the destination must be a directory and end with a /",
            files: &[
                ("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json /app\n"),
                ("package.json", "{}"),
                ("package-lock.json", "{}"),
            ],
            subject: "/app",
            remedy: Some((
                "end-with-slash",
                &[("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json /app/\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: failed to solve: dockerfile parse error on line 3: COPY requires at least two arguments, but only one was provided. Destination could not be determined.",
            files: &[("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY package.json\n"), ("package.json", "{}")],
            subject: "package.json",
            remedy: Some(("add-destination", &[("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY package.json ./\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?i)(?:When using (?:COPY|ADD) with more than one source file, the destination must be a directory|(?:COPY|ADD) requires at least two arguments)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = parsing::last(case, lines, &SHAPE)?;
    let hit = parsing::hit(case, &seen, "", String::new(), |message| SHAPE.fits(message));
    let index = parsing::instruction_of(case, &hit)
        .or_else(|| (0..case.dockerfile.instructions().len()).find(|at| is_wrong(case, *at)));
    let subject = index.map(|index| last_word(case, index)).unwrap_or_default();
    let why = format!("`{subject}` is no folder to copy to");
    let hit = Hit { subject, why, ..hit };
    Some(match index {
        Some(index) => hit.place(case.dockerfile_path, case.dockerfile.instructions()[index].first_line),
        None => hit,
    })
}

fn last_word(case: &Case<'_>, index: usize) -> String {
    case.dockerfile.instructions()[index].words().pop().unwrap_or_default()
}

/// What BuildKit refuses: one word only, or several sources and a destination without slash.
fn is_wrong(case: &Case<'_>, index: usize) -> bool {
    let instruction = &case.dockerfile.instructions()[index];
    if !matches!(instruction.keyword.as_str(), "COPY" | "ADD") || !instruction.heredocs.is_empty() {
        return false;
    }
    let words = instruction.words();
    match words.split_last() {
        Some((_, [])) => true,
        Some((destination, sources)) => sources.len() > 1 && !is_folder(destination),
        None => false,
    }
}

fn is_folder(destination: &str) -> bool {
    destination.ends_with('/')
        || matches!(destination, "." | "..")
        || destination.ends_with("/.")
        || destination.contains('$')
}

/// Only what every builder refuses: today's BuildKit makes a folder of a destination without slash.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let lone = |index: &usize| case.dockerfile.instructions()[*index].words().len() == 1;
    let wrong = (0..case.dockerfile.instructions().len()).filter(|index| is_wrong(case, *index) && lone(index));
    wrong
        .map(|index| {
            let subject = last_word(case, index);
            let why = format!("`{subject}` is no folder to copy to");
            let line = case.dockerfile.instructions()[index].first_line;
            Hit::in_file(case.dockerfile_path, line, subject, why).confidence(0.97)
        })
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = parsing::instruction_of(case, hit).filter(|index| is_wrong(case, *index)) else {
        return Prescription::none();
    };
    let instruction = &case.dockerfile.instructions()[index];
    let words = instruction.words();
    if instruction.exec().is_some() {
        return Prescription::none();
    }
    let texts = case.workspace.lines(case.dockerfile_path);
    if words.len() == 1 {
        let line = instruction.last_line;
        let new = texts.get(line - 1).map(|text| format!("{} ./", text.trim_end()));
        return Prescription::none().with(
            "add-destination",
            format!("Copy `{}` into the working folder", words[0]),
            "one word leaves open where to; the working folder is where the later steps look",
            Applicability::Rehearse,
            new.and_then(|new| Edit::replace(case.workspace, case.dockerfile_path, line, line, &[&new])),
        );
    }
    let destination = last_word(case, index);
    let line = instruction.last_line;
    let new = texts.get(line - 1).and_then(|text| {
        let trimmed = text.trim_end();
        trimmed.strip_suffix(&destination).map(|head| format!("{head}{destination}/"))
    });
    let edit =
        new.and_then(|new| Edit::replace(case.workspace, case.dockerfile_path, line, line, &[&new])).or_else(|| {
            edit::replace_in_instruction(
                case.workspace,
                case.dockerfile_path,
                case.dockerfile,
                index,
                &destination,
                &format!("{destination}/"),
            )
        });
    Prescription::none().with(
        "end-with-slash",
        format!("Write the destination as `{destination}/`"),
        "several files can only go to a folder, and the slash says that it is one",
        Applicability::Apply,
        edit,
    )
}
