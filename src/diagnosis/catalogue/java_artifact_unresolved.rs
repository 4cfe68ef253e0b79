//! `java-artifact-unresolved`: A Java artifact is not in any repository.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-artifact-unresolved",
    what: "A Java artifact is not in any repository",
    why: "It was never published there, JCenter is shut down, a snapshot expired, or a sibling module was not \
          built.",
    advice: "Check the version; replace JCenter by Maven Central; build sibling modules with `-am` from the top.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "Could not find artifact",
        "Could not resolve dependencies for project",
        "Non-resolvable parent POM",
        "Non-resolvable import POM",
        "was not found in https://",
        "Could not resolve all files for configuration",
        "Could not resolve all artifacts",
        "Could not GET 'https://jcenter",
        "Could not transfer artifact",
        "Failure to find",
        "could not be resolved",
        "Error downloading ",
        "unresolved dependency: ",
        "Could not find ",
    ],
    detect,
    examples: &[
        Example {
            log: "[ERROR] Failed to execute goal on project app: Could not resolve dependencies for project a.b:app:jar:1.0: Could not find artifact a.b:core:jar:1.0-SNAPSHOT in central (https://repo.maven.apache.org/maven2) -> [Help 1]",
            subject: "a.b:core:jar:1.0-SNAPSHOT",
            ..Example::BLANK
        },
        Example {
            log: "> Could not resolve all files for configuration ':compileClasspath'.\n   > Could not find com.acme:lib:1.2.\n     Searched in the following locations:",
            subject: "com.acme:lib:1.2.",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Could not find artifact ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"Failure to find ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"([\w.-]+:[\w.-]+(?::[\w.-]+)+) was not found in http",
    r"Non-resolvable \w+ POM.*?: (?:.*?resolved: )?([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"Could not resolve dependencies for project .*?: .*?([\w.-]+:[\w.-]+(?::[\w.-]+)+)(?: |\()",
    r"Failed to collect dependencies at ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"> Could not (?:find|resolve) ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
    r"(?:Error downloading|unresolved dependency:) ([\w.-]+[:#][\w.-]+[:;][\w.-]+)",
    r"Could not GET '(https://jcenter[^']*)'",
    r"Could not transfer artifact ([\w.-]+:[\w.-]+(?::[\w.-]+)+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.last(case, lines)?;
    let subject = found.subject();
    let why = format!("no repository has `{subject}`");
    let hit = Hit::at(found.line, subject, why);
    // Snapshots are taken away by who publishes them: which release stands for one, only a person knows.
    Some(if subject.ends_with("-SNAPSHOT") { hit.policy(Policy::Human) } else { hit })
}
