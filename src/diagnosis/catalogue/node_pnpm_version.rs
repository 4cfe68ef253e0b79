//! `node-pnpm-version`: the pnpm of the image is not the one of the project.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "node-pnpm-version",
    what: "The pnpm of the image does not fit the lock file or package.json",
    why: "Each format of pnpm-lock.yaml belongs to certain major versions of pnpm; a version that does not know the \
          format ignores the file and then says there is none. `packageManager` binds a project to one version.",
    advice: "Install the pnpm that wrote the lock file: format 9 belongs to pnpm 9 and later, 6 to pnpm 8, 5.4 to pnpm 7.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Ignoring not compatible lockfile",
        "ERR_PNPM_BAD_PM_VERSION",
        "ERR_PNPM_OTHER_PM_EXPECTED",
        "ERR_PNPM_BROKEN_LOCKFILE",
        "ERR_PNPM_LOCKFILE_BREAKING_CHANGE",
        "This project is configured to use",
        "ERR_PNPM_UNSUPPORTED_ENGINE",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#10 [deps 3/3] RUN pnpm install --frozen-lockfile --prod\n#10 0.435  WARN  Ignoring not compatible lockfile at /srv/pnpm-lock.yaml\n#10 0.437  ERR_PNPM_NO_LOCKFILE  Cannot install with \"frozen-lockfile\" because pnpm-lock.yaml is absent\n#10 ERROR: process \"/bin/sh -c pnpm install --frozen-lockfile --prod\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20-slim\nENV PNPM_VERSION=8.15.9 \\\n    CI=true\nRUN npm install --global pnpm@${PNPM_VERSION}\nWORKDIR /srv\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm install --frozen-lockfile --prod\n",
                ),
                ("package.json", "{}\n"),
                ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
            ],
            subject: "pnpm-lock.yaml",
            remedy: Some((
                "pin-pnpm",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nENV PNPM_VERSION=9.15.9 \\\n    CI=true\nRUN npm install --global pnpm@${PNPM_VERSION}\nWORKDIR /srv\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm install --frozen-lockfile --prod\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#8 [4/5] RUN pnpm install --frozen-lockfile\n#8 0.6  ERR_PNPM_LOCKFILE_BREAKING_CHANGE  Lockfile /app/pnpm-lock.yaml not compatible with current pnpm\n#8 ERROR: process \"/bin/sh -c pnpm install --frozen-lockfile\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20-slim\nRUN npm install -g pnpm\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm install --frozen-lockfile\n",
                ),
                ("package.json", "{}\n"),
                ("pnpm-lock.yaml", "lockfileVersion: 5.4\n"),
            ],
            subject: "pnpm-lock.yaml",
            remedy: Some((
                "pin-pnpm",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nRUN npm install -g pnpm@7.33.7\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm install --frozen-lockfile\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: " ERR_PNPM_BAD_PM_VERSION  This project is configured to use v9.1.0 of pnpm. Your current pnpm is v8.15.9",
            subject: "pnpm",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

/// The last release of each major that writes a lock format, from the changelog of pnpm (July 2025).
const LAST_RELEASES: [(&str, u32, &str); 3] = [("5.4", 7, "7.33.7"), ("6", 8, "8.15.9"), ("9", 9, "9.15.9")];

static SAID: Phrases = Phrases::new(&[
    r"Ignoring not compatible lockfile at \S*(pnpm-lock\.yaml)",
    r"ERR_PNPM_(?:LOCKFILE_BREAKING_CHANGE|BROKEN_LOCKFILE).*?(pnpm-lock\.yaml)",
    r"configured to use v?[\d.]+ of (pnpm)",
    r"This project is configured to use (\w+)",
    r"(pnpm) version is incompatible",
    r"ERR_PNPM_(?:BAD_PM_VERSION|OTHER_PM_EXPECTED)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    // The warning alone also comes in builds that succeed.
    if found.wording == 0 && case.log.failing.is_some() && !case.log.contains("ERR_PNPM") {
        return None;
    }
    let subject = if found.subject().is_empty() { "pnpm" } else { found.subject() };
    let why = match subject {
        "pnpm-lock.yaml" => "the pnpm of the image does not know the format of pnpm-lock.yaml".to_owned(),
        _ => format!("the image has another version of `{subject}` than the project is bound to"),
    };
    Some(Hit::at(found.line, subject, why).confidence(0.97))
}

/// The lock file's format: `9.0`.
fn lock_format(case: &Case<'_>) -> Option<String> {
    let path = case.workspace.paths().find(|path| *path == "pnpm-lock.yaml" || path.ends_with("/pnpm-lock.yaml"))?;
    let line = case.workspace.lines(path).into_iter().find(|line| line.starts_with("lockfileVersion"))?;
    Some(line.split_once(':')?.1.trim().trim_matches(['\'', '"']).to_owned())
}

/// The version to install: what package.json binds the project to, else the last one that writes the lock's format.
fn wanted(case: &Case<'_>) -> Option<String> {
    let package = node::package(case, None);
    if let Some(("pnpm", version)) = package.as_ref().and_then(|package| package.package_manager()) {
        return Some(version.to_owned());
    }
    let format = lock_format(case)?;
    let fits = |known: &str| format == known || format.starts_with(&format!("{known}."));
    LAST_RELEASES.iter().find(|(known, ..)| fits(known)).map(|(_, _, release)| (*release).to_owned())
}

/// Where the Dockerfile says which pnpm to install: the instruction, what stands there, its version.
fn pin(case: &Case<'_>) -> Option<(usize, String, String)> {
    let instructions = case.dockerfile.instructions();
    let (index, word) =
        instructions.iter().enumerate().filter(|(_, each)| each.keyword == "RUN").find_map(|(index, each)| {
            let installs =
                ["npm i", "npm add", "corepack prepare", "corepack use", "corepack install", "yarn global add"];
            let script = node::script_of(case, index);
            if !installs.iter().any(|install| script.contains(install)) {
                return None;
            }
            let words = each.args.split(|sep: char| sep.is_whitespace() || sep == ';' || sep == '&');
            words.map(str::to_owned).find(|word| word == "pnpm" || word.starts_with("pnpm@")).map(|word| (index, word))
        })?;
    let version = word.split_once('@').map_or("", |(_, version)| version);
    let Some(name) = version.strip_prefix('$').map(|name| name.trim_matches(['{', '}'])) else {
        let version = version.to_owned();
        return Some((index, word, version));
    };
    let definition = instructions.iter().enumerate().take(index).rev().find_map(|(at, each)| {
        let value = each.pairs().into_iter().find(|(known, _)| known == name)?.1?;
        matches!(each.keyword.as_str(), "ENV" | "ARG").then_some((at, value))
    });
    let (at, value) = definition?;
    Some((at, value.clone(), value))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    // Only a pinned major that cannot read the lock is beyond doubt.
    let Some((index, _, version)) = pin(case) else { return vec![] };
    let (Some(format), Some(major)) =
        (lock_format(case), version.split('.').next().and_then(|part| part.parse::<u32>().ok()))
    else {
        return vec![];
    };
    let needs = LAST_RELEASES.iter().find(|(known, ..)| format == *known || format.starts_with(&format!("{known}.")));
    let frozen = node::lock::frozen(case).iter().any(|frozen| frozen.install.manager == node::Manager::Pnpm);
    match needs {
        Some((_, first, _)) if frozen && (major < *first || major > *first && *first < 9) => {
            let line = case.dockerfile.instructions()[index].first_line;
            let why = format!("pnpm {version} does not know the format {format} of pnpm-lock.yaml");
            vec![Hit::in_file(case.dockerfile_path, line, "pnpm-lock.yaml", why).confidence(0.95)]
        }
        _ => vec![],
    }
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let (Some(wanted), Some((index, word, version))) = (wanted(case), pin(case)) else { return Prescription::none() };
    if version == wanted {
        return Prescription::none();
    }
    let new = match word.as_str() {
        "pnpm" => format!("pnpm@{wanted}"),
        word if word.starts_with("pnpm@") => format!("pnpm@{wanted}"),
        _ => wanted.clone(),
    };
    let edit = replace_word(case, index, &word, &new);
    Prescription::of(edit.map(|edit| Remedy {
        id: "pin-pnpm".into(),
        title: format!("Install pnpm {wanted}"),
        why: "it reads and writes the format of the lock file, which stays as it is".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

fn replace_word(case: &Case<'_>, index: usize, word: &str, new: &str) -> Option<Edit> {
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let once = |from: &str, to: &str| edit::replace_in_instruction(workspace, path, dockerfile, index, from, to);
    once(word, new)
        .or_else(|| once(&format!("-g {word}"), &format!("-g {new}")))
        .or_else(|| once(&format!("--global {word}"), &format!("--global {new}")))
        .or_else(|| once(&format!("prepare {word}"), &format!("prepare {new}")))
}
