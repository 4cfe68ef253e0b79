//! `st-py-sqlalchemy2`: code for SQLAlchemy 1 meets SQLAlchemy 2.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

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
    let entries = python::entries_for(case, &hit.subject);
    let floating = entries.iter().find(|entry| {
        entry.requirement().is_some_and(|found| {
            !found.specifier.contains("==") && !found.specifier.contains('<') && !found.specifier.contains(">=2")
        })
    });
    let edit = floating.and_then(|entry| {
        let found = entry.requirement()?;
        let joined = if found.specifier.is_empty() { "<2".to_owned() } else { format!("{},<2", found.specifier) };
        let extras = if found.extras.is_empty() { String::new() } else { format!("[{}]", found.extras.join(",")) };
        let marker = found.marker.as_ref().map(|marker| format!("; {marker}")).unwrap_or_default();
        requirements::set_text(case.workspace, entry, &format!("{}{extras}{joined}{marker}", found.name))
    });
    Prescription::of(edit.map(|edit| Remedy {
        id: "bound-major".into(),
        title: "Keep SQLAlchemy below 2".into(),
        why: "the code was written for the major before, and nothing kept the package there".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
