//! `df-copy-shell-syntax`: COPY is written like a shell command.

use crate::diagnosis::Case;
use crate::diagnosis::copying;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "df-copy-shell-syntax",
    what: "COPY is written like a shell command",
    why: "COPY runs no shell: `||`, `2>/dev/null` and `true` are taken for names of files.",
    advice: "Leave the shell words out; a wildcard (`file*`) copies a file only where it exists.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: copying::NEEDLES,
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "#7 [3/4] COPY requirements-extra.txt ./ 2>/dev/null || true\n#7 ERROR: failed to calculate checksum of ref 0a::1b: \"/||\": not found\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a::1b: \"/||\": not found",
        files: &[("Dockerfile", "FROM python:3.12\nCOPY requirements-extra.txt ./ 2>/dev/null || true\n")],
        subject: "2>/dev/null",
        remedy: Some(("optional-copy", &[("Dockerfile", "FROM python:3.12\nCOPY requirements-extra.txt* ./\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases =
    Phrases::new(&[r#""/(?P<word>\|\||true|2>/dev/null|&&)": not found"#, r"stat (?P<word2>\|\||&&|2>/dev/null)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let word_of = |index: usize| {
        let words = case.dockerfile.instructions()[index].words();
        words.into_iter().find(|word| copying::SHELL_WORDS.contains(&word.as_str())).unwrap_or_default()
    };
    let (at, word) = match copying::missing(case, lines) {
        Some(missing) if missing.instruction.is_some_and(|index| copying::is_shell_like(case, index)) => {
            (missing.at, missing.instruction.map(word_of).unwrap_or_default())
        }
        _ => {
            let seen = SHAPES.last(case, lines)?;
            (seen.line, seen.named(&["word", "word2"]).to_owned())
        }
    };
    let why = format!("COPY takes the shell word `{word}` for a file");
    Some(Hit::at(at, word, why).confidence(0.98))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let copies = case
        .dockerfile
        .instructions()
        .iter()
        .filter(|each| matches!(each.keyword.as_str(), "COPY" | "ADD") && each.exec().is_none());
    copies
        .filter_map(|each| {
            let word = each.words().into_iter().find(|word| copying::SHELL_WORDS.contains(&word.as_str()))?;
            let why = format!("COPY takes the shell word `{word}` for a file");
            Some(Hit::in_file(case.dockerfile_path, each.first_line, word, why).confidence(0.98))
        })
        .collect()
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let instructions = case.dockerfile.instructions();
    let wrong = instructions.iter().position(|each| {
        matches!(each.keyword.as_str(), "COPY" | "ADD")
            && each.words().iter().any(|word| copying::SHELL_WORDS.contains(&word.as_str()))
    });
    let Some(index) = wrong else { return Prescription::none() };
    let instruction = &instructions[index];
    let words = instruction.words();
    let kept: Vec<&String> = words.iter().take_while(|word| !copying::SHELL_WORDS.contains(&word.as_str())).collect();
    let Some((destination, sources)) = kept.split_last().filter(|(_, sources)| !sources.is_empty()) else {
        return Prescription::none();
    };
    let sources: Vec<String> = sources
        .iter()
        .map(|source| {
            if case.context.matches(source).is_empty() && !source.contains('*') {
                format!("{source}*")
            } else {
                (*source).clone()
            }
        })
        .collect();
    let flags: String = instruction
        .flags
        .iter()
        .map(|flag| {
            format!("--{}{} ", flag.name, flag.value.as_ref().map(|value| format!("={value}")).unwrap_or_default())
        })
        .collect();
    let line = format!("{} {flags}{} {destination}", instruction.written, sources.join(" "));
    Prescription::none().with(
        "optional-copy",
        "Copy the files without shell words",
        "a wildcard that fits nothing copies nothing, which is what the shell words were meant for",
        Applicability::Rehearse,
        edit::set_command(case.workspace, case.dockerfile_path, case.dockerfile, index, &line),
    )
}
