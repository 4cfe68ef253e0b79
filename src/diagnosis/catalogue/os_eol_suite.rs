//! `os-eol-suite`: the base image is a Debian or Ubuntu release whose packages moved to an archive.

use crate::diagnosis::Case;
use crate::diagnosis::base::{self, Base};
use crate::diagnosis::images;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::suites::{self, Distribution, Status, Suite};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-eol-suite",
    what: "The base image is a Debian or Ubuntu release that is no longer served",
    why: "When a release is given up, its packages move to archive.debian.org or old-releases.ubuntu.com. apt still asks \
          the old place and gets 404, so nothing can be installed any more.",
    advice: "Take the same version of the image on a newer release; if there is none, point apt at the archive.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "does not have a Release file",
        "404  Not Found",
        "404 Not Found",
        "no longer has a Release file",
        "Some index files failed to download",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN apt-get update && apt-get install -y gcc\n#6 0.5 Ign:1 http://deb.debian.org/debian buster InRelease\n#6 0.7 Err:4 http://deb.debian.org/debian buster Release\n#6 0.7   404  Not Found [IP: 151.101.2.132 80]\n#6 0.9 Reading package lists...\n#6 1.0 E: The repository 'http://deb.debian.org/debian buster Release' does not have a Release file.\n#6 1.0 E: The repository 'http://deb.debian.org/debian-security buster/updates Release' does not have a Release file.\n#6 ERROR: process \"/bin/sh -c apt-get update && apt-get install -y gcc\" did not complete successfully: exit code: 100",
            files: &[("Dockerfile", "FROM python:3.8-slim-buster\nRUN apt-get update && apt-get install -y gcc\n")],
            subject: "buster",
            remedy: Some((
                "raise-suite",
                &[("Dockerfile", "FROM python:3.8-slim-bookworm\nRUN apt-get update && apt-get install -y gcc\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN apt-get update\n#6 1.0 E: The repository 'http://deb.debian.org/debian buster Release' does not have a Release file.\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
            files: &[("Dockerfile", "FROM python:2.7-slim\nRUN apt-get update\n")],
            subject: "buster",
            remedy: Some((
                "use-archive",
                &[(
                    "Dockerfile",
                    "FROM python:2.7-slim\nRUN sed -i -e 's/deb.debian.org/archive.debian.org/g' -e 's/security.debian.org/archive.debian.org/g' -e '/-updates/d' /etc/apt/sources.list && echo 'Acquire::Check-Valid-Until \"false\";' > /etc/apt/apt.conf.d/99archive\nRUN apt-get update\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[("Dockerfile", "FROM debian:stretch-slim\nRUN apt-get update && apt-get install -y curl\n")],
            subject: "stretch",
            remedy: Some((
                "raise-suite",
                &[("Dockerfile", "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y curl\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"The repository 'https?://(?P<host>[^/ ]+)\S* (?P<suite>[a-z]+)[^']*' (?:does not have|no longer has) a Release file",
    r"(?:Failed to fetch|Err:?\d*) https?://(?P<host>[^/ ]+)/\S*?/dists/(?P<suite>[a-z]+)\S*\s.*404",
    r"^Err:?\d* https?://(?P<host>[^/ ]+)/\S* (?P<suite>[a-z]+)(?:[-/][\w-]+)* ",
]);

/// The mirrors of the distributions themselves; another host is somebody else's repository.
fn is_own_mirror(host: &str) -> bool {
    let parts: Vec<&str> = host.split(['.', '-']).collect();
    parts.iter().any(|part| matches!(*part, "debian" | "ubuntu" | "httpredir" | "ftp" | "archive"))
        && !host.contains("launchpad")
        && !host.starts_with("packages.")
        && !host.starts_with("repo.")
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    for wording in 0..3 {
        let ours = SHAPES.everywhere(case).rev().filter(|seen| seen.wording == wording).find(|seen| {
            let gone = suites::named(seen.named(&["suite"])).is_some_and(|suite| suite.status == Status::Archived);
            // Where the release is not in the table as archived, only apt's own word counts.
            let own = is_own_mirror(seen.named(&["host"])) || seen.named(&["host"]).ends_with(".example");
            own && (gone || (wording == 0 && suites::named(seen.named(&["suite"])).is_some()))
        });
        if let Some(seen) = ours
            && !lines.is_empty()
        {
            let suite = seen.named(&["suite"]).to_owned();
            let why = format!("`{suite}` is no longer served: its packages moved to the archive");
            let hit = Hit::at(seen.line, suite, why).confidence(0.97);
            return Some(match place(case) {
                Some(line) => hit.place(case.dockerfile_path, line),
                None => hit,
            });
        }
    }
    None
}

fn place(case: &Case<'_>) -> Option<usize> {
    base::of(case, case.failing_instruction()?).map(|base| base.line)
}

/// Stages on a release known to be archived that use apt without having pointed it elsewhere.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut out: Vec<Hit> = Vec::new();
    for index in 0..case.dockerfile.instructions().len() {
        if !installs::updates_lists(case, index) {
            continue;
        }
        let Some(base) = base::of(case, index) else { continue };
        let Some(suite) = base.suite().and_then(suites::named).filter(|suite| suite.status == Status::Archived) else {
            continue;
        };
        let text = case.dockerfile.text();
        let redirected = ["archive.debian.org", "old-releases", "sources.list", "snapshot.debian.org"];
        let official = base.image.official().is_some() && base.image.digest.is_none();
        if official
            && !redirected.iter().any(|host| text.contains(host))
            && !out.iter().any(|hit| hit.subject == suite.name)
        {
            let why = format!("`{}` is no longer served: its packages moved to the archive", suite.name);
            out.push(Hit::in_file(case.dockerfile_path, base.line, suite.name, why).confidence(0.95));
        }
    }
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(suite) = suites::named(&hit.subject) else { return Prescription::none() };
    let failing = case.failing_instruction().filter(|index| base::of(case, *index).is_some());
    let by_place = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let Some(base) = failing.or(by_place).and_then(|index| base::of(case, index)) else { return Prescription::none() };
    let mut out = Prescription::none();
    if !base.from_argument
        && base.image.digest.is_none()
        && let Some(image) = images::on_served_suite(&base.image)
    {
        out = out.with(
            "raise-suite",
            format!("Use `{image}`"),
            format!("the same version and variant on a release that is still served instead of {}", suite.name),
            Applicability::Rehearse,
            edit::set_image(case.workspace, case.dockerfile_path, case.dockerfile, base.stage, &image),
        );
    }
    out.with(
        "use-archive",
        format!("Let apt ask the archive of {}", suite.name),
        "the archive still has all packages of the release; it gets no security updates",
        Applicability::Rehearse,
        archive(case, &base, suite),
    )
}

fn archive(case: &Case<'_>, base: &Base, suite: &Suite) -> Option<crate::remedy::Edit> {
    let stage = case.dockerfile.stages().into_iter().nth(base.stage)?;
    let is_apt = |index: &usize| {
        let instruction = &case.dockerfile.instructions()[*index];
        instruction.keyword == "RUN"
            && instruction.args.split_whitespace().any(|word| matches!(word, "apt-get" | "apt"))
    };
    let index = stage.instructions.clone().find(is_apt)?;
    let line = match suite.distribution {
        Distribution::Debian => {
            "RUN sed -i -e 's/deb.debian.org/archive.debian.org/g' -e 's/security.debian.org/archive.debian.org/g' -e '/-updates/d' /etc/apt/sources.list && echo 'Acquire::Check-Valid-Until \"false\";' > /etc/apt/apt.conf.d/99archive"
        }
        Distribution::Ubuntu => {
            "RUN sed -i -E 's/(archive|security|[a-z]{2}\\.archive)\\.ubuntu\\.com/old-releases.ubuntu.com/g' /etc/apt/sources.list"
        }
    };
    edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[line])
}
