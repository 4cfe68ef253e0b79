//! `img-private-or-missing-repo`: the image repository is private or does not exist.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "img-private-or-missing-repo",
    what: "The image repository is private or does not exist",
    why: "The registry does not say which: the name is misspelt, the repository was deleted, or it needs a login.",
    advice: "Check the name; give the service credentials for the registry if it is private.",
    stage: Stage::BaseImage,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "pull access denied",
        "repository does not exist",
        "insufficient_scope",
        "no basic auth credentials",
        "unauthorized",
        "401 Unauthorized",
        "requested access to the resource is denied",
        "Please login to the Red Hat Registry",
    ],
    detect,
    examples: &[Example {
        log: "Step 1/4 : FROM acme/base:1\npull access denied for acme/base, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
        subject: "acme/base",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"pull access denied for (?P<a>[^\s,]+)",
    r"failed to resolve source metadata for (?P<b>\S+): .*(?:pull access denied|unauthorized|insufficient_scope|401 Unauthorized|denied)",
    r"(?:docker\.io|gcr\.io|quay\.io|ghcr\.io|registry)\S*.*(?:insufficient_scope|unauthorized)",
    r"no basic auth credentials|unauthorized: (?:authentication required|access to the requested resource is not authorized|You don)|requested access to the resource is denied|Please login to the Red Hat Registry",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    // Inside a RUN the same words come from other services.
    if case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some()) {
        return None;
    }
    let subject = match seen.named(&["a", "b"]) {
        "" => image_before(case, seen.line),
        image => image.trim_start_matches("docker.io/").trim_start_matches("library/").to_owned(),
    };
    let why = format!("the image `{subject}` is private or does not exist");
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}

/// The image of the FROM or pull that the log tells of before line `at`.
fn image_before(case: &Case<'_>, at: usize) -> String {
    static PULLED: Phrases =
        Phrases::new(&[r"(?:Step \d+/\d+ : FROM(?: --platform=\S+)?|load metadata for|Pulling from|\] FROM) (\S+)"]);
    (0..=at).rev().find_map(|each| PULLED.on(case, each).map(|found| found[1].to_owned())).unwrap_or_default()
}
