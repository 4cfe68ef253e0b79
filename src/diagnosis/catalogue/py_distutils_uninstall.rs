//! `py-distutils-uninstall`: pip will not replace a package of the system.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-distutils-uninstall",
    what: "pip cannot replace a package of the system",
    why: "The package was installed by the distribution's own tools, so that pip does not know which files belong to it.",
    advice: "Install into a virtual environment, or tell pip to install beside it: `--ignore-installed NAME`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "cannot uninstall",
        "it is a distutils installed project",
        "uninstall-no-record-file",
        "detected a distutils installed project",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "ERROR: Cannot uninstall 'six'. It is a distutils installed project and thus we cannot accurately determine which files belong to it which would lead to only a partial uninstall.",
        files: &[("Dockerfile", "FROM ubuntu:20.04\nCOPY requirements.txt .\nRUN pip3 install -r requirements.txt\n")],
        subject: "six",
        remedy: Some((
            "ignore-installed",
            &[(
                "Dockerfile",
                "FROM ubuntu:20.04\nCOPY requirements.txt .\nRUN pip3 install --ignore-installed six -r requirements.txt\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases =
    Phrases::new(&[r"Cannot uninstall '?([\w.-]+?)'?[ .,]|detected a distutils installed project \('?([\w.-]+)'?\)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("pip cannot replace `{subject}`, which the system installed");
    Some(Hit::at(found.line, subject, why).confidence(0.96))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let runs =
        || case.dockerfile.instructions().iter().rposition(|each| each.keyword == "RUN" && each.args.contains("pip"));
    let Some(index) = case.failing_instruction().or_else(runs) else { return Prescription::none() };
    let new = format!("pip3 install --ignore-installed {} ", hit.subject);
    let (path, dockerfile) = (case.dockerfile_path, case.dockerfile);
    let with = |pip: &str| {
        edit::replace_in_instruction(
            case.workspace,
            path,
            dockerfile,
            index,
            &format!("{pip} install "),
            &new.replacen("pip3", pip, 1),
        )
    };
    let edit = with("pip3").or_else(|| with("pip"));
    Prescription::of(edit.map(|edit| Remedy {
        id: "ignore-installed".into(),
        title: format!("Install {} beside the system's", hit.subject),
        why: "Python finds the newly installed one first; the system's stays as it is".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
