//! `node-engine`: the Node of the image is outside the range that a package allows.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::toolchain;

pub const RULE: Rule = Rule {
    id: "node-engine",
    what: "The Node of the image is outside the range that a package allows",
    why: "package.json of the project or of a dependency states under `engines` which Node it runs on; yarn, pnpm and npm with engine-strict refuse others.",
    advice: "Base the image on the lowest Node version that all packages allow.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "engine \"node\" is incompatible",
        "Found incompatible module",
        "code EBADENGINE",
        "ERR_PNPM_UNSUPPORTED_ENGINE",
    ],
    detect,

    remedies,
    examples: &[
        Example {
            log: "#9 [4/6] RUN yarn install --frozen-lockfile\n#9 3.2 error chalk@4.0.0: The engine \"node\" is incompatible with this module. Expected version \">=10\". Got \"8.8.1\"\n#9 3.2 error Found incompatible module.\n#9 ERROR: process \"/bin/sh -c yarn install --frozen-lockfile\" did not complete successfully: exit code: 1",
            files: &[(
                "Dockerfile",
                "FROM node:8.8.1-alpine\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile\n",
            )],
            subject: "chalk@4.0.0",
            remedy: Some((
                "raise-image",
                &[(
                    "Dockerfile",
                    "FROM node:10-alpine\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "npm error code EBADENGINE\nnpm error engine Unsupported engine\nnpm error engine Not compatible with your version of node/npm: vite@7.0.0\nnpm error notsup Required: {\"node\":\"^20.19.0 || >=22.12.0\"}\nnpm error notsup Actual:   {\"npm\":\"10.8.2\",\"node\":\"v18.20.8\"}",
            files: &[(
                "Dockerfile",
                "ARG NODE_VERSION=18\nFROM node:${NODE_VERSION}-slim\nCOPY package*.json ./\nRUN npm install --engine-strict\n",
            )],
            subject: "vite@7.0.0",
            remedy: Some((
                "raise-image",
                &[(
                    "Dockerfile",
                    "ARG NODE_VERSION=20\nFROM node:${NODE_VERSION}-slim\nCOPY package*.json ./\nRUN npm install --engine-strict\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"(?:error |➤ .*?)?(\S+?@\S+?): The engine "node" is incompatible with this module\. Expected version "([^"]+)""#,
    r"Not compatible with your version of node/npm: (\S+)",
    r"(?:npm ERR!|npm error) (?:code )?(EBADENGINE)",
    r"(ERR_PNPM_UNSUPPORTED_ENGINE)",
]);

static RANGE: Phrases = Phrases::new(&[
    r#"The engine "node" is incompatible with this module\. Expected version "([^"]+)""#,
    r#"(?:npm ERR!|npm error) notsup Required: \{.*?"node":"([^"]+)""#,
    r"^\s*(?:\d+\.\d+ +)?Expected version: (.+)$",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    // npm calls a project without a name and version `undefined`.
    let subject = if found.subject() == "undefined" { "node" } else { found.subject() };
    let range =
        RANGE.first(case, lines).map(|found| format!(": it needs Node {}", found.subject())).unwrap_or_default();
    Some(Hit::at(found.line, subject, format!("`{subject}` does not run on the Node of the image{range}")))
}

fn wanted(case: &Case<'_>, _: &Hit, image: &str) -> Option<String> {
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let mut ranges: Vec<String> = RANGE.all(case, &lines).iter().map(|found| found.subject().to_owned()).collect();
    ranges.dedup();
    let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
    if ranges.is_empty() { None } else { toolchain::node_version_for(image, &ranges) }
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::of(toolchain::raised(case, &["node"], "Node", &hit.subject, |image| wanted(case, hit, image)))
}
