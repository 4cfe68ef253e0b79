//! `rust-lock-stale`: cargo.lock is behind.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, node};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "rust-lock-stale",
    what: "Cargo.lock is behind",
    why: "`--locked` forbids to change Cargo.lock, and it does not fit the manifests.",
    advice: "Run `cargo update --workspace`, commit Cargo.lock, and copy it into the image.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "but --locked was passed",
        "but --frozen was passed",
        "cannot update the lock file",
        "cannot create the lock file",
        "because --locked was passed",
        "because --frozen was passed",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "error: the lock file /app/Cargo.lock needs to be updated but --locked was passed to prevent this\nIf you want to try to generate the lock file without accessing the network, remove the --locked flag and use --offline instead.",
            subject: "/app/Cargo.lock",
            ..Example::BLANK
        },
        // Only the project's own version was raised: the lock file is mended, and keeps all it fixes.
        Example {
            log: "#9 [build 4/4] RUN cargo build --release --locked\n#9 1.1 error: the lock file /src/Cargo.lock needs to be updated but --locked was passed to prevent this\n#9 1.1 If you want to try to generate the lock file without accessing the network, remove the --locked flag and use --offline instead.\n#9 ERROR: process \"/bin/sh -c cargo build --release --locked\" did not complete successfully: exit code: 101",
            files: &[
                ("Dockerfile", "FROM rust:1.82 AS build\nWORKDIR /src\nCOPY . .\nRUN cargo build --release --locked\n"),
                (
                    "Cargo.toml",
                    "[package]\nname = \"beacon\"\nversion = \"0.4.0\"\nedition = \"2021\"\n\n[dependencies]\naxum = \"0.7\"\n",
                ),
                (
                    "Cargo.lock",
                    "version = 3\n\n[[package]]\nname = \"axum\"\nversion = \"0.7.5\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n[[package]]\nname = \"beacon\"\nversion = \"0.3.2\"\ndependencies = [\n \"axum\",\n]\n",
                ),
            ],
            subject: "/src/Cargo.lock",
            remedy: Some((
                "lock-own-version",
                &[(
                    "Cargo.lock",
                    "version = 3\n\n[[package]]\nname = \"axum\"\nversion = \"0.7.5\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n[[package]]\nname = \"beacon\"\nversion = \"0.4.0\"\ndependencies = [\n \"axum\",\n]\n",
                )],
            )),
            ..Example::BLANK
        },
        // A dependency was added without the lock file: cargo completes it.
        Example {
            log: "#9 [build 4/4] RUN cargo build --release --locked\n#9 1.1 error: cannot update the lock file /src/Cargo.lock because --locked was passed to prevent this\n#9 ERROR: process \"/bin/sh -c cargo build --release --locked\" did not complete successfully: exit code: 101",
            files: &[
                ("Dockerfile", "FROM rust:1.90 AS build\nWORKDIR /src\nCOPY . .\nRUN cargo build --release --locked\n"),
                (
                    "Cargo.toml",
                    "[package]\nname = \"beacon\"\nversion = \"0.3.2\"\n\n[dependencies]\naxum = \"0.7\"\nserde_json = \"1\"\n",
                ),
                (
                    "Cargo.lock",
                    "version = 3\n\n[[package]]\nname = \"beacon\"\nversion = \"0.3.2\"\ndependencies = [\n \"axum\",\n]\n",
                ),
            ],
            subject: "/src/Cargo.lock",
            remedy: Some((
                "install-unfrozen",
                &[("Dockerfile", "FROM rust:1.90 AS build\nWORKDIR /src\nCOPY . .\nRUN cargo build --release\n")],
            )),
            ..Example::BLANK
        },
        // The repository has a lock file, and the image does not.
        Example {
            log: "#9 [build 5/5] RUN cargo build --release --locked\n#9 1.1 error: the lock file /src/Cargo.lock needs to be updated but --locked was passed to prevent this\n#9 ERROR: process \"/bin/sh -c cargo build --release --locked\" did not complete successfully: exit code: 101",
            files: &[
                (
                    "Dockerfile",
                    "FROM rust:1.82 AS build\nWORKDIR /src\nCOPY Cargo.toml ./\nCOPY src ./src\nRUN cargo build --release --locked\n",
                ),
                ("Cargo.toml", "[package]\nname = \"beacon\"\nversion = \"0.3.2\"\n"),
                ("Cargo.lock", "version = 3\n\n[[package]]\nname = \"beacon\"\nversion = \"0.3.2\"\n"),
                ("src/main.rs", "fn main() {}\n"),
            ],
            subject: "/src/Cargo.lock",
            remedy: Some((
                "copy-lock",
                &[(
                    "Dockerfile",
                    "FROM rust:1.82 AS build\nWORKDIR /src\nCOPY Cargo.toml Cargo.lock ./\nCOPY src ./src\nRUN cargo build --release --locked\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"lock file (\S*Cargo\.lock) needs to be updated",
    r"cannot (?:update|create) the lock file (\S*Cargo\.lock)",
    r"(--locked|--frozen) was passed",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("cargo may not change `{subject}`, yet it has to");
    Some(Hit::at(found.line, subject, why))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let copied = node::copied(case, index);
    let arrives = copied.iter().any(|(_, path)| path == "Cargo.lock");
    let by_manifest = copied.iter().find(|(_, path)| path == "Cargo.toml").map(|(copy, _)| *copy);
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let replace = |from: &str, to: &str| edit::replace_in_instruction(workspace, path, dockerfile, index, from, to);
    let copy = by_manifest
        .filter(|_| !arrives && case.context.holds("Cargo.lock"))
        .and_then(|copy| edit::add_copy_source(workspace, path, dockerfile, copy, "Cargo.lock"));
    Prescription::none()
        .with(
            "copy-lock",
            "Copy `Cargo.lock` beside `Cargo.toml`",
            "the repository has it, but it was not there when cargo looked for it",
            Applicability::Rehearse,
            copy,
        )
        .with(
            "lock-own-version",
            "Give the project its own version in Cargo.lock",
            "nothing else of the lock file is behind: all dependencies stay as they are, and `--locked` stays, too",
            Applicability::Rehearse,
            own_version(case).filter(|_| arrives),
        )
        .with(
            "install-unfrozen",
            "Let cargo complete the lock file",
            "Cargo.toml is what the project asks for; the lock file still fixes all it knows, and the rest is added",
            Applicability::Rehearse,
            replace(" --locked", "")
                .or_else(|| replace("--frozen", "--offline").filter(|_| case.workspace.has_folder("vendor")))
                .or_else(|| replace(" --frozen", "")),
        )
}

/// The edit that brings the version of the package at the top into Cargo.lock, when that is all that it lacks.
fn own_version(case: &Case<'_>) -> Option<Edit> {
    let manifest: toml::Table = case.workspace.text(&case.in_repository("Cargo.toml"))?.parse().ok()?;
    let package = manifest.get("package")?.as_table()?;
    let (name, version) = (package.get("name")?.as_str()?, package.get("version")?.as_str()?);
    let path = case.in_repository("Cargo.lock");
    let lines = case.workspace.lines(&path);
    let at = lines.iter().position(|line| *line == format!("name = \"{name}\""))?;
    // What comes from elsewhere has a source; this one is the project's own.
    let own = lines[at..].iter().take_while(|line| !line.is_empty()).copied().collect::<Vec<_>>();
    let written = own.get(1)?.strip_prefix("version = \"")?.strip_suffix('"')?;
    let known = |wanted: &str| {
        let named = |line: &&str| {
            let line = line.trim().trim_matches([',', '"']);
            line.split(' ').next() == Some(wanted)
        };
        own.iter().any(named)
    };
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let wanted = tables.iter().filter_map(|table| manifest.get(*table)?.as_table()).flatten();
    let real = |(key, value): (&String, &toml::Value)| {
        value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned()
    };
    let is_whole = wanted.map(real).all(|name| known(&name));
    let plain = manifest.get("workspace").is_none()
        && manifest.get("target").is_none()
        && own[1..].iter().all(|line| !line.starts_with("source"));
    if !is_whole || !plain || written == version {
        return None;
    }
    Edit::replace(case.workspace, &path, at + 2, at + 2, &[&format!("version = \"{version}\"")])
}
