//! `py-pipenv-lock`: Pipfile, lock file and Python do not agree.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{self, version::Minor};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-pipenv-lock",
    what: "Pipenv's lock does not fit",
    why: "Pipfile.lock was not written for this Pipfile, or the Pipfile asks for a Python that the image does not have.",
    advice: "Run `pipenv lock` and commit the lock; base the image on the Python that the Pipfile names.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "pipenv.exceptions",
        "locking failed!",
        "your pipfile.lock (",
        "aborting deploy",
        "was not found on your system",
        "your dependencies could not be resolved",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Your Pipfile.lock (a3b2c1) is out of date. Expected: (d4e5f6).\nERROR:: Aborting deploy",
            subject: "Pipfile.lock",
            ..Example::BLANK
        },
        Example {
            log: "Warning: Python 3.9 was not found on your system...\nNeither 'pyenv' nor 'asdf' could be found to install Python.",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nCOPY Pipfile* .\nRUN pipenv install --deploy\n"),
                ("Pipfile", "[requires]\npython_version = \"3.9\"\n"),
            ],
            subject: "3.9",
            remedy: Some((
                "move-python",
                &[("Dockerfile", "FROM python:3.9-slim\nCOPY Pipfile* .\nRUN pipenv install --deploy\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Warning: Python ([\d.]+) was not found on your system|Your (Pipfile\.lock) \(|(Locking Failed)!|(Aborting deploy)|\[?(pipenv\.exceptions\.\w+)|(Your dependencies could not be resolved)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = found.subject();
    let why = format!("Pipenv stops at `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.9))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(wanted) = Minor::parse(&hit.subject) else { return Prescription::none() };
    let runs = || case.dockerfile.instructions().iter().rposition(|each| each.keyword == "RUN");
    let edits = case.failing_instruction().or_else(runs).and_then(|index| python::move_base(case, index, wanted));
    Prescription::of(edits.map(|edits| Remedy {
        id: "move-python".into(),
        title: format!("Base the image on Python {wanted}"),
        why: "the Pipfile asks for it".into(),
        applicability: Applicability::Rehearse,
        edits,
    }))
}
