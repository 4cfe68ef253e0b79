//! `py-local-project-missing`: the project that pip shall install is not there yet.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "py-local-project-missing",
    what: "pip finds no project to install",
    why: "`pip install .` needs setup.py or pyproject.toml in that folder. They are copied later, or the folder is an empty submodule.",
    advice: "Copy the project before that step.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "neither 'setup.py' nor 'pyproject.toml' found",
        "file \"setup.py\" not found",
        "can't open file 'setup.py'",
        "directory '.' is not installable",
        "does not appear to be a python project",
        "should either be a path to a local project",
        "is not a valid editable requirement",
        "setup.py': [errno 2] no such file",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [3/4] RUN pip install .\n#6 0.5 ERROR: Directory '.' is not installable. Neither 'setup.py' nor 'pyproject.toml' found.\n#6 ERROR: process \"/bin/sh -c pip install .\" did not complete successfully: exit code: 1",
        files: &[
            ("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nRUN pip install .\nCOPY . .\nCMD [\"shop\"]\n"),
            ("pyproject.toml", "[project]\nname = \"shop\"\n"),
        ],
        subject: ".",
        remedy: Some((
            "copy-first",
            &[("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\nCMD [\"shop\"]\n")],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"Directory '([^']+)' is not installable|ERROR: (\S+) does not appear to be a Python project|File \"?(setup\.py)\"? not found|can't open file '(?:\S*/)?(setup\.py)'|(\S+) (?:should either be a path to a local project|is not a valid editable requirement)"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("there is no project at `{subject}` at that step");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let instructions = case.dockerfile.instructions();
    let Some(next) = instructions.get(index + 1) else { return Prescription::none() };
    let brings = next.keyword == "COPY"
        && next.flag("from").is_none()
        && next.copy_paths().is_some_and(|(sources, _)| sources.iter().any(|source| source == "." || source == "./"));
    let has_project = ["setup.py", "pyproject.toml"].iter().any(|name| case.context.holds(name));
    if !brings || !has_project {
        return Prescription::none();
    }
    let lines = case.workspace.lines(case.dockerfile_path);
    let (this, that) = (&instructions[index], next);
    let (Some(first), Some(second), Some(gap)) = (
        lines.get(this.first_line - 1..this.last_line),
        lines.get(that.first_line - 1..that.last_line),
        lines.get(this.last_line..that.first_line - 1),
    ) else {
        return Prescription::none();
    };
    let new: Vec<&str> = second.iter().chain(gap).chain(first).copied().collect();
    let edit = Edit::replace(case.workspace, case.dockerfile_path, this.first_line, that.last_line, &new);
    Prescription::of(edit.map(|edit| Remedy {
        id: "copy-first".into(),
        title: "Copy the project before it is installed".into(),
        why: "the step installs what the next line brings".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
