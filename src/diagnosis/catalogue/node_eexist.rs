//! `node-eexist`: A global tool is there already.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "node-eexist",
    what: "A global tool is there already",
    why: "`npm install -g` wants to write a program that the base image already has (yarn, corepack, npx).",
    advice: "Drop that global installation; the image has the tool.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["code EEXIST", "EEXIST: file already exists"],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN npm install -g yarn\nnpm error code EEXIST\nnpm error path /usr/local/bin/yarn\nnpm error EEXIST: file already exists\nnpm error File exists: /usr/local/bin/yarn\nnpm error Remove the existing file and try again, or run npm\nERROR: process \"/bin/sh -c npm install -g yarn\" did not complete successfully: exit code: 1",
        subject: "yarn",
        files: &[("Dockerfile", "FROM node:20-slim\nRUN npm install -g yarn\nCOPY . .\n")],
        remedy: Some(("drop-installation", &[("Dockerfile", "FROM node:20-slim\nCOPY . .\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"npm (?:ERR!|error) path \S*/bin/(\S+)",
    r"EEXIST: file already exists.*/bin/([\w.-]+)",
    r"File exists: \S*/bin/(\S+)",
    r"code EEXIST",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("npm will not overwrite `{subject}`, which the image already has");
    Some(Hit::at(found.line, subject, why))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let script = node::script_of(case, index);
    let alone = matches!(node::commands(&script).as_slice(), [only] if only.ends_with(&format!(" {}", hit.subject)));
    let edit = edit::delete_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index).filter(|_| alone);
    Prescription::of(edit.map(|edit| Remedy {
        id: "drop-installation".into(),
        title: format!("Do not install `{}` a second time", hit.subject),
        why: "the base image has it".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
