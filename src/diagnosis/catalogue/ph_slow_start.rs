//! `ph-slow-start`: the service takes too long to start.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-slow-start",
    what: "The service takes too long to start",
    why: "Downloads or migrations run before it listens.",
    advice: "Move downloads into the image build, migrations into the pre-deploy command, and listen first.",
    stage: Stage::PortHealth,
    severity: Severity::Medium,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "unauthenticated requests to the HF Hub",
        "building the font cache",
        "Waiting for application startup",
        "Loading checkpoint shards",
        "Downloading: \"https://",
    ],
    detect,
    examples: &[Example {
        log: "INFO:     Waiting for application startup.\n==> Port scan timeout reached, no open ports detected.",
        subject: "application startup",
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(HF Hub)",
    r"(font cache)",
    r"(Loading checkpoint shards)",
    r#"Downloading: "(https://[^"]+)""#,
    r"Waiting for (application startup)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let unhealthy = case.status.is_some_and(crate::service::DeployStatus::is_failure);
    if !unhealthy || case.log.failing.is_some() || case.log.contains("startup complete") {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the service is still busy before it listens ({subject})");
    Some(Hit::at(found.line, subject, why))
}
