//! `py-os-only-package`: a package for Windows or macOS stands in the requirements of a Linux image.

use crate::diagnosis::Case;
use crate::diagnosis::python::{self, packages, unfound};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements::{self, Entry, normalise};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-os-only-package",
    what: "A package exists for Windows or macOS only",
    why: "`pip freeze` on Windows or macOS writes down packages of that system. On Linux there is nothing to install.",
    advice: "Say on its line which system it is for: `; sys_platform == \"win32\"`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: unfound::NEEDLES,
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "ERROR: Could not find a version that satisfies the requirement pywin32==306 (from versions: none)\nERROR: No matching distribution found for pywin32==306",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "flask==3.0.3\npywin32==306\n"),
            ],
            subject: "pywin32==306",
            remedy: Some((
                "add-marker",
                &[("requirements.txt", "flask==3.0.3\npywin32==306; sys_platform == \"win32\"\n")],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "pywin32==306\n"),
            ],
            subject: "pywin32==306",
            remedy: Some(("add-marker", &[("requirements.txt", "pywin32==306; sys_platform == \"win32\"\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = unfound::read(case, lines)?;
    let system = packages::other_system(&normalise(&found.name()))?;
    let why = format!("`{}` exists for {} only", found.requirement, spoken(system));
    Some(Hit::at(found.line, found.requirement, why).confidence(0.97))
}

fn spoken(system: &str) -> &'static str {
    if system == "win32" { "Windows" } else { "macOS" }
}

fn unmarked(entry: &Entry) -> Option<(String, &'static str)> {
    let found = entry.requirement().filter(|found| found.marker.is_none())?;
    // These have a source distribution, or are harmless on Linux, in some versions.
    let sure = matches!(found.normal_name().as_str(), "pywin32" | "pypiwin32" | "pywinpty" | "windows-curses");
    let system = packages::other_system(&found.normal_name()).filter(|_| sure)?;
    Some((format!("{}{}", found.name, found.specifier), system))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let entries = python::all_entries(case);
    let wrong = entries.iter().filter_map(|entry| unmarked(entry).map(|found| (entry, found)));
    wrong
        .map(|(entry, (subject, system))| {
            let why = format!("`{subject}` in `{}` exists for {} only", entry.path, spoken(system));
            Hit::in_file(&entry.path, entry.first_line, subject, why).confidence(0.95)
        })
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(wanted) = requirements::requirement(&hit.subject) else { return Prescription::none() };
    let Some(system) = packages::other_system(&wanted.normal_name()) else { return Prescription::none() };
    let entries = python::entries_for(case, &wanted.name);
    let Some(entry) = entries.iter().find(|entry| entry.requirement().is_some_and(|found| found.marker.is_none()))
    else {
        return Prescription::none();
    };
    let applicability = if unmarked(entry).is_some() { Applicability::Apply } else { Applicability::Rehearse };
    let text = format!("{}; sys_platform == \"{system}\"", entry.text);
    let edit = requirements::set_text(case.workspace, entry, &text);
    Prescription::of(edit.map(|edit| Remedy {
        id: "add-marker".into(),
        title: format!("Install {} on {} only", wanted.name, spoken(system)),
        why: format!("the package has files for {} only; there it is installed as before", spoken(system)),
        applicability,
        edits: vec![edit],
    }))
}
