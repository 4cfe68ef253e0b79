//! `st-tzdata-missing`: the image has no data of time zones.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, golang, installs, toolchain};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "st-tzdata-missing",
    what: "The image has no data of time zones",
    why: "Small images come without the time zones of the world. A program that asks for one by name (Europe/Paris) does \
          not find it.",
    advice: "Install the package tzdata in the final stage; build Go programs with `-tags timetzdata`. If the name is \
             misspelt, correct it.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    before: &["st-panic"],
    needles: &["no time zone found with key", "unknown time zone ", "timezonenotfoundexception"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "  File \"/usr/lib/python3.12/zoneinfo/_common.py\", line 24, in load_tzdata\n    raise ZoneInfoNotFoundError(f\"No time zone found with key {key}\")\nzoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Paris'\n==> Exited with status 1",
            files: &[(
                "Dockerfile",
                "FROM alpine:3.22\nRUN apk add --no-cache python3\nCOPY app.py /\nCMD [\"python3\", \"/app.py\"]\n",
            )],
            subject: "Europe/Paris",
            remedy: Some((
                "install-time-zones",
                &[(
                    "Dockerfile",
                    "FROM alpine:3.22\nRUN apk add --no-cache python3 tzdata\nCOPY app.py /\nCMD [\"python3\", \"/app.py\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "2026/03/02 09:00:00 load location: unknown time zone Asia/Kolkata\n==> Exited with status 1",
            files: &[(
                "Dockerfile",
                "FROM golang:1.23 AS build\nCOPY . .\nRUN go build -o /rota .\n\nFROM debian:12-slim\nCOPY --from=build /rota /rota\nCMD [\"/rota\"]\n",
            )],
            subject: "Asia/Kolkata",
            remedy: Some((
                "embed-time-zones",
                &[(
                    "Dockerfile",
                    "FROM golang:1.23 AS build\nCOPY . .\nRUN go build -tags timetzdata -o /rota .\n\nFROM debian:12-slim\nCOPY --from=build /rota /rota\nCMD [\"/rota\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        // Go asks for a zone by its name; other lines speak of zones, too.
        Example {
            log: "2026/03/02 09:00:00 unknown time zone offset ignored\n2026/03/02 09:00:00 load location: unknown time zone America/Lima\n==> Exited with status 1",
            subject: "America/Lima",
            status: "update_failed",
            ..Example::BLANK
        },
        // Python's own images have the data: here it is the name that is wrong.
        Example {
            log: "zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Bern'\n==> Exited with status 1",
            files: &[("Dockerfile", "FROM python:3.12-slim\nCOPY app.py /\nCMD [\"python\", \"/app.py\"]\n")],
            subject: "Europe/Bern",
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"No time zone found with key ["']?([\w+/-]+)"#,
    r"unknown time zone ([A-Z][\w+-]*(?:/[\w+-]+)*)",
    r"TimeZoneNotFoundException: The time zone ID '([\w+/-]+)' was not found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.last(case, lines)?;
    // A panic has its own class, which mends it alike.
    if case.log.failing.is_some() || case.text(found.line).starts_with("panic:") {
        return None;
    }
    let zone = found.subject();
    let why = match has_data(case) {
        true => format!("there is no time zone `{zone}`; the image has the data of those there are"),
        false => format!("the image has no data of time zones, and the service asks for `{zone}`"),
    };
    let hit = Hit::at(found.line, zone, why).confidence(0.95);
    Some(if has_data(case) { hit.policy(Policy::Human) } else { hit })
}

/// Whether the service runs on an official image that brings the data (the Dockerfiles of docker-library/python).
fn has_data(case: &Case<'_>) -> bool {
    let last = case.dockerfile.stages().len().checked_sub(1);
    toolchain::stages_of(case, &["python"]).first().is_some_and(|(stage, _)| Some(*stage) == last)
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let by_go = hit.line.is_some_and(|line| case.text(line).contains("unknown time zone"));
    let embedded = golang::with_time_zones(case).filter(|_| by_go);
    let command = case.dockerfile.final_command();
    let index = command.entrypoint.or(command.cmd).filter(|_| !has_data(case));
    Prescription::of(embedded).with(
        "install-time-zones",
        "Install the package `tzdata`",
        "it has the time zones of the world, and nothing else",
        Applicability::Rehearse,
        index.and_then(|index| installs::provide(case, index, &["tzdata"])),
    )
}
