//! `df-unknown-instruction`: a line of the Dockerfile begins with a word that is no instruction.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::KEYWORDS;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "df-unknown-instruction",
    what: "A line of the Dockerfile begins with a word that is no instruction",
    why: "Docker reads the first word of each line as an instruction. A typo, a stray line, or the rest of a command \
          whose line lost its backslash is read as one, and the whole file is refused before anything is built.",
    advice: "Correct the word, end the line before it with a backslash if it continues a command, or delete the line.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "unknown instruction:",
        "CMD: not found",
        "ENTRYPOINT: not found",
        "EXPOSE: not found",
        "COPY: not found",
        "RUN: not found",
        "ENV: not found",
        "WORKDIR: not found",
        "CMD: command not found",
        "RUN: command not found",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "Step 2/2 : RUN pip install flask && CMD python app.py\n/bin/sh: 1: CMD: not found\nThe command '/bin/sh -c pip install flask && CMD python app.py' returned a non-zero code: 127",
            files: &[("Dockerfile", "FROM python:3.12\nRUN pip install flask && \\\nCMD python app.py\n")],
            subject: "CMD",
            remedy: Some((
                "end-line",
                &[("Dockerfile", "FROM python:3.12\nRUN pip install flask\nCMD python app.py\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Dockerfile:4\n--------------------\n   2 |     WORKDIR /app\n   3 |     COPY . .\n   4 | >>> BROKEN LINE\n--------------------\nERROR: failed to solve: dockerfile parse error on line 4: unknown instruction: BROKEN",
            files: &[("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nBROKEN LINE\n")],
            subject: "BROKEN",
            remedy: Some(("delete-line", &[("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n")])),
            ..Example::BLANK
        },
        Example {
            log: "Error response from daemon: dockerfile parse error line 2: unknown instruction: RUNN",
            files: &[("Dockerfile", "FROM debian\nRUNN apt-get update\n")],
            subject: "RUNN",
            remedy: Some(("correct-word", &[("Dockerfile", "FROM debian\nRUN apt-get update\n")])),
            ..Example::BLANK
        },
        Example {
            log: "dockerfile parse error on line 4: unknown instruction: libpq-dev",
            files: &[(
                "Dockerfile",
                "FROM debian\nRUN apt-get update && apt-get install -y \\\n    gcc\n    libpq-dev \\\n    make\nCMD [\"true\"]\n",
            )],
            subject: "libpq-dev",
            remedy: Some((
                "continue-line",
                &[(
                    "Dockerfile",
                    "FROM debian\nRUN apt-get update && apt-get install -y \\\n    gcc \\\n    libpq-dev \\\n    make\nCMD [\"true\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static WORD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(?:parse error (?:on )?line (\d+): )?unknown instruction: ?(\S*)").ok());

/// An instruction that a stray backslash made a part of the RUN above it: the shell then looks for a command of that name.
static SWALLOWED: Phrases =
    Phrases::new(&[r"sh: (?:line )?(?:\d+: )?(CMD|ENTRYPOINT|EXPOSE|COPY|RUN|ENV|WORKDIR): (?:command )?not found"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(seen) = SWALLOWED.last(case, lines) {
        let word = seen[1].to_owned();
        let why = format!("`{word}` stands inside a RUN: the line above it ends with a backslash too many");
        return Some(Hit::at(seen.line, word, why).confidence(0.97));
    }
    let at = *lines.last()?;
    let found = WORD.as_ref()?.captures(case.text(at))?;
    let word = found[2].trim_matches(['"', '\'']).to_owned();
    let line = found.get(1).and_then(|digits| digits.as_str().parse().ok());
    let why = match line {
        Some(line) => format!("line {line} of the Dockerfile begins with `{word}`, which is no instruction"),
        None => format!("a line of the Dockerfile begins with `{word}`, which is no instruction"),
    };
    let hit = Hit::at(at, word, why).confidence(0.99);
    Some(match line {
        Some(line) => hit.place(case.dockerfile_path, line),
        None => hit,
    })
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let unknown = case.dockerfile.instructions().iter().filter(|instruction| !instruction.is_known());
    unknown
        .map(|instruction| {
            let (word, line) = (&instruction.written, instruction.first_line);
            let why = format!("line {line} of the Dockerfile begins with `{word}`, which is no instruction");
            Hit::in_file(case.dockerfile_path, line, word, why).confidence(0.99)
        })
        .collect()
}

/// The edit that ends the RUN above a swallowed instruction.
fn end_line(case: &Case<'_>, word: &str) -> Option<Edit> {
    let run = case
        .dockerfile
        .instructions()
        .iter()
        .find(|each| each.keyword == "RUN" && each.args.split_whitespace().any(|part| part == word))?;
    let texts = case.workspace.lines(case.dockerfile_path);
    let starts = |line: &usize| texts.get(line - 1).is_some_and(|text| text.split_whitespace().next() == Some(word));
    let line = (run.first_line + 1..=run.last_line).find(starts)? - 1;
    let trimmed = texts.get(line - 1)?.trim_end().trim_end_matches(case.dockerfile.escape()).trim_end();
    let trimmed = trimmed.strip_suffix("&&").unwrap_or(trimmed).trim_end();
    Edit::replace(case.workspace, case.dockerfile_path, line, line, &[trimmed])
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if let Some(edit) = KEYWORDS.contains(&hit.subject.as_str()).then(|| end_line(case, &hit.subject)).flatten() {
        return Prescription::none().with(
            "end-line",
            format!("End the line before `{}`", hit.subject),
            "the backslash made the instruction a part of the command above it",
            Applicability::Rehearse,
            Some(edit),
        );
    }
    let instructions = case.dockerfile.instructions();
    let named = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let index = named.filter(|index| !instructions[*index].is_known()).or_else(|| {
        instructions
            .iter()
            .position(|instruction| !instruction.is_known() && instruction.written.eq_ignore_ascii_case(&hit.subject))
    });
    let Some(index) = index else { return Prescription::none() };
    let (path, workspace) = (case.dockerfile_path, case.workspace);
    let (word, line) = (&instructions[index].written, instructions[index].first_line);
    let mut out = Vec::new();
    let texts = workspace.lines(path);
    if let Some(keyword) = closest_keyword(word)
        && let Some(text) = texts.get(line - 1)
        && let Some(edit) = Edit::replace(workspace, path, line, line, &[&text.replacen(word.as_str(), keyword, 1)])
    {
        out.push(Remedy {
            id: "correct-word".into(),
            title: format!("Spell `{word}` as `{keyword}`"),
            why: format!("`{word}` is one slip of the keyboard away from `{keyword}`"),
            applicability: Applicability::Apply,
            edits: vec![edit],
        });
    }
    if let Some(edit) = continue_line(case, index) {
        out.push(Remedy {
            id: "continue-line".into(),
            title: format!("End the line before `{word}` with a backslash"),
            why: "the line continues the command above it, which lost its backslash".into(),
            applicability: Applicability::Apply,
            edits: vec![edit],
        });
    } else if let Some(edit) = Edit::delete(workspace, path, line, instructions[index].last_line) {
        out.push(Remedy {
            id: "delete-line".into(),
            title: format!("Delete the stray line {line}"),
            why: "no instruction has such a name, so the line cannot have done anything".into(),
            applicability: Applicability::Apply,
            edits: vec![edit],
        });
    }
    Prescription::of(out)
}

/// The one keyword that `word` misses by a single slip.
fn closest_keyword(word: &str) -> Option<&'static str> {
    let upper = word.to_ascii_uppercase();
    let mut near = KEYWORDS.iter().filter(|keyword| slips(&upper, keyword) == 1);
    match (near.next(), near.next()) {
        (Some(keyword), None) => Some(keyword),
        _ => None,
    }
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<u8>, Vec<u8>) = (a.bytes().collect(), b.bytes().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (table[i - 1][j] + 1).min(table[i][j - 1] + 1).min(table[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(table[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    table[a.len()][b.len()]
}

/// The edit that joins a line to the command above, when it reads as its continuation.
///
/// It does when it is indented, or itself goes on with a backslash, or starts with a shell operator or option, and the
/// command above had lines joined before.
fn continue_line(case: &Case<'_>, index: usize) -> Option<Edit> {
    let instructions = case.dockerfile.instructions();
    let above = instructions.get(index.checked_sub(1)?)?;
    let texts = case.workspace.lines(case.dockerfile_path);
    let this = texts.get(instructions[index].first_line - 1)?;
    let last = texts.get(above.last_line - 1)?;
    let escape = case.dockerfile.escape();
    let starts = this.trim_start();
    let operator = ["&&", "||", "-", "|", ";"].iter().any(|start| starts.starts_with(start));
    let indented = this.starts_with([' ', '\t']);
    let goes_on = this.trim_end().ends_with(escape);
    let fits = operator || goes_on || (indented && above.last_line > above.first_line);
    let takes =
        matches!(above.keyword.as_str(), "RUN" | "ENV" | "LABEL" | "CMD" | "ENTRYPOINT" | "COPY" | "ADD" | "ARG");
    if !fits || !takes || instructions[index].first_line != above.last_line + 1 {
        return None;
    }
    let joined = format!("{} {escape}", last.trim_end());
    Edit::replace(case.workspace, case.dockerfile_path, above.last_line, above.last_line, &[&joined])
}
