//! `py-frozen-local-path`: the requirements name a file of the machine they were frozen on.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::Knowledge;
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-frozen-local-path",
    what: "The requirements name files of another machine",
    why: "`pip freeze` in a conda environment writes `name @ file:///…` for what conda built. That path is only there.",
    advice: "Write `name==version` in its place; the version is in the path.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["/croot/", "/home/conda/feedstock_root", "/tmp/build/80754af9", "file:///", "/users/runner/"],
    detect,
    remedies,
    examples: &[Example {
        log: "Processing /croot/certifi_1690232220950/work/certifi (from -r requirements.txt (line 1))\nERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: '/croot/certifi_1690232220950/work/certifi'",
        files: &[
            ("Dockerfile", "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
            ("requirements.txt", "certifi @ file:///croot/certifi_1690232220950/work/certifi\n"),
        ],
        subject: "/croot/certifi_1690232220950/work/certifi",
        knowledge: Knowledge::default,
        remedy: Some(("drop-path", &[("requirements.txt", "certifi\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:No such file or directory|OSError)[^\n]*'(/(?:croot|home/conda|tmp/build|[^']*feedstock|[Uu]sers/|C:|home/)[^']*)'|(\S+ @ file:///\S+).*(?:does not exist|not found)",
]);
static VERSION: Phrases = Phrases::new(&[r"/[\w.\-]+?-(\d+(?:\.\d+)+)-[\w.]+\.whl"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let of_pip = ["requirements", "pip "].iter().any(|mark| case.mentions(mark));
    if !of_pip {
        return None;
    }
    let subject = found.subject();
    let why = format!("the requirements name `{subject}`, which is only on the machine they were frozen on");
    Some(Hit::at(found.line, subject, why).confidence(0.94))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let entries = python::all_entries(case);
    let mut edits = Vec::new();
    for entry in entries.iter().filter(|entry| entry.text.contains("@ file:///")) {
        let Some(found) = entry.requirement() else { continue };
        let new = match VERSION.read(&entry.text) {
            Some(version) => format!("{}=={}", found.name, &version[1]),
            None => found.name.clone(),
        };
        edits.extend(requirements::set_text(case.workspace, entry, &new));
    }
    Prescription::of((!edits.is_empty()).then(|| Remedy {
        id: "drop-path".into(),
        title: "Name the packages instead of files of another machine".into(),
        why: "the paths are those of the machine where the list was written".into(),
        applicability: Applicability::Rehearse,
        edits,
    }))
}
