//! `go-toolchain-version`: go.mod asks for a newer Go than the image has.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::toolchain;

pub const RULE: Rule = Rule {
    id: "go-toolchain-version",
    what: "go.mod asks for a newer Go than the image has",
    why: "The golang images do not download other toolchains (GOTOOLCHAIN=local), and older Go versions do not know newer directives or library names.",
    advice: "Take the golang image of the version in go.mod.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "note: module requires Go",
        "must match format 1.23",
        "requires go >=",
        "unknown directive: toolchain",
        "unknown block type: tool",
        "GOTOOLCHAIN=local",
        "compile: version \"go",
        "undefined: strings.Builder",
        "undefined: errors.Is",
        "undefined: errors.As",
        "package embed is not in",
        "unrecognized import path \"context\"",
        "undefined: os.ReadFile",
        "undefined: sync.Map",
        "undefined: sort.Slice",
        "package slices is not in",
        "package log/slog is not in",
        "package maps is not in",
        "package cmp is not in",
        "package iter is not in",
        "undefined: atomic.",
        "requires newer Go version",
        "undefined: any",
        "undefined: io.ReadAll",
        "package io/fs is not in",
        "package crypto/mlkem",
        "package net/netip is not in",
        "invalid go version",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#9 [4/5] RUN go mod download\n#9 0.1 go: go.mod requires go >= 1.23.0 (running go 1.21.13; GOTOOLCHAIN=local)\n#9 ERROR: process \"/bin/sh -c go mod download\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM golang:1.21-alpine3.18 AS build\nCOPY go.mod go.sum ./\nRUN go mod download\n"),
                ("go.mod", "module example.org/a\n\ngo 1.23.0\n"),
            ],
            subject: "1.23.0",
            remedy: Some((
                "raise-image",
                &[("Dockerfile", "FROM golang:1.23-alpine AS build\nCOPY go.mod go.sum ./\nRUN go mod download\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "main.go:5:2: package log/slog is not in GOROOT (/usr/local/go/src/log/slog)\nnote: imported by a module that requires go 1.21",
            files: &[("Dockerfile", "FROM golang:1.19\nCOPY . .\nRUN go build ./...\n")],
            subject: "log/slog",
            remedy: Some(("raise-image", &[("Dockerfile", "FROM golang:1.21\nCOPY . .\nRUN go build ./...\n")])),
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[
                ("Dockerfile", "FROM golang:1.22\nCOPY go.mod ./\nRUN go mod download\n"),
                ("go.mod", "module example.org/a\n\ngo 1.24\n"),
            ],
            subject: "1.24",
            remedy: Some(("raise-image", &[("Dockerfile", "FROM golang:1.24\nCOPY go.mod ./\nRUN go mod download\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

/// Names of the standard library and the version that brought them (release notes of Go).
const SINCE: [(&str, &str); 22] = [
    ("context", "1.7"),
    ("sort.Slice", "1.8"),
    ("sync.Map", "1.9"),
    ("strings.Builder", "1.10"),
    ("errors.Is", "1.13"),
    ("errors.As", "1.13"),
    ("os.ReadFile", "1.16"),
    ("io.ReadAll", "1.16"),
    ("embed", "1.16"),
    ("io/fs", "1.16"),
    ("any", "1.18"),
    ("net/netip", "1.18"),
    ("atomic.Int64", "1.19"),
    ("atomic.Int32", "1.19"),
    ("atomic.Bool", "1.19"),
    ("atomic.Pointer", "1.19"),
    ("slices", "1.21"),
    ("maps", "1.21"),
    ("log/slog", "1.21"),
    ("cmp", "1.21"),
    ("iter", "1.23"),
    ("crypto/mlkem", "1.24"),
];

static SAID: Phrases = Phrases::new(&[
    r"go\.mod requires go >= ([\d.]+)",
    r"requires go >= ([\d.]+)",
    r"invalid go version '([\d.]+)': must match format",
    r"package (embed|slices|maps|cmp|iter|log/slog|io/fs|net/netip|crypto/mlkem) is not in",
    r#"unrecognized import path "(context)""#,
    r"undefined: (strings\.Builder|errors\.Is|errors\.As|os\.ReadFile|io\.ReadAll|sync\.Map|sort\.Slice|atomic\.(?:Int64|Int32|Bool|Pointer)|any)\b",
    r"note: module requires Go ([\d.]+)",
    r"requires newer Go version go?([\d.]+)",
    r"unknown directive: (toolchain)",
    r"unknown block type: (tool)",
    r#"compile: version "go([\d.]+)""#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject().trim_end_matches('.').to_owned();
    Some(Hit::at(found.line, subject.as_str(), format!("the image's Go is older than `{subject}` needs")))
}

fn minor_of(version: &str) -> Option<(u32, u32)> {
    let numbers = toolchain::numbers(version);
    Some((*numbers.first()?, *numbers.get(1)?))
}

/// The `go` line of the module at the top of the build context: its line and version.
fn stated(case: &Case<'_>) -> Option<(usize, String)> {
    let lines = case.workspace.lines(&case.in_repository("go.mod"));
    lines
        .iter()
        .enumerate()
        .find_map(|(index, line)| Some((index + 1, line.trim().strip_prefix("go ")?.trim().to_owned())))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let Some((line, stated)) = stated(case) else { return vec![] };
    let Some(needs) = minor_of(&stated) else { return vec![] };
    let stages = toolchain::stages_of(case, &["golang"]);
    // Before 1.21 the line was no more than a hint, and another toolchain may be allowed by hand.
    let old = stages.iter().find_map(|(_, image)| {
        let have = minor_of(&toolchain::version(image))?;
        (have >= (1, 21) && have < needs).then_some(image)
    });
    match old {
        Some(image) if !case.dockerfile.text().contains("GOTOOLCHAIN") => {
            let why = format!("go.mod asks for Go {stated}, which `{image}` does not have");
            vec![Hit::in_file(&case.in_repository("go.mod"), line, stated, why).confidence(0.95)]
        }
        _ => vec![],
    }
}

fn wanted(case: &Case<'_>, hit: &Hit, _: &str) -> Option<String> {
    let since = SINCE.iter().find(|(name, _)| *name == hit.subject).map(|(_, since)| (*since).to_owned());
    let named = minor_of(&hit.subject).map(|(major, minor)| format!("{major}.{minor}"));
    let module =
        stated(case).and_then(|(_, version)| minor_of(&version)).map(|(major, minor)| format!("{major}.{minor}"));
    let all = [since, named, module];
    all.into_iter().flatten().max_by_key(|version| minor_of(version))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::of(toolchain::raised(case, &["golang"], "Go", &hit.subject, |image| wanted(case, hit, image)))
}
