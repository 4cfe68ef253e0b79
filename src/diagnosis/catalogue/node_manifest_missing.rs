//! `node-manifest-missing`: package.json is not where the installation runs.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "node-manifest-missing",
    what: "package.json is not where the installation runs",
    why: "It was not copied before this step, or went into another folder.",
    advice: "Copy package.json and the lock file first, and set WORKDIR to their folder.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "ENOENT: no such file or directory, open",
        "find a package.json file in",
        "ERR_PNPM_NO_PKG_MANIFEST",
        "Could not read package.json",
        "package.json: No such file",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#7 [3/4] RUN npm install\n#7 0.4 npm error code ENOENT\n#7 0.4 npm error syscall open\n#7 0.4 npm error path /app/package.json\n#7 0.4 npm error errno -2\n#7 0.4 npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/app/package.json'\n#7 ERROR: process \"/bin/sh -c npm install\" did not complete successfully: exit code: 254",
        files: &[
            ("Dockerfile", "FROM node:20-slim\nWORKDIR /app\nRUN npm install\nCOPY . .\n"),
            ("package.json", "{}\n"),
            ("package-lock.json", "{}\n"),
        ],
        subject: "package.json",
        remedy: Some((
            "copy-manifest",
            &[(
                "Dockerfile",
                "FROM node:20-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm install\nCOPY . .\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"find a (package\.json) file in"#,
    r"open '[^']*(package\.json)'",
    r"Could not read (package\.json)",
    r"ERR_PNPM_NO_PKG_MANIFEST.*?(package\.json)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    Some(
        Hit::at(found.line, "package.json", "package.json is not in the folder in which the step runs")
            .confidence(0.95),
    )
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let stage = case.dockerfile.stage_of(index);
    let top: Vec<&str> =
        ["package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc"]
            .into_iter()
            .filter(|name| case.context.holds(name))
            .collect();
    if top.first() != Some(&"package.json") || stage.is_none() {
        return Prescription::none();
    }
    let line = format!("COPY {} ./", top.join(" "));
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[&line]);
    Prescription::of(edit.map(|edit| Remedy {
        id: "copy-manifest".into(),
        title: "Copy package.json before the installation".into(),
        why: "the step installs what package.json says".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
