//! `rust-msrv`: a crate needs a newer compiler than the image has.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::toolchain;

pub const RULE: Rule = Rule {
    id: "rust-msrv",
    what: "A crate needs a newer compiler than the image has",
    why: "Crates state the oldest Rust they build with; a newer release of a dependency may ask for more than the image has.",
    advice: "Raise the rust image to the version named, or go back with `cargo update -p <crate> --precise <version>`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "requires rustc",
        "use of unstable library feature",
        "is not supported by the following package",
        "edition2024",
        "package requires a newer",
        "feature `",
        "rustc-version",
        "is required
",
        "requires rust",
    ],
    detect,

    remedies,
    examples: &[
        Example {
            log: "#12 error: package `time-core v0.1.5` cannot be built because it requires rustc 1.81.0 or newer, while the currently active rustc version is 1.75.0",
            files: &[("Dockerfile", "FROM rust:1.75-slim AS build\nRUN cargo build --release\n")],
            subject: "time-core",
            remedy: Some((
                "raise-image",
                &[("Dockerfile", "FROM rust:1.81-slim AS build\nRUN cargo build --release\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "error: failed to parse manifest at `/usr/local/cargo/registry/src/index.crates.io-6f17d22bba15001f/home-0.5.12/Cargo.toml`\n\nCaused by:\n  feature `edition2024` is required",
            files: &[("Dockerfile", "FROM rust:1.79\nRUN cargo build\n")],
            subject: "edition2024",
            remedy: Some(("raise-image", &[("Dockerfile", "FROM rust:1.85\nRUN cargo build\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"package `([\w-]+) v[^`]*` cannot be built because it requires rustc ([\d.]+)",
    r"^\s*(?:\d+\.\d+ +)?([\w-]+)@[\w.+-]+ requires rustc ([\d.]+)",
    r"feature `(edition2024)` is required",
    r"feature `([\w-]+)` is required",
    r"use of unstable library feature '?`?([\w-]+)",
    r"rustc ([\d.]+) is not supported by the following package",
]);

/// Rust versions that a feature came with (release notes of Rust).
const SINCE: [(&str, &str); 3] = [("edition2024", "1.85"), ("edition2021", "1.56"), ("rename-dependency", "1.31")];

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    Some(Hit::at(found.line, subject, format!("the compiler of the image is too old for `{subject}`")))
}

fn wanted(case: &Case<'_>, hit: &Hit, _: &str) -> Option<String> {
    static NEEDS: Phrases = Phrases::new(&[r"requires rustc ([\d.]+)"]);
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let printed = NEEDS.all(case, &lines).into_iter().map(|found| found.subject().to_owned());
    let since = SINCE.iter().filter(|(name, _)| *name == hit.subject).map(|(_, since)| (*since).to_owned());
    let highest = printed.chain(since).max_by_key(|version| toolchain::numbers(version))?;
    let numbers = toolchain::numbers(&highest);
    Some(format!("{}.{}", numbers.first()?, numbers.get(1)?))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::of(toolchain::raised(case, &["rust"], "Rust", &hit.subject, |image| wanted(case, hit, image)))
}
