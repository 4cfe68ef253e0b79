//! `ctx-copy-source-missing`: a COPY or ADD names something that the build context does not hold.

use crate::diagnosis::Case;
use crate::diagnosis::copying::{self, NEEDLES};
use crate::diagnosis::golang;
use crate::diagnosis::node::moved;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "ctx-copy-source-missing",
    what: "COPY names a file that the build context does not hold",
    why: "A build sees only what is committed below its context folder. The path may be misspelt, written in other letter \
          case, moved, never committed, or meant from another folder.",
    advice: "Correct the path in the Dockerfile, commit the file, or set the service's context folder.",
    stage: Stage::ContextCopy,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: NEEDLES,
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#7 [3/4] COPY Requirements.txt ./\n#7 ERROR: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/Requirements.txt\": not found\n------\n > [3/4] COPY Requirements.txt ./:\n------\nDockerfile:3\n--------------------\n   3 | >>> COPY Requirements.txt ./\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/Requirements.txt\": not found",
            files: &[
                ("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY Requirements.txt ./\n"),
                ("requirements.txt", "flask\n"),
            ],
            subject: "Requirements.txt",
            remedy: Some((
                "correct-path",
                &[("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt ./\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#7 [build 3/6] COPY go.mod go.sum ./\n#7 ERROR: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/go.sum\": not found\n------\n > [build 3/6] COPY go.mod go.sum ./:\n------\nDockerfile:3\n--------------------\n   3 | >>> COPY go.mod go.sum ./\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/go.sum\": not found",
            files: &[
                ("Dockerfile", "FROM golang:1.23\nWORKDIR /src\nCOPY go.mod go.sum ./\nCOPY . .\nRUN go build .\n"),
                ("go.mod", "module example.org/a\n\ngo 1.23\n"),
            ],
            subject: "go.sum",
            remedy: Some((
                "optional-lock",
                &[("Dockerfile", "FROM golang:1.23\nWORKDIR /src\nCOPY go.mod go.sum* ./\nCOPY . .\nRUN go build .\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 2/3 : COPY secrets.json /app/\nCOPY failed: file not found in build context or excluded by .dockerignore: stat secrets.json: file does not exist",
            files: &[("Dockerfile", "FROM python:3.12\nCOPY secrets.json /app/\nCMD [\"python\"]\n")],
            subject: "secrets.json",
            ..Example::BLANK
        },
        Example {
            log: "#7 [3/5] COPY package.json yarn.lock ./\n#7 ERROR: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/yarn.lock\": not found\n------\n > [3/5] COPY package.json yarn.lock ./:\n------\nDockerfile:3\n--------------------\n   3 | >>> COPY package.json yarn.lock ./\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/yarn.lock\": not found",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile --production\nCOPY . .\nCMD [\"yarn\", \"start\"]\n",
                ),
                ("package.json", "{\"scripts\": {\"start\": \"node .\"}}\n"),
                ("package-lock.json", "{}\n"),
            ],
            subject: "yarn.lock",
            remedy: Some((
                "install-with-present-lock",
                &[(
                    "Dockerfile",
                    "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev\nCOPY . .\nCMD [\"yarn\", \"start\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let missing = copying::missing(case, lines)?;
    let instruction = missing.instruction;
    let other = |index: usize| copying::is_shell_like(case, index) || copying::leaves_context(case, index).is_some();
    if instruction.is_some_and(other) {
        return None;
    }
    let words = ["||", "&&", "true", "2>/dev/null", "|", ";"];
    if missing.from_stage || words.contains(&missing.path.as_str()) || is_ignored(case, &missing.path) {
        return None;
    }
    let why = format!("the build context holds no `{}`", missing.path);
    let hit = Hit::at(missing.at, &missing.path, why).confidence(0.95).policy(policy(case, &missing.path));
    Some(match instruction {
        Some(index) => hit.place(case.dockerfile_path, case.dockerfile.instructions()[index].first_line),
        None => hit,
    })
}

fn policy(case: &Case<'_>, path: &str) -> Policy {
    let spare = (0..case.dockerfile.instructions().len())
        .any(|index| copying::written(case, index, path).is_some() && is_spare_lock(case, index, path));
    let known = case.context.similar(path).is_some() || moved::moved(case, path).is_some();
    if spare || known { Policy::Fix } else { Policy::Human }
}

/// Lock files, and what in a Dockerfile insists on one.
const LOCKS: &[(&str, &[&str])] = &[
    ("package-lock.json", &["npm ci"]),
    ("npm-shrinkwrap.json", &["npm ci"]),
    ("yarn.lock", &["--frozen-lockfile", "--immutable"]),
    ("pnpm-lock.yaml", &["--frozen-lockfile"]),
    ("bun.lockb", &["--frozen-lockfile"]),
    ("bun.lock", &["--frozen-lockfile"]),
    ("Cargo.lock", &["--locked", "--frozen"]),
    ("Gemfile.lock", &["FROZEN", "DEPLOYMENT", "deployment", "frozen"]),
    ("composer.lock", &[]),
    ("poetry.lock", &[]),
    ("Pipfile.lock", &["--deploy", "--ignore-pipfile", "sync"]),
    ("uv.lock", &["--frozen", "--locked"]),
    ("go.sum", &[]),
];

/// Whether `path`, copied by instruction `index` among others, is a lock file that the build does without.
fn is_spare_lock(case: &Case<'_>, index: usize, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, strict)) = LOCKS.iter().find(|(lock, _)| *lock == name) else { return false };
    let insists = strict.iter().any(|words| case.dockerfile.text().contains(words));
    let holds_sums = name == "go.sum" && golang::needs_sums(case, &copying::plain(path).replace("go.sum", "go.mod"));
    !insists && !holds_sums && copying::sources(case, index).len() > 1
}

fn is_ignored(case: &Case<'_>, path: &str) -> bool {
    let there = case.in_repository(&copying::plain(path));
    let exists = case.workspace.contains(&there) || case.workspace.has_folder(&there);
    !path.is_empty() && exists && case.context.ignored_by(path).is_some()
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let other = |index: usize| copying::is_shell_like(case, index) || copying::leaves_context(case, index).is_some();
    let absent = copying::absent(case).into_iter().filter(|(index, _, path)| !is_ignored(case, path) && !other(*index));
    absent
        .map(|(index, _, path)| {
            let line = case.dockerfile.instructions()[index].first_line;
            let path = copying::plain(&path);
            let why = format!("the build context holds no `{path}`");
            let policy = policy(case, &path);
            Hit::in_file(case.dockerfile_path, line, path, why).confidence(0.95).policy(policy)
        })
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let path = copying::plain(&hit.subject);
    let index = (0..case.dockerfile.instructions().len()).find(|index| copying::written(case, *index, &path).is_some());
    let Some((index, written)) = index.and_then(|index| Some((index, copying::written(case, index, &path)?))) else {
        return Prescription::none();
    };
    let replace = |new: &str| {
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &written, new)
    };
    let mut out = Prescription::of(moved::follow(case, index, &path, &written));
    if let Some(similar) = case.context.similar(&path) {
        let slash = if written.ends_with('/') { "/" } else { "" };
        out = out.with(
            "correct-path",
            format!("Copy `{similar}` instead of `{written}`"),
            "it is the only file of the context that the path can mean",
            Applicability::Rehearse,
            replace(&format!("{similar}{slash}")),
        );
    }
    if out.remedies.is_empty() && is_spare_lock(case, index, &path) {
        out = out.with(
            "optional-lock",
            format!("Copy `{written}` only where it is there"),
            "the install command works without a lock file, and the repository has none",
            Applicability::Rehearse,
            replace(&format!("{written}*")),
        );
    }
    out
}
