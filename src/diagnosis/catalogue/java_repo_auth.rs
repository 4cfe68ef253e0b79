//! `java-repo-auth`: A Java repository wants credentials.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-repo-auth",
    what: "A Java repository wants credentials",
    why: "The repository answered 401 or 403.",
    advice: "Give the build a settings.xml with the token as a secret file.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "status code: 401",
        "status code: 403",
        "Received status code 401",
        "Received status code 403",
        "401 Unauthorized",
        "authentication failed for http",
    ],
    detect,
    examples: &[Example {
        log: "Could not transfer artifact eu.x:lib:pom:1.1.7 from/to github (https://maven.pkg.github.com/x/lib): status code: 401, reason phrase: Unauthorized (401)",
        subject: "https://maven.pkg.github.com/x/lib",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"from/to \S+ \((https?://[^)]+)\).*(?:status code: 40[13]|authentication failed|Not authorized|40[13])",
    r"Could not (?:GET|HEAD) '([^']+)'.*status code 40[13]",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the repository `{subject}` wants credentials");
    Some(Hit::at(found.line, subject, why))
}
