//! `st-py-sqlalchemy2`: code for SQLAlchemy 1 meets SQLAlchemy 2.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::pins;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-py-sqlalchemy2",
    what: "Code for SQLAlchemy 1 meets SQLAlchemy 2",
    why: "SQLAlchemy was not pinned to its major and moved to the next one, which dropped what the code calls.",
    advice: "Pin SQLAlchemy below 2 (as long as the other packages allow it), or change the code to the new major.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "not an executable object:",
        "'engine' object has no attribute 'execute'",
        "should be explicitly declared as text(",
        "textual sql expression",
        "'connection' object has no attribute 'connect'",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "AttributeError: 'Engine' object has no attribute 'execute'",
        files: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n",
            ),
            ("requirements.txt", "flask==3.0.3\nSQLAlchemy\n"),
        ],
        subject: "sqlalchemy",
        remedy: Some(("bound-major", &[("requirements.txt", "flask==3.0.3\nSQLAlchemy<2\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(Not an executable object)|'Engine' object has no attribute '(execute)'|(Textual SQL expression)|'Connection' object has no attribute '(connect)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = "sqlalchemy";
    let why = "the code was written for SQLAlchemy 1, and SQLAlchemy 2 is installed";
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::of(pins::below_second_major(case, &hit.subject, "SQLAlchemy"))
}
