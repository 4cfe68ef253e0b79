//! `ph-health-path`: the health check gets no good answer.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::reach;

pub const RULE: Rule = Rule {
    id: "ph-health-path",
    what: "The health check gets no good answer",
    why: "The path of the health check does not exist, asks for a login, redirects, or answers too late.",
    advice: "Set the health path of the service to a route that exists and is public, or add one that does no \
          work.",
    stage: Stage::PortHealth,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Symptom,
    needles: &[
        "health check to return a successful",
        "Health check failed",
        "HTTP health check failed",
        "health check timed out",
    ],
    detect,
    examples: &[Example {
        log: "10.0.0.1 - - \"GET /healthz HTTP/1.1\" 404 -\n==> Timed out after waiting for internal health check to return a successful response code at: 10.214.3.4:10000 /healthz",
        subject: "/healthz",
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"successful response code at: \S+?:\d+ ?(/\S*)",
    r"(?i)health check (?:failed|timed out).*?(/[\w./-]+)",
    r"(?i)(health check) (?:failed|timed out)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // The platform also says that it is waiting when all goes well.
    if case.log.failing.is_some() || matches!(case.status, Some(crate::service::DeployStatus::Live)) {
        return None;
    }
    // A service that ended answers nobody; why it ended is the question.
    if reach::ended(case) {
        return None;
    }
    let found = SAID.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the health check of `{subject}` got no good answer");
    Some(Hit::at(found.line, subject, why))
}
