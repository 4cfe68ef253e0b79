//! `node-corepack`: corepack cannot provide the package manager.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "node-corepack",
    what: "Corepack cannot provide the package manager",
    why: "An old Corepack does not know the registry's new signing keys; Node 25 and later come without it; or \
          it is not enabled.",
    advice: "Install a current one: `npm install -g corepack@latest`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Cannot find matching keyid",
        "corepack: not found",
        "corepack: command not found",
        "Error when performing the request to",
        "However the current global version of Yarn is",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "Error: Cannot find matching keyid: {\"signatures\":[{\"sig\":\"x\",\"keyid\":\"SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U\"}]}",
        subject: "Cannot find matching keyid",
        files: &[("Dockerfile", "FROM node:20-slim\nRUN corepack enable\nRUN pnpm install\n")],
        remedy: Some((
            "current-corepack",
            &[(
                "Dockerfile",
                "FROM node:20-slim\nRUN npm install -g corepack@latest && corepack enable\nRUN pnpm install\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(Cannot find matching keyid)",
    r"(corepack): (?:command )?not found",
    r"Error when performing the request to (https://\S+?)[;\s]",
    r"However the current global version of (Yarn) is",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("corepack cannot provide the package manager ({subject})");
    Some(Hit::at(found.line, subject, why))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let instructions = case.dockerfile.instructions();
    let enables = |at: &usize| instructions[*at].keyword == "RUN" && instructions[*at].args.contains("corepack enable");
    let edit = (0..instructions.len())
        .find(enables)
        .filter(|at| !instructions[*at].args.contains("corepack@"))
        .and_then(|at| {
            let (from, to) = ("corepack enable", "npm install -g corepack@latest && corepack enable");
            edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, at, from, to)
        });
    Prescription::of(edit.map(|edit| Remedy {
        id: "current-corepack".into(),
        title: "Install a current Corepack before it is enabled".into(),
        why: "it knows the keys that the registry signs with; the package manager stays the one that is pinned".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
