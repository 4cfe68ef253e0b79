//! `ph-docker-healthcheck-tool`: HEALTHCHECK calls a tool that the image lacks.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-docker-healthcheck-tool",
    what: "HEALTHCHECK calls a tool that the image lacks",
    why: "curl or wget is not in slim images.",
    advice: "Let the runtime itself ask, or install the tool.",
    stage: Stage::PortHealth,
    severity: Severity::Medium,
    policy: Policy::Fix,
    weight: Weight::Typical,
    before: &["os-command-missing"],
    needles: &["Health check exceeded timeout", "OCI runtime exec failed", "unhealthy: /bin/sh: curl"],
    detect,
    examples: &[Example {
        log: "OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": executable file not found in $PATH: unknown",
        subject: "curl",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"OCI runtime exec failed.*?exec: "([^"]+)""#,
    r"unhealthy: .*?(curl|wget): (?:command )?not found",
    r"(Health check) exceeded timeout",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the HEALTHCHECK cannot run `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
