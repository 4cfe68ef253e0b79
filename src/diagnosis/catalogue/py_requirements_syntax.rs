//! `py-requirements-syntax`: a line of the requirements file is not a requirement.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-requirements-syntax",
    what: "A line of the requirements file cannot be read",
    why: "The line is in conda's spelling, a merge mark, or the file is in UTF-16 as PowerShell writes it.",
    advice: "Correct the line; save the file as UTF-8.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "invalid requirement: ",
        "expected end or semicolon",
        "can't decode byte 0xff",
        "unexpected end of input",
        "couldn't parse requirement in",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "ERROR: Invalid requirement: 'numpy=1.26.4=py312h1' (from line 2 of requirements.txt)\nHint: = is not a valid operator. Did you mean == ?",
        files: &[
            ("Dockerfile", "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
            ("requirements.txt", "flask\nnumpy=1.26.4=py312h1\n"),
        ],
        subject: "numpy=1.26.4=py312h1",
        remedy: Some(("pip-spelling", &[("requirements.txt", "flask\nnumpy==1.26.4\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Invalid requirement: '?([^']+?)'?(?: \(from line| *$|: )|(can't decode byte 0xff)|Couldn't parse requirement in `([^`]+)`",
]);
static CONDA: Phrases = Phrases::new(&[r"^([\w.\-]+)=([\w.]+)(?:=\w+)?$"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("pip cannot read `{subject}` as a requirement");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let entries = python::all_entries(case);
    let wrong = entries.iter().find(|entry| entry.text == hit.subject);
    let remedy = wrong.zip(CONDA.read(&hit.subject)).and_then(|(entry, found)| {
        let new = format!("{}=={}", &found[1], &found[2]);
        let edit = requirements::set_text(case.workspace, entry, &new)?;
        Some(Remedy {
            id: "pip-spelling".into(),
            title: format!("Write `{new}` in place of `{}`", hit.subject),
            why: "one `=` and a build name are conda's spelling; pip wants two".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        })
    });
    Prescription::of(remedy)
}
