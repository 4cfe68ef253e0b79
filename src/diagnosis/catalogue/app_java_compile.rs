//! `app-java-compile`: the Java or Kotlin sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};

pub const RULE: Rule = Rule {
    id: "app-java-compile",
    what: "The Java or Kotlin sources do not compile",
    why: "The compiler refuses the code, often because a library changed its interface.",
    advice: "Correct the line named; if a library was raised, look at what it renamed.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "COMPILATION ERROR",
        "Compilation failure",
        "Compilation failed; see the compiler",
        "error: cannot find symbol",
        "Execution failed for task ':compile",
        "] cannot find symbol",
        "does not exist",
        ".java:",
        ".kt:",
    ],
    detect,
    examples: &[
        Example {
            log: "[ERROR] COMPILATION ERROR : \n[ERROR] /app/src/main/java/a/B.java:[14,35] error: package org.eclipse.jetty.server.nio does not exist",
            subject: "/app/src/main/java/a/B.java",
            ..Example::BLANK
        },
        Example {
            log: "src/vat/Tax.java:19: error: method rate(String) is already defined in class Tax\n    static int rate(String kind) {\n1 error",
            subject: "src/vat/Tax.java",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"([\w./$-]+\.(?:java|kt|scala|groovy)):\[\d+,\d+\] (?:error: )?.+",
    r"([\w./$-]+\.(?:java|kt)):\d+: error: ",
    r"e: (?:file://)?([\w./-]+\.kt):",
    r"Execution failed for task '(:\S*compile\w*)'",
    r"(Compilation fail(?:ed|ure))",
    r"(COMPILATION ERROR)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = compilers::refusal(case, found.line, subject);
    Some(Hit::at(found.line, subject, why))
}
