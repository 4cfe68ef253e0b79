//! `app-audit-gate`: A vulnerability check stops the build.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-audit-gate",
    what: "A vulnerability check stops the build",
    why: "`npm audit`, `pip-audit` or `cargo audit` is a build step and found something.",
    advice: "Raise the packages named. Whether the check belongs into the image build is for the owner to say.",
    stage: Stage::AppBuild,
    severity: Severity::Medium,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["vulnerabilities (", "vulnerabilities found", "found in dependency", "Found "],
    detect,
    examples: &[Example {
        log: "#9 [5/6] RUN npm audit --audit-level=high\n#9 2.1 3 vulnerabilities (1 moderate, 2 high)\n#9 ERROR: process \"/bin/sh -c npm audit --audit-level=high\" did not complete successfully: exit code: 1",
        subject: "3 vulnerabilities",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(?:found )?(\d+ vulnerabilit(?:y|ies)) \(",
    r"Found (\d+ known vulnerabilit(?:y|ies))",
    r"error: (\d+ vulnerabilit(?:y|ies)) found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if !case.log.failing.as_ref().is_some_and(|step| step.command.contains("audit")) {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a vulnerability check found {subject}");
    Some(Hit::at(found.line, subject, why))
}
