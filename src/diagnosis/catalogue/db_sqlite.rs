//! `db-sqlite`: SQLite cannot open or write its file.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::python::start;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "db-sqlite",
    what: "SQLite cannot open or write its file",
    why: "The folder of the database file does not exist in the image, or the user that the service runs as may not write there.",
    advice: "Create the folder and give it to that user; keep in mind that without a disk its content is lost with each deploy.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "unable to open database file",
        "attempt to write a readonly database",
        "database is locked",
        "sqlite_cantopen",
        "sqlite_readonly",
        "sqlite3.operationalerror",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file\n(Background on this error at: https://sqlalche.me/e/20/e3q8)",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN useradd notes\nWORKDIR /app\nCOPY . .\nUSER notes\nCMD [\"gunicorn\", \"notes:app\"]\n",
                ),
                ("notes/__init__.py", "URI = \"sqlite:////data/notes.db\"\n"),
            ],
            subject: "unable to open database file",
            remedy: Some((
                "make-folder",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN useradd notes\nWORKDIR /app\nCOPY . .\nRUN mkdir -p /data && chown notes /data\nUSER notes\nCMD [\"gunicorn\", \"notes:app\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "sqlite3.OperationalError: database is locked",
            subject: "database is locked",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(unable to open database file|attempt to write a readonly database|database is locked|SQLITE_CANTOPEN|SQLITE_READONLY)",
]);
static FILE: Phrases =
    Phrases::new(&[r#"(?:sqlite(?:\+\w+)?:///|connect\(["']|["'])(/[\w./-]+)/[\w.-]+\.(?:db|sqlite3?)\b"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("SQLite cannot use its file: {subject}");
    let hit = Hit::at(found.line, subject, why).confidence(0.94);
    let mendable = !remedies(case, &hit).remedies.is_empty();
    Some(if mendable { hit.policy(Policy::Fix) } else { hit })
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if hit.subject.contains("locked") {
        return Prescription::none();
    }
    let Some(command) = start::commands(case).first().copied() else { return Prescription::none() };
    let Some(folder) = folder_of(case, command) else { return Prescription::none() };
    let stages = case.dockerfile.stages();
    let Some(last) = stages.last() else { return Prescription::none() };
    let instructions = case.dockerfile.instructions();
    let user = case.dockerfile.user_at(command).filter(|user| !matches!(user.as_str(), "root" | "0"));
    let before = last.instructions.clone().rev().find(|at| instructions[*at].keyword == "USER").unwrap_or(command);
    let line = match &user {
        Some(user) => format!("RUN mkdir -p {folder} && chown {user} {folder}"),
        None => format!("RUN mkdir -p {folder}"),
    };
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, before, &[&line]);
    Prescription::of(edit.map(|edit| Remedy {
        id: "make-folder".into(),
        title: format!("Make the folder `{folder}`"),
        why: "SQLite makes the file, never the folder, and has to write there".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

/// The one absolute folder in which the sources (or the Dockerfile) keep a database file.
fn folder_of(case: &Case<'_>, command: usize) -> Option<String> {
    let environment: String = case.dockerfile.env_at(command).values().map(|value| format!("\"{value}\"\n")).collect();
    // The address is often only in a variable of the service; then a note or an example file of the project names it.
    let notes = case.workspace.paths().filter(|path| {
        [".md", ".yaml", ".yml", ".toml", ".example", ".ini", ".cfg"].iter().any(|end| path.ends_with(end))
    });
    let texts = python::sources(case)
        .into_iter()
        .chain(notes)
        .filter_map(|path| case.workspace.text(path))
        .chain([environment.as_str()]);
    let mut folders: Vec<String> =
        texts.flat_map(|text| FILE.each(text).map(|found| path::rooted("/", &found[1])).collect::<Vec<_>>()).collect();
    folders.sort();
    folders.dedup();
    match folders.as_slice() {
        [folder] if !["/tmp", "/app", "/"].contains(&folder.as_str()) => Some(folder.clone()),
        _ => None,
    }
}
