//! `res-node-heap`: Node reached its heap limit.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "res-node-heap",
    what: "Node reached its heap limit",
    why: "V8 takes about half of the memory it sees for its heap and gives up when that is full; large bundles with \
          source maps need more.",
    advice: "Give the build step more with NODE_OPTIONS=--max-old-space-size, or switch its source maps off.",
    stage: Stage::Resource,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "heap out of memory",
        "Ineffective mark-compacts near heap limit",
        "Reached heap limit",
        "CALL_AND_RETRY_LAST",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#12 [build 6/6] RUN npm run build\n#12 61.2 <--- Last few GCs --->\n#12 61.2 FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n#12 ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 134",
        files: &[("Dockerfile", "FROM node:20 AS build\nCOPY . .\nRUN npm run build\n")],
        subject: "JavaScript heap",
        remedy: Some((
            "larger-heap",
            &[(
                "Dockerfile",
                "FROM node:20 AS build\nCOPY . .\nRUN NODE_OPTIONS=--max-old-space-size=4096 npm run build\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"FATAL ERROR:.*(?:heap|CALL_AND_RETRY)", r"JavaScript heap out of memory", r"CALL_AND_RETRY_LAST"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    Some(Hit::at(found.line, "JavaScript heap", "Node filled the heap it may use").confidence(0.97))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let instruction = &case.dockerfile.instructions()[index];
    if instruction.keyword != "RUN" || instruction.exec().is_some() || instruction.args.contains("max-old-space-size") {
        return Prescription::none();
    }
    let tools = ["npm run", "yarn run", "pnpm run", "yarn build", "pnpm build", "npx ", "yarn --silent"];
    let first = tools.iter().find(|tool| instruction.args.matches(*tool).count() == 1);
    let edit = first.and_then(|tool| {
        let to = format!("NODE_OPTIONS=--max-old-space-size=4096 {tool}");
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, tool, &to)
    });
    Prescription::of(edit.map(|edit| Remedy {
        id: "larger-heap".into(),
        title: "Let this build step use a heap of 4 GB".into(),
        why: "only this step gets it; the service runs with the default".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
