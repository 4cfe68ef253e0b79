//! `os-apt-version-pin-gone`: a pinned apt version is gone.

use crate::diagnosis::Case;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-apt-version-pin-gone",
    what: "A pinned apt version is gone",
    why: "A security update replaced the exact version; the archive keeps only the newest of a release.",
    advice: "Pin the upstream part with a wildcard (pkg=1.2*), or drop the pin.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["' was not found", "Unable to find a source package for", "Can't find a source to download version"],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update && apt-get install -y nginx=1.22.1-9\n#6 0.5 E: Version '1.22.1-9' for 'nginx' was not found\n#6 ERROR: process \"/bin/sh -c apt-get update && apt-get install -y nginx=1.22.1-9\" did not complete successfully: exit code: 100",
        files: &[("Dockerfile", "FROM debian:bookworm\nRUN apt-get update && apt-get install -y nginx=1.22.1-9\n")],
        subject: "nginx=1.22.1-9",
        remedy: Some((
            "loosen-pin",
            &[("Dockerfile", "FROM debian:bookworm\nRUN apt-get update && apt-get install -y nginx=1.22.1*\n")],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"E: Version '(?P<ver>[^']+)' for '(?P<pkg>[^']+)' was not found",
    r"Unable to find a source package for (?P<src>\S+)|Can't find a source to download version '(?P<ver2>[^']+)' of '(?P<pkg2>[^']+)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = {
        let (name, version) = (seen.named(&["pkg", "pkg2", "src"]), seen.named(&["ver", "ver2"]));
        if version.is_empty() { name.to_owned() } else { format!("{name}={version}") }
    };
    let why = format!("the release no longer has `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let gone: Vec<String> = SHAPES
        .everywhere(case)
        .filter(|seen| seen.wording == 0)
        .map(|seen| format!("{}={}", seen.named(&["pkg"]), seen.named(&["ver"])))
        .collect();
    let lone = (0..case.dockerfile.instructions().len())
        .find(|index| installs::named(case, *index).iter().any(|each| gone.contains(&each.written)));
    let Some(index) = case.failing_instruction().or(lone) else { return Prescription::none() };
    let named: Vec<_> = installs::named(case, index).into_iter().filter(|each| gone.contains(&each.written)).collect();
    let upstream = |written: &str| {
        let version = written.split_once('=').map_or("", |(_, version)| version);
        version.rsplit_once('-').map_or(version, |(upstream, _)| upstream).to_owned()
    };
    let loose: Vec<_> =
        named.iter().map(|each| (each.clone(), vec![format!("{}={}*", each.name, upstream(&each.written))])).collect();
    let free: Vec<_> = named.iter().map(|each| (each.clone(), vec![each.name.clone()])).collect();
    Prescription::none()
        .with(
            "loosen-pin",
            "Pin the upstream version only",
            "updates of a release change only what stands behind it",
            Applicability::Rehearse,
            installs::rewrite(case, &loose),
        )
        .with(
            "drop-pin",
            "Install the version that the release has",
            "the release has no such version any more",
            Applicability::Rehearse,
            installs::rewrite(case, &free),
        )
}
