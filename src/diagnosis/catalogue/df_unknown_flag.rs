//! `df-unknown-flag`: an instruction has a flag that it does not know.

use crate::diagnosis::Case;
use crate::diagnosis::images::one_slip;
use crate::diagnosis::parsing;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "df-unknown-flag",
    what: "An instruction has a flag that it does not know",
    why: "Each instruction knows a few flags of the form --name=value. A misspelt one, one of another instruction, or one that \
          belongs to the command line is refused before anything is built.",
    advice: "Correct the flag, or take it away.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "unknown flag:",
        "duplicate flag specified:",
        "missing a value on flag",
        "option requires BuildKit",
        "expecting boolean value for flag",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "Dockerfile:3\n--------------------\n   3 | >>> COPY --form=build /app/dist ./dist\n--------------------\nERROR: failed to solve: dockerfile parse error on line 3: unknown flag: --form (did you mean from?)",
            files: &[("Dockerfile", "FROM node:20 AS build\nFROM node:20-slim\nCOPY --form=build /app/dist ./dist\n")],
            subject: "--form",
            remedy: Some((
                "correct-flag",
                &[("Dockerfile", "FROM node:20 AS build\nFROM node:20-slim\nCOPY --from=build /app/dist ./dist\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Dockerfile:3\n--------------------\n   3 | >>> COPY --chown node:node package.json ./\n--------------------\nERROR: failed to solve: dockerfile parse error on line 3: missing a value on flag: chown",
            files: &[("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY --chown node:node package.json ./\n")],
            subject: "--chown",
            remedy: Some((
                "join-value",
                &[("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY --chown=node:node package.json ./\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Error response from daemon: dockerfile parse error line 2: Unknown flag: recursive",
            files: &[("Dockerfile", "FROM debian\nCOPY --recursive src /src\n")],
            subject: "--recursive",
            remedy: Some(("drop-flag", &[("Dockerfile", "FROM debian\nCOPY src /src\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?i)parse error.*unknown flag: (?P<what>[\w-]+)",
    r"(?i)(?:duplicate flag specified|missing a value on flag|for flag):? (?P<what>[\w-]+)",
    r"the (?P<what>--[\w-]+) option requires BuildKit",
]);

const FLAGS: &[(&str, &[&str])] = &[
    ("ADD", &["checksum", "chown", "chmod", "keep-git-dir", "link", "unpack", "exclude"]),
    ("COPY", &["chown", "chmod", "from", "link", "parents", "exclude"]),
    ("FROM", &["platform"]),
    ("HEALTHCHECK", &["interval", "retries", "start-interval", "start-period", "timeout"]),
    ("RUN", &["network", "security", "mount", "device"]),
];

/// Flags of COPY and ADD that mean nothing without a value.
const VALUED: &[&str] = &["chown", "chmod", "from", "exclude", "checksum"];

fn dashed(flag: &str) -> String {
    format!("--{}", flag.trim_start_matches('-'))
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = parsing::last(case, lines, &SHAPES)?;
    let flag = dashed(seen.named(&["what"]));
    let why = format!("the Dockerfile uses the flag `{flag}`, which this instruction does not know");
    Some(parsing::hit(case, &seen, &flag, why, |message| message.contains(&flag)))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    static FLAG: Phrases =
        Phrases::new(&[r"^(?:unknown flag|duplicate flag specified|missing a value on flag): (?P<what>--[\w-]+)"]);
    parsing::problems(case, &FLAG, |flag| {
        format!("the Dockerfile uses the flag `{flag}`, which this instruction does not know")
    })
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let Some(index) = parsing::instruction_of(case, hit) else { return Prescription::none() };
    let instruction = &dockerfile.instructions()[index];
    let name = hit.subject.trim_start_matches("--");
    let Some(flag) = instruction.flags.iter().find(|flag| flag.name == name) else { return Prescription::none() };
    let known = FLAGS.iter().find(|(keyword, _)| *keyword == instruction.keyword).map_or(&[][..], |(_, flags)| *flags);
    if known.contains(&name) {
        // `--chown user file`: the first word was meant for the value.
        let words = instruction.words();
        let value = words.first().filter(|_| flag.value.is_none() && words.len() > 2 && VALUED.contains(&name));
        let value = value.filter(|value| !value.starts_with('-') && !value.starts_with('$'));
        let joined = |value: &String| {
            let (old, new) = (format!("--{name} {value}"), format!("--{name}={value}"));
            edit::replace_in_instruction(workspace, path, dockerfile, index, &old, &new)
        };
        return Prescription::none().with(
            "join-value",
            format!("Join `--{name}` and its value with `=`"),
            "flags of a Dockerfile take their value behind an equals sign",
            Applicability::Rehearse,
            value.and_then(joined),
        );
    }
    let mut near =
        known.iter().filter(|each| one_slip(each, &name.to_ascii_lowercase()) || each.eq_ignore_ascii_case(name));
    if let (Some(right), None) = (near.next(), near.next()) {
        return Prescription::none().with(
            "correct-flag",
            format!("Spell `--{name}` as `--{right}`"),
            format!("`--{right}` is the only flag of {} that `--{name}` can mean", instruction.keyword),
            Applicability::Rehearse,
            edit::replace_in_instruction(
                workspace,
                path,
                dockerfile,
                index,
                &format!("--{name}"),
                &format!("--{right}"),
            ),
        );
    }
    if !matches!(instruction.keyword.as_str(), "COPY" | "ADD") {
        return Prescription::none();
    }
    let written = flag.value.as_ref().map_or(format!("--{name} "), |value| format!("--{name}={value} "));
    Prescription::none().with(
        "drop-flag",
        format!("Take the flag `--{name}` away"),
        format!("{} has no such flag, so it cannot have done anything", instruction.keyword),
        Applicability::Rehearse,
        edit::replace_in_instruction(workspace, path, dockerfile, index, &written, ""),
    )
}
