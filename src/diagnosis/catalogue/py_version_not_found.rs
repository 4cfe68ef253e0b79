//! `py-version-not-found`: the wanted version of a Python package does not exist on the index.

use crate::diagnosis::Case;
use crate::diagnosis::python::unfound::{self, Unfound};
use crate::diagnosis::python::version::{self, Fit};
use crate::diagnosis::python::{self, minor_at, outlook, packages, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Registry, Release};
use crate::manifest::requirements::{Kind, normalise};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-version-not-found",
    what: "The wanted version of a Python package does not exist",
    why: "The version in the requirements was yanked, mistyped or never published, or has no file that this Python can use. \
          pip lists the versions it could have taken.",
    advice: "Pin a version that exists, best the nearest one; or use a Python that the pinned version supports.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: unfound::NEEDLES,
    detect,
    foresee,
    wonder: outlook::releases_wanted,
    remedies,
    examples: &[
        Example {
            log: "#8 [4/5] RUN pip install -r requirements.txt\n#8 1.2 Collecting requests==2.99.0 (from -r requirements.txt (line 2))\n#8 1.3 ERROR: Could not find a version that satisfies the requirement requests==2.99.0 (from versions: 2.31.0, 2.32.0, 2.32.3)\n#8 1.3 ERROR: No matching distribution found for requests==2.99.0",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "flask==3.0.3\nrequests==2.99.0  # http\n"),
            ],
            subject: "requests==2.99.0",
            remedy: Some(("repin-nearest", &[("requirements.txt", "flask==3.0.3\nrequests==2.32.3  # http\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of requests==2.99.0 and you require requests==2.99.0, we can conclude that your requirements are unsatisfiable.",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN uv pip install --system -r requirements.txt\n",
                ),
                ("requirements.txt", "requests==2.99.0\n"),
            ],
            subject: "requests==2.99.0",
            knowledge: known,
            remedy: Some(("repin-nearest", &[("requirements.txt", "requests==2.32.3\n")])),
            ..Example::BLANK
        },
        Example {
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
                ("requirements.txt", "requests==2.99.0\n"),
            ],
            subject: "requests==2.99.0",
            knowledge: known,
            remedy: Some(("repin-nearest", &[("requirements.txt", "requests==2.32.3\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn known() -> Knowledge {
    let release = |version: &str| Release {
        version: version.into(),
        requires: Some(">=3.8".into()),
        wheels: vec!["py3-none-any".into()],
        has_source: true,
        ..Release::default()
    };
    let releases = vec![release("2.31.0"), release("2.32.3")];
    Knowledge { packages: vec![((Registry::Pypi, "requests".into()), releases)], ..Knowledge::default() }
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = unfound::read(case, lines)?;
    if found.is_unknown() || found.other_python.is_some() || packages::other_system(&normalise(&found.name())).is_some()
    {
        return None;
    }
    let why = format!("no version of `{}` fits `{}`", found.name(), found.requirement);
    Some(Hit::at(found.line, found.requirement, why).confidence(0.95))
}

/// Pins that the index was asked about and does not have.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let entries = python::all_entries(case);
    if entries.iter().any(|entry| entry.kind == Kind::Option && entry.text.contains("index")) {
        return vec![];
    }
    let missing = entries.iter().filter_map(|entry| {
        let wanted = entry.requirement()?;
        let pin = wanted.pin()?;
        let releases = pins::releases(case, &wanted.name)?;
        let exists = releases.iter().any(|release| {
            version::Version::parse(&release.version).is_some()
                && version::Version::parse(&release.version) == version::Version::parse(pin)
        });
        (!exists && !releases.is_empty()).then(|| {
            let subject = format!("{}=={pin}", wanted.name);
            let why = format!("`{}` asks for {subject}, which the index does not have", entry.path);
            Hit::in_file(&entry.path, entry.first_line, subject, why).confidence(0.95)
        })
    });
    missing.collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let seen = hit.line.and_then(|_| unfound::read(case, &lines));
    let found =
        seen.unwrap_or(Unfound { line: 0, requirement: hit.subject.clone(), versions: None, other_python: None });
    let (name, pin) = (found.name(), found.pin());
    let index = case.failing_instruction().or_else(|| python::installs(case).last().map(|install| install.index));
    let exists_elsewhere = pins::releases(case, &name).zip(pin.as_deref()).is_some_and(|(releases, pin)| {
        releases.iter().any(|release| release.version == pin && !release.yanked && unfit(case, index, release))
    });
    if exists_elsewhere {
        return pins::fit_python(case, index, &name, pin.as_deref());
    }
    let mut prescription = pins::repin_existing(case, index, &name, pin.as_deref());
    if prescription.remedies.is_empty()
        && pins::releases(case, &name).is_none()
        && let Some(versions) = &found.versions
        && let Some(pin) = &pin
        && let Some(version) = version::nearest(pin, versions.iter().map(String::as_str))
    {
        let edits = pins::repin_edits(case, &name, version);
        if !edits.is_empty() {
            prescription.remedies.push(Remedy {
                id: "repin-nearest".into(),
                title: format!("Pin {name} to {version} in place of {pin}"),
                why: format!("pip found no {pin}; {version} is the nearest of those it lists"),
                applicability: Applicability::Rehearse,
                edits,
            });
        }
    }
    prescription
}

fn unfit(case: &Case<'_>, index: Option<usize>, release: &Release) -> bool {
    minor_at(case, index).is_some_and(|minor| version::fit(release, minor, false) == Fit::No)
}
