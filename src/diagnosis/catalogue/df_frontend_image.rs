//! `df-frontend-image`: the Dockerfile frontend image could not be loaded.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "df-frontend-image",
    what: "The Dockerfile frontend image could not be loaded",
    why: "The `# syntax=` line makes the builder fetch an image that reads the Dockerfile. That image could not be had: the registry has trouble, or the tag does not exist.",
    advice: "Try again; if it stays, write `# syntax=docker/dockerfile:1`.",
    stage: Stage::DockerfileParse,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Root,
    needles: &["docker/dockerfile", "frontend grpc server closed unexpectedly"],
    detect,
    examples: &[Example {
        log: "ERROR: failed to solve: failed to resolve source metadata for docker.io/docker/dockerfile:1: failed to do request: Head \"https://registry-1.docker.io/v2/docker/dockerfile/manifests/1\": dial tcp: i/o timeout",
        subject: "docker/dockerfile:1",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:failed to resolve source metadata|failed to load cache key:?|failed to do request).*?(?P<image>docker/dockerfile(?::[\w.-]+)?)",
    r"frontend grpc server closed unexpectedly",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["image"]).to_owned();
    let why = format!("the frontend image `{subject}` could not be loaded");
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}
