//! `rust-workspace-missing`: only a part of a cargo workspace was copied.

use crate::diagnosis::Case;
use crate::diagnosis::copying;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "rust-workspace-missing",
    what: "Only a part of a cargo workspace was copied",
    why: "cargo reads the manifests of all members and path dependencies, whichever of them is built; and a manifest \
          without sources has nothing to build.",
    advice: "Copy the member that is named, or all of them, before cargo runs.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "failed to parse manifest at",
        "error: failed to read `/",
        "could not find `Cargo.toml` in",
        "failed to load manifest for workspace member",
        "no targets specified in the manifest",
        "couldn't read `src/main.rs`",
        "can't find bin `",
        "failed to load manifest for dependency",
    ],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "#12 [build 5/7] RUN mkdir crates/web/src && cargo build --release --locked\n#12 0.089 error: failed to load manifest for workspace member `/build/crates/core`\n#12 0.089 referenced by workspace at `/build/Cargo.toml`\n#12 0.089\n#12 0.089 Caused by:\n#12 0.089   failed to read `/build/crates/core/Cargo.toml`\n#12 ERROR: process \"/bin/sh -c mkdir crates/web/src && cargo build --release --locked\" did not complete successfully: exit code: 101",
        files: &[
            (
                "Dockerfile",
                "FROM rust:1-slim AS build\nWORKDIR /build\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates/web/Cargo.toml crates/web/\nRUN mkdir crates/web/src && cargo build --release --locked\n",
            ),
            ("crates/core/Cargo.toml", "[package]\nname = \"core\"\n"),
            ("crates/core/src/lib.rs", ""),
        ],
        subject: "crates/core",
        remedy: Some((
            "copy-member",
            &[(
                "Dockerfile",
                "FROM rust:1-slim AS build\nWORKDIR /build\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates/web/Cargo.toml crates/web/\nCOPY crates/core crates/core\nRUN mkdir crates/web/src && cargo build --release --locked\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"failed to load manifest for workspace member `([^`]+)`",
    r"failed to load manifest for dependency `([^`]+)`",
    r"failed to read `(/[^`]+)/Cargo\.toml`",
    r"could not find `(Cargo\.toml)` in",
    r"(no targets specified) in the manifest",
    r"can't find bin `([^`]+)`",
    r"couldn't read `?(src/main\.rs)",
]);

static READS: Phrases = Phrases::new(&[r"failed to read `(/[^`]+)/Cargo\.toml`", r"unable to update (/\S+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let path = match found.wording {
        1 => READS.first(case, lines).map_or_else(|| found.subject().to_owned(), |read| read.subject().to_owned()),
        _ => found.subject().to_owned(),
    };
    let member = in_context(case, &path).unwrap_or(path);
    Some(
        Hit::at(found.line, member.as_str(), format!("cargo needs `{member}`, which was not copied before it runs"))
            .confidence(0.95),
    )
}

/// The path in the build context of an absolute path in the image.
fn in_context(case: &Case<'_>, path: &str) -> Option<String> {
    let index = case.failing_instruction()?;
    let folder = case.dockerfile.workdir_at(index);
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?.trim_start_matches('/');
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// Members and path dependencies of a workspace that no step has copied when cargo reads its manifests.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    const READS: &[&str] = &["cargo build", "cargo fetch", "cargo install --path", "cargo check", "cargo test"];
    let hit = |index: usize| {
        if !node::calls(case, index, READS) {
            return None;
        }
        let copied: Vec<String> = node::copied(case, index).into_iter().map(|(_, path)| path).collect();
        let made = node::history(case, index).into_iter().chain([index]).any(|at| {
            let script = if case.dockerfile.instructions()[at].keyword == "RUN" {
                node::script_of(case, at)
            } else {
                String::new()
            };
            ["cargo new", "cargo init", "Cargo.toml", "cargo chef", "git clone"]
                .iter()
                .any(|word| script.contains(word))
        });
        if made || node::is_opaque(case, index) || !copied.iter().any(|path| path == "Cargo.toml") {
            return None;
        }
        let member = members(case, "Cargo.toml").into_iter().find(|member| {
            let manifest = format!("{member}/Cargo.toml");
            case.context.holds(&manifest) && !copied.contains(&manifest)
        })?;
        let why = format!("cargo needs `{member}`, which was not copied before it runs");
        Some(case.foreseen(index, member, why))
    };
    case.runs().find_map(hit).into_iter().collect()
}

/// The folders that the manifest at `path` of the context names as members, and those that it or a member takes by path.
fn members(case: &Case<'_>, path: &str) -> Vec<String> {
    let read = |path: &str| case.workspace.text(&case.in_repository(path))?.parse::<toml::Table>().ok();
    let Some(top) = read(path) else { return vec![] };
    let listed = top.get("workspace").and_then(|workspace| workspace.get("members")).and_then(toml::Value::as_array);
    // A pattern fits what is there, and what is not there is no member.
    let listed =
        listed.into_iter().flatten().filter_map(toml::Value::as_str).filter(|member| !member.contains(['*', '?', '[']));
    let mut out: Vec<String> = listed.map(copying::plain).collect();
    let by_path = |table: &toml::Table, folder: &str| -> Vec<String> {
        let sections = ["dependencies", "build-dependencies", "dev-dependencies"];
        let tables = sections.iter().filter_map(|name| table.get(*name)).filter_map(toml::Value::as_table);
        let paths = tables.flat_map(toml::Table::values).filter_map(|value| value.get("path")?.as_str());
        paths.map(|path| path::seen_from(folder, path)).collect()
    };
    out.extend(by_path(&top, ""));
    for member in out.clone() {
        if let Some(table) = read(&format!("{member}/Cargo.toml")) {
            out.extend(by_path(&table, &member));
        }
    }
    out.dedup();
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let member = hit.subject.as_str();
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let Some(index) = case.step(hit) else { return Prescription::none() };
    if member.starts_with('/') || !case.context.holds(&format!("{member}/Cargo.toml")) {
        return Prescription::none();
    }
    let edit =
        edit::insert_before_instruction(workspace, path, dockerfile, index, &[&format!("COPY {member} {member}")]);
    let copied = node::copied(case, index).iter().any(|(_, path)| path.starts_with(&format!("{member}/")));
    Prescription::of(edit.filter(|_| !copied).map(|edit| Remedy {
        id: "copy-member".into(),
        title: format!("Copy `{member}` before cargo runs"),
        why: "it is a member of the workspace, so cargo reads it whatever is built".into(),
        applicability: Applicability::Apply,
        edits: vec![edit],
    }))
}
