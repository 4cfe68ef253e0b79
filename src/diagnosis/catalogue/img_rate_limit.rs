//! `img-rate-limit`: the registry refuses because of too many pulls.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "img-rate-limit",
    what: "The registry refuses because of too many pulls",
    why: "Docker Hub limits anonymous pulls per address; builders share addresses.",
    advice: "Try again later, or give the service registry credentials.",
    stage: Stage::BaseImage,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Root,
    needles: &["toomanyrequests", "pull rate limit", "429 Too Many Requests"],
    detect,
    examples: &[Example {
        log: "ERROR: failed to solve: python:3.12: failed to resolve source metadata for docker.io/library/python:3.12: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
        subject: "toomanyrequests",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<what>toomanyrequests)|reached your (?:unauthenticated )?(?P<what2>pull rate limit)|(?P<what3>pull rate limit) as",
    r"(?:manifests|blobs|auth\.docker\.io|registry).*429 Too Many Requests",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["what", "what2", "what3"]).to_owned();
    let why = "the registry refuses because of its rate limit";
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}
