//! `rust-lock-version`: the cargo of the image cannot read Cargo.lock.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::toolchain;

pub const RULE: Rule = Rule {
    id: "rust-lock-version",
    what: "The cargo of the image cannot read Cargo.lock",
    why: "Cargo.lock in format 4 needs cargo 1.78 or later.",
    advice: "Take a rust image of 1.78 or later.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["lock file version", "does not understand this lock file", "-Znext-lockfile-bump"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "error: failed to parse lock file at: /app/Cargo.lock\n\nCaused by:\n  lock file version `4` was found, but this version of Cargo does not understand this lock file, perhaps Cargo needs to be updated?",
            files: &[
                ("Dockerfile", "FROM rust:1.74-slim-buster\nRUN cargo build --locked\n"),
                ("Cargo.lock", "version = 4\n"),
            ],
            subject: "Cargo.lock",
            remedy: Some((
                "raise-image",
                &[("Dockerfile", "FROM rust:1.78-slim-bookworm\nRUN cargo build --locked\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[
                ("Dockerfile", "FROM rust:1.70\nCOPY . .\nRUN cargo build --locked\n"),
                ("Cargo.lock", "# generated\nversion = 4\n"),
            ],
            subject: "Cargo.lock",
            remedy: Some(("raise-image", &[("Dockerfile", "FROM rust:1.78\nCOPY . .\nRUN cargo build --locked\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"lock file version `?(\d)`?", r"does not understand this lock file", r"-Znext-lockfile-bump"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    Some(
        Hit::at(found.line, "Cargo.lock", "the cargo of the image does not know the format of Cargo.lock")
            .confidence(0.98),
    )
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let path = case.in_repository("Cargo.lock");
    let lines = case.workspace.lines(&path);
    let Some(line) = lines.iter().position(|line| line.trim() == "version = 4") else { return vec![] };
    let old = toolchain::stages_of(case, &["rust"]).into_iter().find(|(_, image)| {
        let have = toolchain::numbers(&toolchain::version(image));
        have.len() > 1 && have[..] < [1, 78][..]
    });
    match old {
        Some((_, image)) if case.context.holds("Cargo.lock") => {
            let why = format!("Cargo.lock has format 4, which the cargo of `{image}` does not know");
            vec![Hit::in_file(&path, line + 1, "Cargo.lock", why).confidence(0.95)]
        }
        _ => vec![],
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form that its neighbours have")]
fn wanted(_: &Case<'_>, _: &Hit, _: &str) -> Option<String> {
    Some("1.78".into())
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::of(toolchain::raised(case, &["rust"], "Rust", &hit.subject, |image| wanted(case, hit, image)))
}
