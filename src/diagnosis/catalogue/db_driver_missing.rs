//! `db-driver-missing`: the driver of the database is not installed.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{self, packages, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

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
    ],
    detect,
    remedies,
    examples: &[Example {
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
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Error loading (psycopg2) or psycopg module|The loaded '(\w+)' is not async|Did you install (mysqlclient)\?|No module named '(psycopg2|MySQLdb|asyncpg|psycopg|pymysql)|Please install (pg|mysql2) package manually",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the driver `{subject}` is not installed");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(package) = packages::providing(&hit.subject) else { return Prescription::none() };
    if !python::entries_for(case, "psycopg2").is_empty() && package == "psycopg2-binary" {
        return Prescription::none();
    }
    pins::add_requirement(case, package, &format!("the database is spoken to through `{}`", hit.subject))
}
