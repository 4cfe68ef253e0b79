//! `ph-redirect-loop`: requests are redirected in a circle.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-redirect-loop",
    what: "Requests are redirected in a circle",
    why: "The application forces https although TLS ends at the platform.",
    advice: "Trust X-Forwarded-Proto (SECURE_PROXY_SSL_HEADER, `app.set(\"trust proxy\", 1)`).",
    stage: Stage::PortHealth,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Symptom,
    needles: &["Too many redirects", "ERR_TOO_MANY_REDIRECTS", "redirected you too many times"],
    detect,
    examples: &[Example {
        log: "health check: GET / failed: Too many redirects",
        subject: "Too many redirects",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"((?i:too many redirects|ERR_TOO_MANY_REDIRECTS|redirected you too many times))"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    Some(Hit::at(found.line, subject, "requests are redirected in a circle"))
}
