//! `st-py-app-path`: the server is told to load a module that is not where it looks.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::start::{self, AppPath, Candidate};
use crate::diagnosis::python::{self, installs, modules};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-py-app-path",
    what: "The start command names a module that does not exist",
    why: "gunicorn, uvicorn and the like import `module:attribute` from the working folder. The module has another name there, or lies \
          in a folder that belongs to the name.",
    advice: "Name the module as it is seen from the working folder: `app.main:app` for `app/main.py`.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "invalid value: file does not exist",
        "could not import module",
        "error: could not import",
        "could not locate a flask application",
        "no application module specified",
        "error loading asgi app factory",
        "no module named",
        "can't open file",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "ERROR:    Error loading ASGI app. Could not import module \"main\".",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"uvicorn\", \"main:app\", \"--host\", \"0.0.0.0\"]\n",
                ),
                ("requirements.txt", "fastapi\nuvicorn\n"),
                ("app/__init__.py", ""),
                ("app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
            ],
            subject: "main",
            remedy: Some((
                "correct-module",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/usr/local/lib/python3.12/site-packages/gunicorn/util.py\", line 371, in import_app\n    mod = importlib.import_module(module)\n  File \"/usr/local/lib/python3.12/importlib/__init__.py\", line 90, in import_module\n    return _bootstrap._gcd_import(name[level:], package, level)\nModuleNotFoundError: No module named 'app'\n[2026-01-01 00:00:00 +0000] [7] [INFO] Worker exiting (pid: 7)",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nRUN pip install -r requirements.txt\nCMD gunicorn -b 0.0.0.0:$PORT app:server\n",
                ),
                ("requirements.txt", "flask\ngunicorn\n"),
                ("web.py", "import flask\nserver = flask.Flask(__name__)\n"),
            ],
            subject: "app",
            remedy: Some((
                "correct-module",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nRUN pip install -r requirements.txt\nCMD gunicorn -b 0.0.0.0:$PORT web:server\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"uvicorn\", \"main:app\"]\n",
                ),
                ("requirements.txt", "fastapi\nuvicorn\n"),
                ("src/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
            ],
            subject: "main",
            remedy: Some((
                "correct-module",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"uvicorn\", \"src.main:app\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"Could not import module "([^"]+)"|Error: Could not import '([^']+)'|(Could not locate a Flask application)|(No application module specified)|Error loading ASGI app factory: .*?'([^']+)'|python[\d.]*: can't open file '([^']+)'|Invalid value: File does not exist: (\S+)"#,
]);
static SERVER_IMPORT: Phrases = Phrases::new(&[
    r#"gunicorn/util\.py", line \d+, in import_app|hypercorn/utils\.py", line \d+, in load_application"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(found) = SAYS.last(case, lines) {
        let subject = found.subject();
        // A script that a build step runs, or a missing setup.py, is something else.
        if found.get(6).is_some() && (case.log.failing.is_some() || subject.ends_with("setup.py")) {
            return None;
        }
        let why = match subject.contains(' ') {
            true => "the server finds no application to run".to_owned(),
            false => format!("the start command names `{subject}`, which is not in the image where it is looked for"),
        };
        return Some(Hit::at(found.line, subject, why).confidence(0.93));
    }
    let missing = modules::missing(case, lines)?;
    // gunicorn's own import: what is missing is the module it was told to load.
    let by_server = missing.importer.as_deref().is_some_and(|path| path.contains("importlib/__init__"))
        && SERVER_IMPORT.above(case, missing.line, 8).is_some();
    if by_server && case.log.failing.is_none() {
        let why = format!("the server is told to load `{}`, and there is no such module", missing.module);
        return Some(Hit::at(missing.line, missing.module, why).confidence(0.9));
    }
    let app = start::app_path(case)?;
    let named = app.module == missing.module
        || app.module.split('.').next() == Some(missing.module.as_str())
        || app.module.starts_with(&format!("{}.", missing.module));
    let inner = missing.importer.as_deref().is_some_and(|path| {
        path.contains(&format!("/{}/", missing.top())) || !path.contains("/python") && !path.contains("importlib")
    });
    if !named || inner || case.log.failing.is_some() {
        return None;
    }
    let why =
        format!("`{}` is started with `{}`, and there is no module `{}`", app.server, app.written, missing.module);
    Some(Hit::at(missing.line, missing.module, why).confidence(0.93))
}

/// The right name, if the sources show just one.
fn right(case: &Case<'_>, app: &AppPath) -> Option<Candidate> {
    let mut all = start::candidates(case, app.index, &app.folder);
    if all.len() > 1 {
        let last = |module: &str| module.rsplit('.').next().unwrap_or(module).to_owned();
        all.retain(|each| last(&each.module) == last(&app.module) || each.attribute == app.attribute);
    }
    if all.len() > 1 {
        all.retain(|each| each.attribute == app.attribute);
    }
    match all.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// A module that no COPY brings, in an image that gets its code by COPY only.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let Some(app) = start::app_path(case) else { return vec![] };
    let stage = case.dockerfile.stages().last().cloned();
    let Some(stage) = stage else { return vec![] };
    let here = &case.dockerfile.instructions()[stage.instructions.clone()];
    let from_elsewhere = here.iter().any(|each| {
        each.flag("from").is_some()
            || each.keyword == "ONBUILD"
            || each.keyword == "RUN"
                && (each.args.contains("git ") || each.args.contains("mv ") || each.args.contains("cp "))
    });
    let official =
        python::base_of(case, app.index).is_some_and(|base| base.stage == stage.index && !base.image.contains('/'));
    let installs_project = installs(case).iter().any(|install| !install.direct.is_empty())
        || here.iter().any(|each| {
            ["poetry ", "uv ", "pipenv ", "setup.py"]
                .iter()
                .any(|tool| each.keyword == "RUN" && each.args.contains(tool))
        });
    let has_path = case.dockerfile.env_at(app.index).contains_key("PYTHONPATH");
    if from_elsewhere || !official || installs_project || has_path || app.module.contains('$') {
        return vec![];
    }
    let top = app.module.split('.').next().unwrap_or_default();
    let own_folder = start::in_image(case, app.index).iter().any(|(image, _)| {
        image.starts_with(&format!("{}/{}/", app.folder.trim_end_matches('/'), app.module.replace('.', "/")))
    });
    let known = start::source_of(case, app.index, &app.folder, &app.module).is_some() || own_folder;
    if known || right(case, &app).is_none() {
        return vec![];
    }
    let line = case.dockerfile.instructions()[app.index].first_line;
    let why = format!("the start command names `{}`, and no COPY brings such a module", app.module);
    let subject = if python::is_own(case, top) && top != app.module { app.module.clone() } else { top.to_owned() };
    vec![Hit::in_file(case.dockerfile_path, line, subject, why).confidence(0.9)]
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(app) = start::app_path(case) else { return Prescription::none() };
    let Some(right) = right(case, &app) else { return Prescription::none() };
    let call = app.written.find('(').map_or("", |at| &app.written[at..]);
    let attribute = if app.attribute.is_empty() { &right.attribute } else { &app.attribute };
    let attribute = if start::may_have(case, &right.path, attribute) { attribute } else { &right.attribute };
    let new = format!("{}:{attribute}{call}", right.module);
    let (path, dockerfile) = (case.dockerfile_path, case.dockerfile);
    let edit = edit::replace_in_instruction(case.workspace, path, dockerfile, app.index, &app.written, &new);
    let root = root_of_imports(case, &app, &right).and_then(|root| {
        let line = format!("ENV PYTHONPATH={root}");
        let edit = edit::insert_before_instruction(case.workspace, path, dockerfile, app.index, &[&line])?;
        Some(Remedy {
            id: "set-pythonpath".into(),
            title: format!("Let Python look for modules in `{root}`"),
            why: format!("`{}` lies there, and its own modules import each other by that name", app.module),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        })
    });
    Prescription::of(root.into_iter().chain(edit.map(|edit| Remedy {
        id: "correct-module".into(),
        title: format!("Start `{new}` in place of `{}`", app.written),
        why: format!("`{}` holds the application, and that is its name from the working folder", right.path),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })))
}

/// The folder in the image from which `app`'s module has the name that it is started with and that the sources beside it
/// import: another name in the start command would only move the failure into them.
fn root_of_imports(case: &Case<'_>, app: &AppPath, right: &Candidate) -> Option<String> {
    let (top, _) = app.module.split_once('.')?;
    let above = right.module.strip_suffix(&format!(".{}", app.module))?;
    let imports = python::sources(case).into_iter().any(|path| {
        let by_name =
            |line: &&str| line.starts_with(&format!("from {top}")) || line.starts_with(&format!("import {top}"));
        case.workspace.lines(path).iter().any(|line| by_name(&line.trim()))
    });
    let has_path = case.dockerfile.env_at(app.index).contains_key("PYTHONPATH");
    (imports && !has_path).then(|| format!("{}/{}", app.folder.trim_end_matches('/'), above.replace('.', "/")))
}
