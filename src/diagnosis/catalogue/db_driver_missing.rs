//! `db-driver-missing`: the driver of the database is not installed.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{self, packages, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "db-driver-missing",
    what: "The database driver is not installed",
    why: "The framework speaks to a database through a package of its own, which the requirements do not name.",
    advice: "Add psycopg2-binary, asyncpg, mysqlclient, pg or mysql2, as the address of the database asks.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "error loading psycopg2 or psycopg module",
        "the asyncio extension requires an async driver",
        "did you install mysqlclient?",
        "no module named 'psycopg2'",
        "no module named 'mysqldb'",
        "no module named 'asyncpg'",
        "no module named 'psycopg'",
        "please install pg package manually",
        "please install mysql2 package manually",
        "no module named 'pymysql'",
        "no pq wrapper available",
        "could not find driver",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "  File \"/usr/local/lib/python3.12/site-packages/sqlalchemy/dialects/postgresql/psycopg2.py\", line 696, in import_dbapi\n    import psycopg2\nModuleNotFoundError: No module named 'psycopg2'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n",
                ),
                ("requirements.txt", "sqlalchemy\n"),
            ],
            subject: "psycopg2",
            remedy: Some(("add-requirement", &[("requirements.txt", "sqlalchemy\npsycopg2-binary\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/usr/local/lib/python3.12/site-packages/psycopg/pq/__init__.py\", line 109, in import_from_libpq\n    raise ImportError(\nImportError: no pq wrapper available.\nAttempts made:\n- couldn't import psycopg 'binary' implementation: No module named 'psycopg_binary'\n- couldn't import psycopg 'python' implementation: libpq library not found",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n",
                ),
                ("requirements.txt", "psycopg==3.2.3\n"),
            ],
            subject: "psycopg-binary",
            remedy: Some(("with-library", &[("requirements.txt", "psycopg[binary]==3.2.3\n")])),
            ..Example::BLANK
        },
        Example {
            log: "[2026-03-01 10:11:12] production.ERROR: could not find driver (Connection: pgsql, SQL: select * from \"sessions\") {\"exception\":\"[object] (PDOException(code: 0): could not find driver\"}",
            subject: "pdo_pgsql",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Error loading (psycopg2) or psycopg module|The loaded '(\w+)' is not async|Did you install (mysqlclient)\?|No module named '(psycopg2|MySQLdb|asyncpg|psycopg|pymysql)['.]|Please install (pg|mysql2) package manually|ImportError: no (pq wrapper) available|PDOException.*(could not find driver)|SQLSTATE\[HY000\].*(could not find driver)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = match found.subject() {
        "pq wrapper" => "psycopg-binary",
        "could not find driver" => extension(case.text(found.line)).unwrap_or("could not find driver"),
        name => name,
    };
    let why = format!("the driver `{subject}` is not installed");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

/// The extension of PHP for the kind of database that a message names.
fn extension(message: &str) -> Option<&'static str> {
    let kinds = [("pgsql", "pdo_pgsql"), ("mysql", "pdo_mysql"), ("mariadb", "pdo_mysql")];
    kinds.iter().find(|(kind, _)| message.contains(&format!("Connection: {kind}"))).map(|(_, name)| *name)
}

/// The requirement `psycopg` with the extra that brings a library of its own.
fn with_library(case: &Case<'_>) -> Option<Remedy> {
    let entries = python::entries_for(case, "psycopg");
    let [entry] = entries.as_slice() else { return None };
    let found = entry.requirement().filter(|_| !entry.text.contains('['))?;
    let new = entry.text.replacen(&found.name, &format!("{}[binary]", found.name), 1);
    Some(Remedy {
        id: "with-library".into(),
        title: "Install psycopg with its own copy of libpq".into(),
        why: "the image has no libpq; the same version brings it as an extra".into(),
        applicability: Applicability::Rehearse,
        edits: vec![requirements::set_text(case.workspace, entry, &new)?],
    })
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if hit.subject == "psycopg-binary" {
        return Prescription::of(with_library(case));
    }
    let Some(package) = packages::providing(&hit.subject) else { return Prescription::none() };
    if !python::entries_for(case, "psycopg2").is_empty() && package == "psycopg2-binary" {
        return Prescription::none();
    }
    pins::add_requirement(case, package, &format!("the database is spoken to through `{}`", hit.subject))
}
