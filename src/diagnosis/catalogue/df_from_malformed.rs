//! `df-from-malformed`: a FROM line is not a reference to an image, or an instruction stands before the first one.

use crate::diagnosis::Case;
use crate::diagnosis::parsing;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "df-from-malformed",
    what: "A FROM line cannot be read",
    why: "FROM takes one image reference in small letters, and optionally `AS name`; only ARG may stand before the first FROM.",
    advice: "Write the reference without spaces and capital letters, add `AS` before a stage name, or move the line below FROM.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "invalid reference format",
        "no build stage in current context",
        "FROM requires either one or three arguments",
        "invalid name for build stage",
        "failed to parse stage name",
        "please provide a source image with `from` prior to commit",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "Dockerfile:1\n--------------------\n   1 | >>> FROM Python:3.12-slim\n--------------------\nERROR: failed to solve: failed to parse stage name \"Python:3.12-slim\": invalid reference format: repository name (library/Python) must be lowercase",
            files: &[("Dockerfile", "FROM Python:3.12-slim\nCMD [\"python\"]\n")],
            subject: "Python:3.12-slim",
            remedy: Some(("lower-case", &[("Dockerfile", "FROM python:3.12-slim\nCMD [\"python\"]\n")])),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: failed to solve: dockerfile parse error on line 1: FROM requires either one or three arguments",
            files: &[("Dockerfile", "FROM node:20 builder\nRUN npm ci\n")],
            subject: "node:20 builder",
            remedy: Some(("name-stage", &[("Dockerfile", "FROM node:20 AS builder\nRUN npm ci\n")])),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: failed to solve: dockerfile parse error on line 1: no build stage in current context",
            files: &[("Dockerfile", "WORKDIR /app\nFROM node:20\nCOPY . .\n")],
            subject: "WORKDIR",
            remedy: Some(("below-from", &[("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY . .\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"failed to parse (?:stage name )?"(?P<what>[^"]+)": invalid reference format"#,
    r"(?i)invalid reference format|no build stage in current context|FROM requires either one or three arguments|invalid name for build stage|please provide a source image with `from` prior to commit",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = parsing::last(case, lines, &SHAPES)?;
    // The same words stand in `docker pull` and other tools; only the builder says them before any step has run.
    let ran = case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some());
    if ran {
        return None;
    }
    let place = parsing::dockerfile_line(case, seen.line).or_else(|| suspect(case));
    let subject = match seen.named(&["what"]) {
        "" => place.map(|line| subject_at(case, line)).unwrap_or_default(),
        what => what.to_owned(),
    };
    let why = format!("`{subject}` is not what FROM can read");
    let hit = Hit::at(seen.line, subject, why).confidence(0.97);
    Some(match place {
        Some(line) => hit.place(case.dockerfile_path, line),
        None => hit,
    })
}

/// The line of the FROM that looks wrong, when the log names none.
fn suspect(case: &Case<'_>) -> Option<usize> {
    let ours = |message: &str| SHAPES.fits(message);
    if let Some(problem) = case.dockerfile.problems().iter().find(|problem| ours(&problem.message)) {
        return Some(problem.line);
    }
    let froms = case.dockerfile.instructions().iter().filter(|instruction| instruction.keyword == "FROM");
    let odd = |reference: &str| repository(reference).chars().any(char::is_uppercase) || reference.contains("::");
    froms.filter(|from| from.words().first().is_some_and(|word| odd(word))).map(|from| from.first_line).next()
}

fn subject_at(case: &Case<'_>, line: usize) -> String {
    match case.dockerfile.at_line(line) {
        Some((_, instruction)) if instruction.keyword == "FROM" => instruction.args.clone(),
        Some((_, instruction)) => instruction.keyword.clone(),
        None => String::new(),
    }
}

fn repository(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    name[slash..].find(':').map_or(name, |colon| &name[..slash + colon])
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut hits = parsing::problems(case, &SHAPES, |subject| format!("`{subject}` is not what FROM can read"));
    for hit in &mut hits {
        if let Some(place) = &hit.place {
            hit.subject = subject_at(case, place.line);
            hit.why = format!("`{}` is not what FROM can read", hit.subject);
        }
    }
    hits
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let Some(index) = parsing::instruction_of(case, hit) else { return Prescription::none() };
    let instruction = &dockerfile.instructions()[index];
    if instruction.keyword != "FROM" {
        return Prescription::none().with(
            "below-from",
            format!("Move `{}` below the first FROM", instruction.keyword),
            "only ARG may stand before FROM; below it the line does what it was written for",
            Applicability::Rehearse,
            below_from(case, index),
        );
    }
    let words = instruction.words();
    let rewrite = |args: String| {
        let line = format!("{} {args}", instruction.written);
        (instruction.flags.is_empty() && instruction.first_line == instruction.last_line)
            .then(|| edit::set_command(workspace, path, dockerfile, index, &line))
            .flatten()
    };
    let mut out = Prescription::none();
    if let Some(at) = words.iter().position(|word| word.starts_with('#')) {
        out = out.with(
            "drop-comment",
            "Take the comment out of the FROM line",
            "Docker knows comments only on lines of their own",
            Applicability::Rehearse,
            rewrite(words[..at].join(" ")),
        );
    }
    if let [image, tag, rest @ ..] = words.as_slice()
        && (image.ends_with(':') || tag.starts_with(':'))
    {
        let joined: Vec<&str> = rest.iter().map(String::as_str).collect();
        let args = format!("{image}{tag} {}", joined.join(" "));
        out = out.with(
            "join-reference",
            "Write the image reference without a space",
            "name and tag belong together",
            Applicability::Rehearse,
            rewrite(args.trim_end().to_owned()),
        );
    }
    if let [image, name] = words.as_slice()
        && !name.starts_with(['#', ':'])
        && !image.ends_with(':')
        && name.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '_'))
        && !name.eq_ignore_ascii_case("as")
    {
        out = out.with(
            "name-stage",
            format!("Write `AS` before the stage name `{name}`"),
            "the word after the image can only be meant as the name of the stage",
            Applicability::Rehearse,
            rewrite(format!("{image} AS {name}")),
        );
    }
    let stage = dockerfile.stage_of(index).unwrap_or_default();
    let lower = words.first().and_then(|image| lower_case(image));
    let edit = lower.as_ref().and_then(|lower| edit::set_image(workspace, path, dockerfile, stage, lower));
    out.with(
        "lower-case",
        format!("Write the image as `{}`", lower.unwrap_or_default()),
        "repositories are always named in small letters",
        Applicability::Rehearse,
        edit,
    )
}

/// The reference with its repository in small letters, if it has others.
fn lower_case(image: &str) -> Option<String> {
    let name = repository(image);
    let capital = name.chars().any(char::is_uppercase) && !image.contains('$');
    capital.then(|| image.replacen(name, &name.to_lowercase(), 1))
}

/// Swaps the lines that stand before the first FROM with it, comments and ARGs above them left alone.
fn below_from(case: &Case<'_>, index: usize) -> Option<Edit> {
    let instructions = case.dockerfile.instructions();
    let from = instructions.iter().skip(index).find(|each| each.keyword == "FROM")?;
    if instructions[index..].iter().take_while(|each| each.keyword != "FROM").any(|each| each.keyword == "ARG") {
        return None;
    }
    let first = instructions[index].first_line;
    let texts = case.workspace.lines(case.dockerfile_path);
    let above = texts.get(first - 1..from.first_line - 1)?;
    let own = texts.get(from.first_line - 1..from.last_line)?;
    let new: Vec<&str> = own.iter().chain(above).copied().collect();
    Edit::replace(case.workspace, case.dockerfile_path, first, from.last_line, &new)
}
