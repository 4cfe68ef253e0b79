//! `java-network`: A Java repository could not be reached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-network",
    what: "A Java repository could not be reached",
    why: "A time-out or a broken connection. Nothing is wrong with the files.",
    advice: "Build once more.",
    stage: Stage::DepResolution,
    severity: Severity::Medium,
    policy: Policy::Retry,
    weight: Weight::Root,
    needles: &[
        "Connect to repo.maven.apache.org",
        "Connection timed out",
        "fatal alert: protocol_version",
        "Connection reset",
        "Read timed out",
        "Temporary failure in name resolution",
    ],
    detect,
    examples: &[Example {
        log: "Could not transfer artifact a.b:c:pom:1 from/to central (https://repo.maven.apache.org/maven2): Connect to repo.maven.apache.org:443 [repo.maven.apache.org/151.101.0.215] failed: Connection timed out (Connection timed out)",
        subject: "repo.maven.apache.org",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(?:Could not (?:transfer|GET|HEAD).*?)?Connect to ([\w.-]+):443 \[.*(?:timed out|refused|reset)",
    r"(?:transfer artifact|Could not GET|Could not HEAD).*?(https?://[^\s/'):]+).*(?:timed out|Connection reset|Temporary failure|UnknownHost)",
    r"(fatal alert: protocol_version)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the repository `{subject}` could not be reached");
    Some(Hit::at(found.line, subject, why))
}
