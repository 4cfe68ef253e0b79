//! `node-lock-out-of-sync`: package.json was changed without its lock file.

use crate::diagnosis::Case;
use crate::diagnosis::node::{self, Manager, lock};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "node-lock-out-of-sync",
    what: "package.json was changed without its lock file",
    why: "`npm ci` refuses when package-lock.json does not hold what package.json asks for: a package was added or \
          raised by hand, or the lock was written by another major version of npm.",
    advice: "Run `npm install` with the npm of the image and commit package-lock.json.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "can only install packages when your package.json and package-lock.json",
        "Please update your lock file with `npm install`",
        "from lock file",
        "lock file's",
        "lockfile had changes, but lockfile is frozen",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#8 [deps 4/4] RUN npm ci --omit=dev --no-audit\n#8 0.69 npm error code EUSAGE\n#8 0.69 npm error\n#8 0.69 npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync. Please update your lock file with `npm install` before continuing.\n#8 0.69 npm error\n#8 0.69 npm error Missing: @fastify/helmet@13.0.1 from lock file\n#8 0.69 npm error Missing: helmet@8.3.0 from lock file\n#8 ERROR: process \"/bin/sh -c npm ci --omit=dev --no-audit\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22-slim AS deps\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev --no-audit\n",
                ),
                ("package.json", "{\n  \"dependencies\": {\n    \"@fastify/helmet\": \"13.0.1\"\n  }\n}\n"),
                ("package-lock.json", "{\"lockfileVersion\": 3, \"packages\": {\"\": {}}}\n"),
            ],
            subject: "@fastify/helmet@13.0.1",
            remedy: Some((
                "install-unfrozen",
                &[(
                    "Dockerfile",
                    "FROM node:22-slim AS deps\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm install --omit=dev --no-audit\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "npm ERR! cipm can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync. Please update your lock file with `npm install` before continuing.\nnpm ERR!\nnpm ERR! Invalid: lock file's react@16.0.0 does not satisfy react@^17.0.0",
            subject: "react@16.0.0",
            ..Example::BLANK
        },
        Example {
            log: "#8 [4/5] RUN bun install --frozen-lockfile --production\n#8 0.2 bun install v1.2.4 (fd9a5ea6)\n#8 0.9 error: lockfile had changes, but lockfile is frozen\n#8 0.9 note: try re-running without --frozen-lockfile and commit the updated lockfile\n#8 ERROR: process \"/bin/sh -c bun install --frozen-lockfile --production\" did not complete successfully: exit code: 1",
            files: &[(
                "Dockerfile",
                "FROM oven/bun:1\nCOPY package.json bun.lock ./\nRUN bun install --frozen-lockfile --production\n",
            )],
            subject: "bun.lock",
            remedy: Some((
                "install-unfrozen",
                &[("Dockerfile", "FROM oven/bun:1\nCOPY package.json bun.lock ./\nRUN bun install --production\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[
                ("Dockerfile", "FROM node:22-slim\nCOPY package*.json ./\nRUN npm ci\n"),
                ("package.json", "{\"dependencies\": {\"pino\": \"^9.0.0\"}}\n"),
                ("package-lock.json", "{\"lockfileVersion\": 3, \"packages\": {\"\": {}}}\n"),
            ],
            subject: "pino",
            remedy: Some((
                "install-unfrozen",
                &[("Dockerfile", "FROM node:22-slim\nCOPY package*.json ./\nRUN npm install\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Missing: (\S+@\S+) from lock file",
    r"Invalid: lock file's (\S+@\S+) does not satisfy",
    r"can only install packages when your (package\.json) and package-lock\.json",
    r"(lockfile) had changes, but lockfile is frozen",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = match subject {
        "lockfile" => {
            return Some(
                Hit::at(found.line, "bun.lock", "bun may not change its lock file, and package.json asks for more")
                    .confidence(0.97),
            );
        }
        "package.json" => "package-lock.json does not hold what package.json asks for".to_owned(),
        package => format!("package-lock.json does not fit `{package}`, which package.json asks for"),
    };
    Some(Hit::at(found.line, subject, why).confidence(0.98))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let npm = lock::frozen(case).into_iter().filter(|frozen| frozen.install.manager == Manager::Npm);
    npm.filter_map(|frozen| {
        let package = lock::unknown_to_lock(case, &frozen)?;
        let line = case.dockerfile.instructions()[frozen.index].first_line;
        let why =
            format!("package.json asks for `{package}`, which the lock file does not know, and `npm ci` refuses that");
        Some(Hit::in_file(case.dockerfile_path, line, package, why).confidence(0.95))
    })
    .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if hit.subject == "bun.lock" {
        let thawed = case.failing_instruction().and_then(|index| {
            let option = " --frozen-lockfile";
            edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, option, "")
        });
        return Prescription::none().with(
            "install-unfrozen",
            "Let the installation complete the lock file",
            "package.json is what the project asks for; the lock file still fixes all it knows, and the rest is added",
            Applicability::Rehearse,
            thawed,
        );
    }
    let named = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    match named.or_else(|| case.failing_instruction()).or_else(|| node::last_install(case)) {
        Some(index) => Prescription::of(lock::remedies_for_stale(case, index)),
        None => Prescription::none(),
    }
}
