//! `os-apk-version-pin-gone`: a pinned apk version is gone.

use crate::diagnosis::Case;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-apk-version-pin-gone",
    what: "A pinned apk version is gone",
    why: "Alpine keeps only the newest build of a package in each release; an exact pin breaks with the next one.",
    advice: "Drop the pin, or pin the Alpine release in the tag instead.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["breaks: world["],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN apk add git=2.24.1-r0\n#6 0.5 ERROR: unsatisfiable constraints:\n#6 0.5   git-2.24.3-r0:\n#6 0.5     breaks: world[git=2.24.1-r0]\n#6 ERROR: process \"/bin/sh -c apk add git=2.24.1-r0\" did not complete successfully: exit code: 1",
        files: &[("Dockerfile", "FROM alpine:3.11\nRUN apk add git=2.24.1-r0\n")],
        subject: "git=2.24.1-r0",
        remedy: Some(("drop-pin", &[("Dockerfile", "FROM alpine:3.11\nRUN apk add git\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"breaks: world\[(?P<pin>[^\]]+)\]"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["pin"]).to_owned();
    let why = format!("the Alpine release no longer has `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let pins: Vec<String> = SHAPE.everywhere(case).map(|seen| seen.named(&["pin"]).to_owned()).collect();
    let lone = (0..case.dockerfile.instructions().len())
        .find(|index| installs::named(case, *index).iter().any(|each| pins.contains(&each.written)));
    let Some(index) = case.failing_instruction().or(lone) else { return Prescription::none() };
    let named = installs::named(case, index);
    let changes: Vec<_> = named
        .into_iter()
        .filter(|each| pins.contains(&each.written))
        .map(|each| {
            let name = each.name.clone();
            (each, vec![name])
        })
        .collect();
    Prescription::none().with(
        "drop-pin",
        "Install the version that the release has",
        "Alpine keeps one version of a package in a release, so no other can be asked for",
        Applicability::Rehearse,
        installs::rewrite(case, &changes),
    )
}
