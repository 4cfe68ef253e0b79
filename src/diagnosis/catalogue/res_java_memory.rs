//! `res-java-memory`: the Java machine ran out of memory.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

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

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<what>java\.lang\.OutOfMemoryError(?:: [\w ]+)?)",
    r"(?P<what2>GC overhead limit exceeded|JVM heap space is exhausted|insufficient memory for the Java Runtime Environment|running out of JVM memory)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["what", "what2"]).to_owned();
    let why = format!("the Java machine ran out of memory: {subject}");
    Some(Hit::at(seen.line, subject, why).confidence(0.96))
}
