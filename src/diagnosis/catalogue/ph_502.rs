//! `ph-502`: the proxy gets no answer.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-502",
    what: "The proxy gets no answer",
    why: "The process behind it died, closes connections before the proxy does, or listens elsewhere.",
    advice: "Look for a crash; let a proxy inside the image point to the right port; Node: raise keepAliveTimeout \
          above 100 s.",
    stage: Stage::PortHealth,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Symptom,
    needles: &[
        "upstream prematurely closed connection",
        "(111: Connection refused) while connecting to upstream",
        "502 Bad Gateway",
        "no live upstreams",
    ],
    detect,
    examples: &[Example {
        log: "2024/05/01 10:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: _, request: \"GET / HTTP/1.1\", upstream: \"http://127.0.0.1:5000/\", host: \"x\"",
        subject: "http://127.0.0.1:5000/",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"(?:prematurely closed connection|while connecting to upstream).*?upstream: "([^"]+)""#,
    r"(no live upstreams)",
    r"(upstream prematurely closed)",
    r"(502) Bad Gateway",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the proxy gets no answer ({subject})");
    Some(Hit::at(found.line, subject, why))
}
