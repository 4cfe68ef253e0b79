//! `os-apk-missing`: the Alpine release has no package of this name.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::renamed;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-apk-missing",
    what: "The Alpine release has no package of this name",
    why: "Alpine renames and drops packages between releases: python is python3, py-pip is py3-pip, nodejs-npm is npm.",
    advice: "Use the name the package has in this release.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["(missing):", "(no such package)"],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN apk add --no-cache python nodejs-npm\n#6 0.5 ERROR: unable to select packages:\n#6 0.5   nodejs-npm (no such package):\n#6 0.5     required by: world[nodejs-npm]\n#6 ERROR: process \"/bin/sh -c apk add --no-cache python nodejs-npm\" did not complete successfully: exit code: 1",
        files: &[("Dockerfile", "FROM node:20-alpine\nRUN apk add --no-cache nodejs-npm git\n")],
        subject: "nodejs-npm",
        remedy: Some(("rename-packages", &[("Dockerfile", "FROM node:20-alpine\nRUN apk add --no-cache npm git\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"^\s*(?P<pkg>[\w.+@-]+) \((?:missing|no such package)\)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["pkg"]).to_owned();
    let why = format!("this Alpine release has no package `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let lone = (0..case.dockerfile.instructions().len())
        .find(|index| installs::named(case, *index).iter().any(|each| each.manager == "apk"));
    let Some(index) = case.failing_instruction().or(lone) else { return Prescription::none() };
    let missing: Vec<String> = SHAPE.everywhere(case).map(|seen| seen.named(&["pkg"]).to_owned()).collect();
    let named = installs::named(case, index);
    let mut told: Vec<String> = Vec::new();
    let changes: Vec<_> = named
        .iter()
        .filter(|each| missing.contains(&each.name))
        .filter_map(|each| {
            let new = renamed::successor(base::Family::Alpine, "", &each.name)?;
            told.push(format!("`{new}` for `{}`", each.name));
            let known = named.iter().any(|other| other.name == new);
            Some((each.clone(), if known { vec![] } else { vec![new.to_owned()] }))
        })
        .collect();
    Prescription::none().with(
        "rename-packages",
        format!("In the package list: {}", told.join(", ")),
        "that is what Alpine calls the same software now",
        Applicability::Rehearse,
        installs::rewrite(case, &changes),
    )
}
