//! `ph-dev-server`: A development server runs in production.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-dev-server",
    what: "A development server runs in production",
    why: "It listens on the loopback interface, reloads, or needs much memory.",
    advice: "Serve with gunicorn, uvicorn, `next start` or a static server.",
    stage: Stage::PortHealth,
    severity: Severity::Medium,
    policy: Policy::Human,
    weight: Weight::Wrapper,
    needles: &[
        "This is a development server",
        "Watching for file changes with StatReloader",
        "[nodemon] starting",
        "onAfterSetupMiddleware",
    ],
    detect,
    examples: &[Example {
        log: "WARNING: This is a development server. Do not use it in a production deployment. Use a production WSGI server instead.",
        subject: "development server",
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"(development server)", r"(StatReloader)", r"\[(nodemon)\] starting", r"(onAfterSetupMiddleware)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let unhealthy = case.status.is_some_and(crate::service::DeployStatus::is_failure);
    if !unhealthy || case.log.failing.is_some() {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a development server is started ({subject})");
    Some(Hit::at(found.line, subject, why))
}
