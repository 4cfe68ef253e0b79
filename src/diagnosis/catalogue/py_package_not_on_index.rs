//! `py-package-not-on-index`: the index knows no package of that name that this Python could use.

use crate::diagnosis::Case;
use crate::diagnosis::python::unfound;
use crate::diagnosis::python::{self, outlook, packages, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements::{self, Entry, normalise};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-package-not-on-index",
    what: "The index has no Python package of that name",
    why: "The name is that of a module of Python itself, the name one imports rather than the one one installs, a mistake of `pip \
          freeze`, or of a private package. It may also exist for other Pythons or systems only.",
    advice: "Delete names of the standard library, write the name that the project has on PyPI, or add the index it comes from.",
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
            log: "ERROR: Could not find a version that satisfies the requirement unittest (from versions: none)\nERROR: No matching distribution found for unittest",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "flask==3.0.3\nunittest\n"),
            ],
            subject: "unittest",
            remedy: Some(("delete-requirement", &[("requirements.txt", "flask==3.0.3\n")])),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: Could not find a version that satisfies the requirement pkg-resources==0.0.0 (from versions: none)\nERROR: No matching distribution found for pkg-resources==0.0.0",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "idna==3.7\npkg_resources==0.0.0\nurllib3==2.2.2\n"),
            ],
            subject: "pkg-resources==0.0.0",
            remedy: Some(("delete-requirement", &[("requirements.txt", "idna==3.7\nurllib3==2.2.2\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  Could not find any downloads that satisfy the requirement PIL\nNo distributions at all found for PIL",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "PIL\n"),
            ],
            subject: "PIL",
            remedy: Some(("rename-requirement", &[("requirements.txt", "Pillow\n")])),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: Could not find a version that satisfies the requirement en-core-web-sm==2.0.0 (from versions: none)\nERROR: No matching distribution found for en-core-web-sm==2.0.0",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "en-core-web-sm==2.0.0\n"),
            ],
            subject: "en-core-web-sm==2.0.0",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = unfound::read(case, lines)?;
    if !found.is_unknown()
        || found.other_python.is_some()
        || packages::other_system(&normalise(&found.name())).is_some()
    {
        return None;
    }
    let why = match reason(&found.name()) {
        Some(reason) => format!("`{}` is not on the index: {reason}", found.requirement),
        None => format!("the index has nothing that fits `{}`", found.requirement),
    };
    Some(Hit::at(found.line, found.requirement, why).confidence(0.95))
}

fn reason(name: &str) -> Option<String> {
    let normal = normalise(name);
    if normal == "pkg-resources" {
        Some("`pip freeze` on old Ubuntu writes it by mistake".into())
    } else if let Some(meant) = packages::meant(&normal) {
        Some(format!("the package is called {meant}"))
    } else if packages::is_standard(name) {
        Some("it is a module of Python itself".into())
    } else {
        None
    }
}

fn is_artefact(entry: &Entry) -> bool {
    entry.requirement().is_some_and(|found| found.normal_name() == "pkg-resources" && found.pin() == Some("0.0.0"))
}

/// The line that never installs anywhere, and names that are known to stand for others and that the index does not have.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let entries = python::all_entries(case);
    let wrong = entries.iter().filter(|entry| is_artefact(entry));
    let artefacts = wrong.map(|entry| {
        let why =
            format!("line {} of `{}` is a mistake of `pip freeze`; no index has it", entry.first_line, entry.path);
        Hit::in_file(&entry.path, entry.first_line, "pkg-resources==0.0.0", why).confidence(0.95)
    });
    let installs = outlook::plain(case);
    let lines = installs.iter().flat_map(|install| &install.lines).filter(|line| !line.is_constraint);
    let absent = lines.filter_map(|line| {
        let name = &line.requirement.name;
        let unknown = pins::releases(case, name).is_some_and(<[_]>::is_empty) && line.requirement.marker.is_none();
        let (subject, because) = (format!("{name}{}", line.requirement.specifier), reason(name).filter(|_| unknown)?);
        let is_artefact = line.requirement.normal_name() == "pkg-resources";
        let why = format!("`{subject}` is not on the index: {because}");
        (!is_artefact).then(|| Hit::in_file(&line.path, line.number, subject, why).confidence(0.95))
    });
    artefacts.chain(absent).collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(wanted) = requirements::requirement(&hit.subject) else { return Prescription::none() };
    let entries = python::entries_for(case, &wanted.name);
    let Some(entry) = entries.first() else { return Prescription::none() };
    let normal = wanted.normal_name();
    if let Some(meant) = packages::meant(&normal) {
        let edit = requirements::set_text(case.workspace, entry, meant);
        return Prescription::of(edit.map(|edit| Remedy {
            id: "rename-requirement".into(),
            title: format!("Ask for {meant} in place of {}", wanted.name),
            why: format!("the package that provides `{}` has the name {meant} on PyPI", wanted.name),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }));
    }
    if !is_artefact(entry) && !packages::is_standard(&wanted.name) {
        return Prescription::none();
    }
    let applicability = if is_artefact(entry) { Applicability::Apply } else { Applicability::Rehearse };
    let edit = requirements::remove(case.workspace, entry);
    Prescription::of(edit.map(|edit| Remedy {
        id: "delete-requirement".into(),
        title: format!("Delete `{}` from `{}`", entry.text, entry.path),
        why: reason(&wanted.name).unwrap_or_else(|| "no index has it".into()),
        applicability,
        edits: vec![edit],
    }))
}
