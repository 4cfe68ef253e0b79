//! `pf-api-rate-limit`: an API refuses because of too many requests.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-api-rate-limit",
    what: "An API refuses because of too many requests",
    why: "A service that was asked too often answers with 429 and a time to wait.",
    advice: "Wait as long as Retry-After says.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &["rate limit exceeded", "Server Rate Limit Error", "rate limited"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN curl -f https://api.github.com/repos/a/b\n#6 0.5 API rate limit exceeded for 1.2.3.4.\n#6 ERROR: process \"/bin/sh -c curl -f https://api.github.com/repos/a/b\" did not complete successfully: exit code: 22",
        subject: "rate limit exceeded",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?i)(?:API |^|: )(?P<a>rate limit exceeded)|(?P<b>Server Rate Limit Error)|(?P<c>rate limited): retry after",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = "an API refuses because of too many requests";
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}
