//! `node-yarn-frozen`: yarn.lock does not fit package.json.

use crate::diagnosis::Case;
use crate::diagnosis::node::{Manager, lock};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-yarn-frozen",
    what: "yarn.lock does not fit package.json",
    why: "`--frozen-lockfile` and `--immutable` refuse to change yarn.lock, and package.json asks for something that it does not hold; or Yarn 1 meets a lock of Yarn 2 and later.",
    advice: "Run `yarn install` with the Yarn of the project and commit yarn.lock.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Your lockfile needs to be updated", "The lockfile would have been modified by this install", "YN0028"],
    detect,
    foresee,
    remedies: lock::prescription_for_stale,
    examples: &[Example {
        log: "#8 [4/5] RUN yarn install --frozen-lockfile --non-interactive\n#8 1.0 yarn install v1.22.22\n#8 1.1 [1/4] Resolving packages...\n#8 1.9 error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.\n#8 ERROR: process \"/bin/sh -c yarn install --frozen-lockfile --non-interactive\" did not complete successfully: exit code: 1",
        files: &[
            (
                "Dockerfile",
                "FROM node:20-slim\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile --non-interactive\n",
            ),
            ("package.json", "{\"dependencies\": {\"pino\": \"^9.0.0\"}}\n"),
            ("yarn.lock", "# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n"),
        ],
        subject: "yarn.lock",
        remedy: Some((
            "install-unfrozen",
            &[(
                "Dockerfile",
                "FROM node:20-slim\nCOPY package.json yarn.lock ./\nRUN yarn install --non-interactive\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(?:➤ )?YN0028.*?(\S+@\S+)",
    r"Your (lockfile) needs to be updated",
    r"The (lockfile) would have been modified",
    r"(YN0028)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let why = "yarn.lock does not hold what package.json asks for, and the installation may not change it";
    Some(Hit::at(found.line, "yarn.lock", why).confidence(0.97))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    lock::foreseen_stale(case, Manager::Yarn, "yarn.lock")
}
