//! `py-uv-lock-stale`: uv.lock is absent, stale, or of a newer uv.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-uv-lock-stale",
    what: "uv.lock does not fit",
    why: "`--locked` and `--frozen` forbid a change of the lock, which does not belong to pyproject.toml, was not copied, or is of a newer uv.",
    advice: "Run `uv lock` and commit the result; copy uv.lock into the build; pin the uv that wrote it.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "the lockfile at `uv.lock` needs to be updated",
        "uses an unsupported schema version",
        "missing workspace member",
        "unable to find lockfile at `uv.lock`",
        "failed to parse `uv.lock`",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "error: Unable to find lockfile at `uv.lock`, but `--frozen` was provided. To create a lockfile, run `uv lock` or `uv sync` without the flag.",
        files: &[
            ("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY pyproject.toml ./\nRUN uv sync --frozen\n"),
            ("pyproject.toml", "[project]\nname='x'\n"),
            ("uv.lock", "version = 1\n"),
        ],
        subject: "uv.lock",
        remedy: Some((
            "copy-lock",
            &[(
                "Dockerfile",
                "FROM python:3.12-slim\nWORKDIR /app\nCOPY pyproject.toml uv.lock ./\nRUN uv sync --frozen\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"lockfile at `(uv\.lock)`|(uv\.lock).*unsupported schema version|unsupported schema version|Missing workspace member `([^`]+)`|Failed to parse `(uv\.lock)`",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = match found.subject() {
        "" => "uv.lock",
        name => name,
    };
    let why = format!("uv.lock does not fit: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.96))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let missing = hit.line.is_some_and(|line| case.text(line).contains("Unable to find"));
    if !missing || !case.context.holds("uv.lock") {
        return Prescription::none();
    }
    let names = |each: &crate::dockerfile::Instruction| {
        each.copy_paths().is_some_and(|(sources, _)| sources.iter().any(|source| source.ends_with("pyproject.toml")))
    };
    let index = case.dockerfile.instructions().iter().position(names);
    let edit = index.and_then(|index| {
        edit::add_copy_source(case.workspace, case.dockerfile_path, case.dockerfile, index, "uv.lock")
    });
    Prescription::of(edit.map(|edit| Remedy {
        id: "copy-lock".into(),
        title: "Copy uv.lock beside pyproject.toml".into(),
        why: "the repository has it, and `--frozen` installs what it says".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
