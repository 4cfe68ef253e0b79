//! `py-distribution-missing`: installed code asks for a distribution that is not installed.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{is_own, packages, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements::{self, normalise};

pub const RULE: Rule = Rule {
    id: "py-distribution-missing",
    what: "A program asks for a distribution that is not installed",
    why: "An entry point or `importlib.metadata` looks for an installed package by name and version and does not find it, because it \
          was left out of the requirements, or installed past the resolver.",
    advice: "Add the named package to the requirements, and install everything with one `pip install`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "distribution was not found and is required by",
        "pkg_resources.distributionnotfound",
        "pkg_resources.contextualversionconflict",
        "pkg_resources.versionconflict",
        "packagenotfounderror",
    ],
    detect,
    foresee: |_| vec![],
    remedies,
    examples: &[
        Example {
            log: "pkg_resources.DistributionNotFound: The 'setuptools_scm' distribution was not found and is required by the application",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"serve\"]\n",
                ),
                ("requirements.txt", "flask\n"),
            ],
            subject: "setuptools_scm",
            ..Example::BLANK
        },
        Example {
            log: "importlib.metadata.PackageNotFoundError: No package metadata was found for email-validator",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"serve\"]\n",
                ),
                ("requirements.txt", "pydantic\n"),
            ],
            subject: "email-validator",
            remedy: Some(("add-requirement", &[("requirements.txt", "pydantic\nemail-validator\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static MISSING: Phrases = Phrases::new(&[
    r"The '([^']+)' distribution was not found|PackageNotFoundError: (?:No package metadata was found for )?([\w.\-]+)\s*$|(?:Contextual)?VersionConflict: \((?:[^,]*), Requirement\.parse\('([^']+)'\)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = MISSING.last(case, lines)?;
    let subject = found.subject();
    let why = format!("installed code asks for `{subject}`, which is not installed in that version");
    Some(Hit::at(found.line, subject, why))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(wanted) = requirements::requirement(&hit.subject) else { return Prescription::none() };
    let known = packages::modules_of(&wanted.normal_name()).iter().find_map(|module| packages::providing(module));
    match known {
        Some(package) if !is_own(case, &wanted.name) && normalise(package) == wanted.normal_name() => {
            pins::add_requirement(case, package, &format!("installed code asks for {package} by name"))
        }
        _ => Prescription::none(),
    }
}
