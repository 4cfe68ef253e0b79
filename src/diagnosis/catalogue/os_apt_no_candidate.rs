//! `os-apt-no-candidate`: apt knows a package by name only; this release has no version of it.

use crate::diagnosis::Case;
use crate::diagnosis::apt;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-apt-no-candidate",
    what: "A Debian or Ubuntu package has no version in this release",
    why: "The package was renamed, split or dropped; other packages still mention its name. Often apt prints what replaces it.",
    advice: "Install the replacement that apt names, or the package's name in this release.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["has no installation candidate"],
    detect,
    remedies,
    examples: &[Example {
        log: "#4 [2/6] RUN apt-get update && apt-get install -y netcat mime-support\n#4 0.109 Get:1 http://deb.debian.org/debian trixie InRelease [140 kB]\n#4 2.227 Package netcat is a virtual package provided by:\n#4 2.227   netcat-openbsd 1.229-1\n#4 2.227   netcat-traditional 1.10-50\n#4 2.227 \n#4 2.227 Package mime-support is not available, but is referred to by another package.\n#4 2.227 This may mean that the package is missing, has been obsoleted, or\n#4 2.227 is only available from another source\n#4 2.227 However the following packages replace it:\n#4 2.227   media-types mailcap\n#4 2.227 \n#4 2.232 E: Package 'netcat' has no installation candidate\n#4 2.235 E: Package 'mime-support' has no installation candidate\n#4 ERROR: process \"/bin/sh -c apt-get update && apt-get install -y netcat mime-support\" did not complete successfully: exit code: 100",
        files: &[(
            "Dockerfile",
            "FROM python:3.13-slim-trixie\nRUN apt-get update && apt-get install -y netcat mime-support\n",
        )],
        subject: "mime-support",
        remedy: Some((
            "rename-packages",
            &[(
                "Dockerfile",
                "FROM python:3.13-slim-trixie\nRUN apt-get update && apt-get install -y netcat-openbsd media-types\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"E: Package '?(?P<package>[\w.+-]+)(?::\w+)?'? has no installation candidate"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let package = seen.named(&["package"]);
    let why = format!("this release of the distribution has no package `{package}`");
    Some(Hit::at(seen.line, package, why).confidence(0.96))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let missing = apt::missing(case);
    if apt::lists_are_absent(case, index) {
        return Prescription::none().with(
            "update-lists",
            "Run `apt-get update` first",
            "the image has no package lists until apt-get update fetches them",
            Applicability::Apply,
            installs::refresh_first(case, index),
        );
    }
    Prescription::of(apt::renaming(case, index, &missing))
}
