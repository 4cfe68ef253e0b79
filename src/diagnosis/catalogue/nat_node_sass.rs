//! `nat-node-sass`: node-sass does not know this Node.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-node-sass",
    what: "node-sass does not support this Node",
    why: "Each release of node-sass works with certain versions of Node only, and the project is retired.",
    advice: "Replace node-sass by sass, or use the Node that the release was made for.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "cannot download \"https://github.com/sass/node-sass",
        "cannot find module 'node-sass'",
        "node sass does not yet support your current environment",
        "node_modules/node-sass",
    ],
    detect,
    examples: &[Example {
        log: "Error: Node Sass does not yet support your current environment: Linux 64-bit with Unsupported runtime (115)",
        subject: "node-sass",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"Cannot download \"https://github\.com/sass/(node-sass)|Cannot find module '(node-sass)'|(Node Sass) does not yet support your current environment|node_modules/(node-sass)(?:/| ).*(?:error|ERR|failed)|cwd \S*node_modules/(node-sass)"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = "node-sass";
    let why = "node-sass has no binary for this Node and cannot be compiled";
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}
