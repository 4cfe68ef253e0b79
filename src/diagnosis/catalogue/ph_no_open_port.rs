//! `ph-no-open-port`: nobody answers on the port.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-no-open-port",
    what: "Nobody answers on the port",
    why: "Nothing listens on 0.0.0.0 and the port of the platform in time. Mostly the consequence of something \
          else: a crash, too little memory, a slow start, another address or port.",
    advice: "Look for what stands before it; otherwise let the server listen on 0.0.0.0 and $PORT.",
    stage: Stage::PortHealth,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Symptom,
    needles: &[
        "No open ports detected",
        "No open HTTP ports detected",
        "Port scan timeout reached",
        "failed to detect open port",
        "Bind your service to at least one port",
    ],
    detect,
    examples: &[Example {
        log: "==> No open ports detected, continuing to scan...\n==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
        subject: "Port scan timeout",
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"failed to detect open port (\d+) from PORT",
    r"(Port scan timeout) reached",
    r"(No open (?:HTTP )?ports) detected",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // A service that starts slowly but well sees the same line.
    if case.log.failing.is_some() || matches!(case.status, Some(crate::service::DeployStatus::Live)) {
        return None;
    }
    let found = SAID.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the platform found no open port ({subject})");
    Some(Hit::at(found.line, subject, why))
}
