//! `py-pip-option-removed`: pip or virtualenv no longer knows an option.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-pip-option-removed",
    what: "An option is gone from pip",
    why: "pip (or virtualenv) moved on and dropped an option that the Dockerfile or a requirements file still uses.",
    advice: "Remove or replace the option, or pin pip to the last version that has it.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["no such option:", "unrecognized arguments: --no-site-packages", "unrecognized arguments: --distribute"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Usage: pip install [options] <requirement specifier> [package-index-options] ...\n\nno such option: --use-mirrors",
            files: &[("Dockerfile", "FROM python:3.12\nCOPY r.txt .\nRUN pip install --use-mirrors -r r.txt\n")],
            subject: "--use-mirrors",
            remedy: Some((
                "drop-option",
                &[("Dockerfile", "FROM python:3.12\nCOPY r.txt .\nRUN pip install -r r.txt\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "virtualenv: error: unrecognized arguments: --no-site-packages",
            files: &[("Dockerfile", "FROM python:3.7\nRUN virtualenv --no-site-packages /venv\n")],
            subject: "--no-site-packages",
            remedy: Some(("drop-option", &[("Dockerfile", "FROM python:3.7\nRUN virtualenv /venv\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[r"no such option: (--?[\w-]+)|unrecognized arguments: (--[\w-]+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let of_pip = ["pip", "virtualenv"].iter().any(|mark| case.mentions(mark));
    if !of_pip {
        return None;
    }
    let subject = found.subject();
    let why = format!("the option `{subject}` is gone");
    Some(Hit::at(found.line, subject, why).confidence(0.94))
}

/// Options that today's tools do by themselves, or that never changed what is installed.
const MEANINGLESS: &[&str] =
    &["--use-mirrors", "--no-site-packages", "--distribute", "--allow-all-external", "--use-wheel"];

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if !MEANINGLESS.contains(&hit.subject.as_str()) {
        return Prescription::none();
    }
    let (path, dockerfile) = (case.dockerfile_path, case.dockerfile);
    let runs =
        || dockerfile.instructions().iter().position(|each| each.keyword == "RUN" && each.args.contains(&hit.subject));
    let Some(index) = case.failing_instruction().or_else(runs) else { return Prescription::none() };
    let edit = edit::replace_in_instruction(case.workspace, path, dockerfile, index, &format!("{} ", hit.subject), "");
    Prescription::of(edit.map(|edit| Remedy {
        id: "drop-option".into(),
        title: format!("Remove the option `{}`", hit.subject),
        why: "the tool does this by itself now".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
