//! `os-apt-unable-to-locate`: apt finds no package of this name: wrong name, or no package lists in this step.

use crate::diagnosis::Case;
use crate::diagnosis::apt;
use crate::diagnosis::base;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::renamed;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-apt-unable-to-locate",
    what: "apt finds no package of this name",
    why: "Either the release has no such package (any more), or the step runs without package lists: images come without \
          them, and each RUN that installs has to run apt-get update itself.",
    advice: "Write `apt-get update &&` before the install in the same RUN, or use the package's name in this release.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Unable to locate package", "Couldn't find any package by", "E: Package not found"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN apt-get install -y curl\n#6 0.2 Reading package lists...\n#6 0.3 Building dependency tree...\n#6 0.4 E: Unable to locate package curl\n#6 ERROR: process \"/bin/sh -c apt-get install -y curl\" did not complete successfully: exit code: 100",
            files: &[("Dockerfile", "FROM debian:bookworm\nRUN apt-get install -y curl\n")],
            subject: "curl",
            remedy: Some((
                "update-lists",
                &[("Dockerfile", "FROM debian:bookworm\nRUN apt-get update && apt-get install -y curl\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN apt-get update && apt-get install -y   gcc   libgl1-mesa-glx\n#6 0.2 Get:1 http://deb.debian.org/debian trixie InRelease [140 kB]\n#6 2.4 E: Unable to locate package libgl1-mesa-glx\n#6 ERROR: process \"/bin/sh -c apt-get update && apt-get install -y   gcc   libgl1-mesa-glx\" did not complete successfully: exit code: 100",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y \\\n  gcc \\\n  libgl1-mesa-glx\n",
            )],
            subject: "libgl1-mesa-glx",
            remedy: Some((
                "rename-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y \\\n  gcc \\\n  libgl1\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim-trixie\nRUN apt-get update && apt-get install -y libgl1-mesa-glx\n",
            )],
            subject: "libgl1-mesa-glx",
            remedy: Some((
                "rename-packages",
                &[("Dockerfile", "FROM python:3.12-slim-trixie\nRUN apt-get update && apt-get install -y libgl1\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r#"E: (?:Unable to locate package (?P<a>[\w.+*:-]+)|Couldn't find any package by (?:glob|regex) '(?P<b>[^']+)'|Package not found)"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.first(case, lines)?;
    let package = seen.named(&["a", "b"]);
    let why = format!("apt finds no package `{package}` in this release, or has no package lists");
    Some(Hit::at(seen.line, package, why).confidence(0.95))
}

/// Packages that this release surely lacks, and installs before any list was fetched.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut out: Vec<Hit> = Vec::new();
    for index in 0..case.dockerfile.instructions().len() {
        let named = installs::named(case, index);
        let Some(base) = base::of(case, index).filter(|base| base.image.official().is_some()) else { continue };
        let own_sources = case.dockerfile.text().contains("sources.list");
        for each in named.iter().filter(|each| matches!(each.manager.as_str(), "apt" | "apt-get")) {
            let suite = base.suite().unwrap_or_default();
            if renamed::is_gone(suite, &each.name) && !own_sources && each.written == each.name {
                let why = format!("{suite} has no package `{}`", each.name);
                out.push(Hit::in_file(case.dockerfile_path, each.line, &each.name, why).confidence(0.9));
            }
        }
        let first = named.iter().find(|each| matches!(each.manager.as_str(), "apt" | "apt-get"));
        if let Some(first) = first.filter(|_| never_updated(case, index)) {
            let why = format!("`{}` is to be installed, but no step has fetched package lists", first.name);
            out.push(Hit::in_file(case.dockerfile_path, first.line, &first.name, why).confidence(0.9));
        }
    }
    out
}

/// Whether nothing up to `index` can have fetched package lists: an official image, and no step that runs anything unknown.
fn never_updated(case: &Case<'_>, index: usize) -> bool {
    let Some(base) = base::of(case, index) else { return false };
    if base.family() != Some(base::Family::Debian) || base.image.official().is_none() {
        return false;
    }
    let harmless = |args: &str| {
        !["update", "apt", ".sh", "| sh", "| bash", "|bash", "|sh", "dpkg", "lists"]
            .iter()
            .any(|word| args.contains(word))
    };
    let instructions = case.dockerfile.instructions();
    let before = instructions[..index].iter().filter(|each| each.keyword == "RUN").all(|each| harmless(&each.args));
    let own = &instructions[index];
    let upto = own.args.find("install").map_or("", |at| &own.args[..at]);
    let quiet = !["update", ".sh", "bash", "dpkg"].iter().any(|word| upto.contains(word)) && !own.args.contains(".deb");
    before && quiet && own.flags.is_empty() && own.heredocs.is_empty()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let by_place = || hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let Some(index) = case.failing_instruction().or_else(by_place) else { return Prescription::none() };
    let from_log = apt::missing(case);
    let missing = if from_log.is_empty() { vec![hit.subject.clone()] } else { from_log };
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
