//! `st-py-app-attr`: the module is there, but the application in it has another name.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::start;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-py-app-attr",
    what: "The module has no application of the name in the start command",
    why: "The server imports the module and looks for the attribute after the colon. The application object has another name, or is made \
          by a factory.",
    advice: "Write the object's name after the colon, or the factory's with `()` (uvicorn: `--factory`).",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "failed to find attribute",
        "as an attribute name or function call",
        "failed to find application object",
        "must be in format \"<module>:<attribute>\"",
        "not found in module",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "ERROR:    Error loading ASGI app. Attribute \"app\" not found in module \"main\".",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nCMD [\"uvicorn\", \"main:app\"]\n"),
                ("main.py", "from fastapi import FastAPI\napi = FastAPI()\n"),
            ],
            subject: "app",
            remedy: Some((
                "correct-attribute",
                &[("Dockerfile", "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nCMD [\"uvicorn\", \"main:api\"]\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Failed to find attribute 'app' in 'wsgi'.\n[2026-01-01 00:00:00 +0000] [7] [INFO] Worker exiting (pid: 7)",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nCMD gunicorn -b 0.0.0.0:$PORT wsgi:app\n",
                ),
                ("wsgi.py", "from flask import Flask\n\ndef create_app():\n    return Flask(__name__)\n"),
            ],
            subject: "app",
            remedy: Some((
                "call-factory",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nCMD gunicorn -b 0.0.0.0:$PORT 'wsgi:create_app()'\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nCMD [\"uvicorn\", \"main:app\"]\n"),
                ("main.py", "from fastapi import FastAPI\napi = FastAPI()\n"),
            ],
            subject: "app",
            remedy: Some((
                "correct-attribute",
                &[("Dockerfile", "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nCMD [\"uvicorn\", \"main:api\"]\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"Failed to find attribute '([^']+)'|Attribute "([^"]+)" not found in module|Failed to parse '([^']+)' as an attribute name|Failed to find application object:? '([^']+)'|Import string "([^"]+)" must be in format"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the server finds no `{subject}` in the module it was given");
    Some(Hit::at(found.line, subject, why).confidence(0.96))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let Some(app) = start::app_path(case) else { return vec![] };
    let Some(source) = start::source_of(case, app.index, &app.folder, &app.module) else { return vec![] };
    let name = app.attribute.split('.').next().unwrap_or_default();
    if name.is_empty() || start::may_have(case, &source, name) || other_name(case, &source).is_none() {
        return vec![];
    }
    let line = case.dockerfile.instructions()[app.index].first_line;
    let why = format!("the start command asks `{source}` for `{}`, which it does not define", app.attribute);
    vec![Hit::in_file(case.dockerfile_path, line, app.attribute, why).confidence(0.9)]
}

/// What the source calls its only application, and whether that is a factory.
fn other_name(case: &Case<'_>, source: &str) -> Option<(String, bool)> {
    let app = start::app_path(case)?;
    let objects: Vec<_> =
        start::candidates(case, app.index, &app.folder).into_iter().filter(|each| each.path == source).collect();
    if let [one] = objects.as_slice() {
        return Some((one.attribute.clone(), false));
    }
    let text = case.workspace.text(source)?;
    let factory =
        ["create_app", "make_app", "get_app"].into_iter().find(|name| text.contains(&format!("\ndef {name}()")));
    factory.filter(|_| objects.is_empty()).map(|name| (name.to_owned(), true))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(app) = start::app_path(case) else { return Prescription::none() };
    let Some(source) = start::source_of(case, app.index, &app.folder, &app.module) else { return Prescription::none() };
    let Some((name, factory)) = other_name(case, &source).filter(|(name, _)| *name != app.attribute) else {
        return Prescription::none();
    };
    let instruction = &case.dockerfile.instructions()[app.index];
    let new = match (factory, app.server.as_str()) {
        (false, _) => format!("{}:{name}", app.module),
        (true, "gunicorn") if instruction.exec().is_some() => format!("{}:{name}()", app.module),
        (true, "gunicorn") => format!("'{}:{name}()'", app.module),
        (true, "uvicorn") if instruction.exec().is_none() => format!("--factory {}:{name}", app.module),
        _ => return Prescription::none(),
    };
    let (path, dockerfile) = (case.dockerfile_path, case.dockerfile);
    let edit = edit::replace_in_instruction(case.workspace, path, dockerfile, app.index, &app.written, &new);
    Prescription::of(edit.map(|edit| Remedy {
        id: if factory { "call-factory" } else { "correct-attribute" }.into(),
        title: format!("Start `{new}` in place of `{}`", app.written),
        why: format!("`{source}` calls its application `{name}`"),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
