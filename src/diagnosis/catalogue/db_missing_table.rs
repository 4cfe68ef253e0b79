//! `db-missing-table`: the tables were never created.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::python::start;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "db-missing-table",
    what: "A table does not exist",
    why: "The migrations did not run on this database, so that its tables are not there.",
    advice: "Run the framework's migrate command before the service starts (Render: pre-deploy command).",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["no such table:", "undefinedtable", "p2021: the table", "doesn't exist", "does not exist"],
    detect,
    remedies,
    examples: &[
        Example { log: "sqlite3.OperationalError: no such table: notes", subject: "notes", ..Example::BLANK },
        Example {
            log: "django.db.utils.OperationalError: no such table: django_session",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nCOPY . .\nCMD gunicorn shop.wsgi\n"),
                ("manage.py", "import django\n"),
                ("shop/wsgi.py", "application = get_wsgi_application()\n"),
            ],
            subject: "django_session",
            remedy: Some((
                "migrate-first",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY . .\nCMD python manage.py migrate --noinput && exec gunicorn shop.wsgi\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR in __init__: health: (sqlite3.OperationalError) no such table: notes",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nENV FLASK_APP=notes\nCOPY . .\nCMD exec gunicorn notes:app\n"),
                (
                    "notes/__init__.py",
                    "import click\n\n@app.cli.command(\"create-tables\")\ndef create_tables():\n    db.create_all()\n",
                ),
            ],
            subject: "notes",
            remedy: Some((
                "create-tables-first",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nENV FLASK_APP=notes\nCOPY . .\nCMD flask create-tables && exec gunicorn notes:app\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"no such table: ([\w.]+)|relation \"([^\"]+)\" does not exist|Table '([^']+)' doesn't exist|P2021: The table `([^`]+)`"#,
]);
static COMMAND: Phrases = Phrases::new(&[r#"\.cli\.command\(\s*["']([\w-]+)["']"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the table `{subject}` does not exist");
    let hit = Hit::at(found.line, subject, why).confidence(0.93);
    let mendable = !remedies(case, &hit).remedies.is_empty();
    Some(if mendable { hit.policy(Policy::Fix) } else { hit })
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = start::commands(case).last().copied() else { return Prescription::none() };
    let instruction = &case.dockerfile.instructions()[index];
    let script = instruction.args.trim();
    let (Some((id, first)), None) = (first_command(case, index), instruction.exec()) else {
        return Prescription::none();
    };
    if instruction.keyword != "CMD" || script.contains(first.as_str()) || script.contains(';') {
        return Prescription::none();
    }
    let exec = if script.starts_with("exec ") || script.contains("&&") { "" } else { "exec " };
    let line = format!("{} {first} && {exec}{script}", instruction.written);
    let edit = edit::set_command(case.workspace, case.dockerfile_path, case.dockerfile, index, &line);
    Prescription::of(edit.map(|edit| Remedy {
        id: id.into(),
        title: format!("Run `{first}` before the service starts"),
        why: "the database of a fresh container has no tables, and the project has a command that makes them".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

/// What makes the tables, where the project has such a command.
fn first_command(case: &Case<'_>, index: usize) -> Option<(&'static str, String)> {
    if start::in_image(case, index).iter().any(|(image, _)| path::rooted("/", image).ends_with("/manage.py")) {
        return Some(("migrate-first", "python manage.py migrate --noinput".into()));
    }
    let has_app = case.dockerfile.env_at(index).contains_key("FLASK_APP")
        || case.context.holds("app.py")
        || case.context.holds("wsgi.py");
    let commands = python::sources(case).into_iter().filter_map(|path| case.workspace.text(path));
    let mut making = commands
        .flat_map(|text| COMMAND.each(text).map(|found| found[1].to_owned()).collect::<Vec<_>>())
        .filter(|name| {
            let makes = ["create", "init", "setup"].iter().any(|verb| name.contains(verb));
            makes && ["table", "db", "database"].iter().any(|object| name.contains(object))
        });
    match (making.next(), making.next()) {
        (Some(name), None) if has_app => Some(("create-tables-first", format!("flask {name}"))),
        _ => None,
    }
}
