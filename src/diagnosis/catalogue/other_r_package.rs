//! `other-r-package`: an R package cannot be installed.

use std::collections::BTreeSet;

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, Family};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "other-r-package",
    what: "An R package cannot be installed",
    why: "It does not exist for this R version, or a system library is missing.",
    advice: "Take an image with the right R version (rocker, r2u), and install the library that configure names.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "is not available (for R version",
        "is not available for this version of R",
        "there is no package called",
        "installation of package",
        "had non-zero exit status",
        "ERROR: dependenc",
        "ANTICONF ERROR",
        "configuration failed for package",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "------------------------- ANTICONF ERROR ---------------------------\nConfiguration failed because libcurl was not found. Try installing:\n * deb: libcurl4-openssl-dev (Debian, Ubuntu, etc)\n * rpm: libcurl-devel (Fedora, CentOS, RHEL)\nERROR: configuration failed for package ‘curl’",
            files: &[(
                "Dockerfile",
                "FROM r-base:4.4.1\nRUN apt-get update && apt-get install -y git\nRUN Rscript -e \"install.packages('curl')\"\n",
            )],
            subject: "curl",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM r-base:4.4.1\nRUN apt-get update && apt-get install -y git libcurl4-openssl-dev\nRUN Rscript -e \"install.packages('curl')\"\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Error in library(ggplot2) : there is no package called ‘ggplot2’\nExecution halted",
            subject: "ggplot2",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"configuration failed for package .([\w.]+)",
    r"there is no package called .([\w.]+)",
    r"package .([\w.]+). is not available",
    r"installation of package .([\w./]+). had non-zero",
    r"ERROR: dependenc\w+ .([\w.]+).",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the R package `{subject}` cannot be installed");
    Some(Hit::at(found.line, subject, why))
}

/// R's packages name themselves what configure misses: `* deb: libcurl4-openssl-dev (Debian, Ubuntu, etc)`.
static NAMED: Phrases = Phrases::new(&[r"^\s*\* deb: ([a-z0-9][a-z0-9+.-]+)"]);

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let said = case.log.failing_range().filter_map(|line| NAMED.on(case, line));
    let packages: BTreeSet<&str> = said.map(|found| found.name(0)).collect();
    let packages: Vec<&str> = packages.into_iter().collect();
    let runs = || case.dockerfile.instructions().iter().rposition(|each| each.keyword == "RUN");
    let Some(index) = case.failing_instruction().or_else(runs).filter(|_| !packages.is_empty()) else {
        return Prescription::none();
    };
    if native::family(case, index) == Some(Family::Alpine) {
        return Prescription::none();
    }
    let title = format!("Install {}", packages.join(", "));
    let edit = native::install_before(case, index, Family::Debian, &packages);
    Prescription::none().with(
        "install-packages",
        title,
        "the R package's own configure asks for it",
        Applicability::Rehearse,
        edit,
    )
}
