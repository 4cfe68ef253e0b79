//! `res-java-memory`: the Java machine ran out of memory.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnosis::Case;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::sighting::{self, pattern};

pub const RULE: Rule = Rule {
    id: "res-java-memory",
    what: "The Java machine ran out of memory",
    why: "The heap or metaspace limit was reached, or the process could not get the memory it asked for.",
    advice: "Set -Xmx for the build (MAVEN_OPTS, GRADLE_OPTS), and -XX:MaxRAMPercentage=75 for the service.",
    stage: Stage::Resource,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "GC overhead limit exceeded",
        "java.lang.OutOfMemoryError",
        "insufficient memory for the Java Runtime",
        "JVM heap space is exhausted",
        "running out of JVM memory",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN mvn package\n#6 0.5 [ERROR] java.lang.OutOfMemoryError: Java heap space\n#6 ERROR: process \"/bin/sh -c mvn package\" did not complete successfully: exit code: 1",
        subject: "java.lang.OutOfMemoryError: Java heap space",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [
        pattern(r"(?P<what>java\.lang\.OutOfMemoryError(?:: [\w ]+)?)"),
        pattern(
            r"(?P<what2>GC overhead limit exceeded|JVM heap space is exhausted|insufficient memory for the Java Runtime Environment|running out of JVM memory)",
        ),
    ]
});

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = sighting::last(case, lines, &SHAPES.iter().collect::<Vec<_>>())?;
    let subject = seen.named(&["what", "what2"]).to_owned();
    let why = format!("the Java machine ran out of memory: {subject}");
    Some(Hit::at(seen.at, subject, why).confidence(0.96))
}
