//! `py-private-index`: a private index refuses access.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "py-private-index",
    what: "A private package index refuses access",
    why: "The index wants a user name and a token, which the build does not have.",
    advice: "Pass the token as a build secret. It never belongs into the repository.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "401 error, credentials not correct for",
        "403 client error",
        "http error 401 while getting",
        "http error 403",
        "user for ",
        "401 client error",
        "please provide credentials",
    ],
    detect,
    examples: &[Example {
        log: "ERROR: HTTP error 403 while getting https://pypi.acme.example/simple/internal-sdk/",
        subject: "https://pypi.acme.example/simple/internal-sdk/",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:40[13] (?:Error, Credentials not correct for|Client Error:? ?\w* for url:?) ?(\S+)|HTTP error 40[13] while getting (\S+)|User for ([\w.-]+):)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let of_python = ["pip", "uv ", "poetry", "/simple/"].iter().any(|mark| case.mentions(mark));
    if !of_python {
        return None;
    }
    let subject = found.subject();
    let why = format!("the index at `{subject}` refuses access");
    Some(Hit::at(found.line, subject, why).confidence(0.85))
}
