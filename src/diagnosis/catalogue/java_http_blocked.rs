//! `java-http-blocked`: A repository is asked for over plain http.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-http-blocked",
    what: "A repository is asked for over plain http",
    why: "Maven 3.8.1 and Gradle 7 refuse http, and Maven Central answers 501.",
    advice: "Write https in the repository address.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "501 HTTPS Required",
        "status code 501",
        "maven-default-http-blocker",
        "Blocked mirror for repositories",
        "insecure protocols with repositories",
    ],
    detect,
    examples: &[Example {
        log: "Could not transfer artifact org.jboss:parent:pom:1 from/to maven-default-http-blocker (http://0.0.0.0/): Blocked mirror for repositories: [jboss (http://repository.jboss.org/nexus/content/groups/public/, default, releases)]",
        subject: "http://repository.jboss.org/nexus/content/groups/public/",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Blocked mirror for repositories: \[.*?\((http://[^,)]+)",
    r"maven-default-http-blocker.*?\((http://[^,)]+)",
    r"(http://\S+?)[,)]? .*(?:501 HTTPS Required|status code 501)",
    r"insecure protocols with repositories.*?'(\S+?)'",
    r"501 (HTTPS) Required",
    r"(insecure protocols)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the repository `{subject}` is asked for over plain http");
    Some(Hit::at(found.line, subject, why))
}
