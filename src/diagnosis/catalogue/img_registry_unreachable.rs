//! `img-registry-unreachable`: the image registry did not answer.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "img-registry-unreachable",
    what: "The image registry did not answer",
    why: "The network between the builder and the registry, or the registry itself, had trouble while the base image was fetched.",
    advice: "Try again; if it stays, look at the status page of the registry.",
    stage: Stage::BaseImage,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "Client.Timeout exceeded",
        "request canceled while waiting for connection",
        "failed to do request",
        "TLS handshake timeout",
        "failed to authorize",
        "DeadlineExceeded",
        "failed to fetch oauth token",
        "connection reset by peer",
        "received unexpected HTTP status: 5",
        "httpReadSeeker",
        "i/o timeout",
        "no such host",
    ],
    detect,
    examples: &[Example {
        log: "Step 1/3 : FROM python:3.12\nGet \"https://registry-1.docker.io/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        subject: "registry-1.docker.io",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"(?:failed to do request: (?:Head|Get) "?|Get "?|Head "?)https?://(?P<host>[^/\s":]+)[^\s]*/v2/"#,
    r#"failed to (?:authorize|fetch oauth token|fetch anonymous token).*?https?://(?P<host2>[^/\s":]+)"#,
    r#"failed to copy: httpReadSeeker.*?https?://(?P<host3>[^/\s":]+)"#,
    r"received unexpected HTTP status: 5\d\d",
    r"dial tcp: lookup (?P<host4>[^\s:]+).*(?:i/o timeout|no such host|server misbehaving)",
    r"(?:failed to (?:resolve|copy|do request)|net/http: TLS handshake timeout).*(?:connection reset by peer|DeadlineExceeded|TLS handshake timeout)|^net/http: TLS handshake timeout",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    if case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some()) {
        return None;
    }
    let subject = seen.named(&["host", "host2", "host3", "host4"]).to_owned();
    let why = format!("the registry `{subject}` did not answer");
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}
