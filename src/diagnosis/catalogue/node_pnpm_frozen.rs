//! `node-pnpm-frozen`: pnpm-lock.yaml does not fit package.json.

use crate::diagnosis::Case;
use crate::diagnosis::node::{Manager, lock};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-pnpm-frozen",
    what: "pnpm-lock.yaml does not fit package.json",
    why: "pnpm keeps to the lock file wherever CI is set, and package.json asks for something that the lock does not hold.",
    advice: "Run `pnpm install --lockfile-only` and commit pnpm-lock.yaml; in a workspace copy pnpm-workspace.yaml and all package.json files first.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "ERR_PNPM_OUTDATED_LOCKFILE",
        "ERR_PNPM_FROZEN_LOCKFILE_WITH_OUTDATED_LOCKFILE",
        "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH",
        "ERR_PNPM_LOCKFILE_MISSING_DEPENDENCY",
    ],
    detect,
    foresee,
    remedies: lock::prescription_for_stale,
    examples: &[Example {
        log: "#8 [4/5] RUN pnpm install --frozen-lockfile\n#8 0.9  ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with \"frozen-lockfile\" because pnpm-lock.yaml is not up to date with <ROOT>/package.json\n#8 ERROR: process \"/bin/sh -c pnpm install --frozen-lockfile\" did not complete successfully: exit code: 1",
        files: &[
            (
                "Dockerfile",
                "FROM node:20-slim\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm install --frozen-lockfile\n",
            ),
            ("package.json", "{\"dependencies\": {\"pino\": \"^9.0.0\"}}\n"),
            ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
        ],
        subject: "pnpm-lock.yaml",
        remedy: Some((
            "install-unfrozen",
            &[(
                "Dockerfile",
                "FROM node:20-slim\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm install --no-frozen-lockfile\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(ERR_PNPM_(?:OUTDATED_LOCKFILE|FROZEN_LOCKFILE_WITH_OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|LOCKFILE_MISSING_DEPENDENCY))",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let why = "pnpm-lock.yaml does not hold what package.json asks for, and the installation may not change it";
    Some(Hit::at(found.line, "pnpm-lock.yaml", why).confidence(0.97))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    lock::foreseen_stale(case, Manager::Pnpm, "pnpm-lock.yaml")
}
