//! `app-swift-compile`: the Swift sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};

pub const RULE: Rule = Rule {
    id: "app-swift-compile",
    what: "The Swift sources do not compile",
    why: "They do not fit the Swift of the image, or use something that only macOS has.",
    advice: "Pin the image to the Swift version of Package.swift.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "error: use of undeclared type",
        "error: use of unresolved identifier",
        "which is no longer supported; use",
        "manifest parse error",
        "Swift tools version",
        "error: cannot find",
    ],
    detect,
    examples: &[Example {
        log: "/app: error: package at '/app' is using Swift tools version 3.1.0 which is no longer supported; use 4.0.0 or newer instead",
        subject: "3.1.0",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Swift tools version ([\d.]+) which is no longer supported",
    r"Swift tools version ([\d.]+) but the installed version is",
    r"([\w./-]+\.swift):\d+:\d+: error:",
    r"(manifest parse error)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = match subject.ends_with(".swift") {
        true => compilers::refusal(case, found.line, subject),
        false => format!("the Swift sources do not compile ({subject})"),
    };
    Some(Hit::at(found.line, subject, why))
}
