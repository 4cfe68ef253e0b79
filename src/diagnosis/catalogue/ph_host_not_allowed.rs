//! `ph-host-not-allowed`: the server refuses the public host name.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-host-not-allowed",
    what: "The server refuses the public host name",
    why: "Vite and webpack development servers answer only to hosts they know.",
    advice: "Serve the built files with a static server, or allow the host (`preview.allowedHosts`).",
    stage: Stage::PortHealth,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Blocked request. This host", "preview.allowedHosts", "Invalid Host header", "server.allowedHosts"],
    detect,
    examples: &[Example {
        log: "Blocked request. This host (\"app.onrender.com\") is not allowed.\nTo allow this host, add \"app.onrender.com\" to `preview.allowedHosts` in vite.config.js.",
        subject: "app.onrender.com",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"This host \("([^"]+)"\) is not allowed"#,
    r#""([^"]+)" to `(?:preview|server)\.allowedHosts`"#,
    r"(Invalid Host header)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the server refuses the host `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
