//! `java-werror`: compiler warnings count as errors.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-werror",
    what: "Compiler warnings count as errors",
    why: "javac runs with -Werror; the warning above stopped it, often a deprecation after a library was \
          raised.",
    advice: "Do what the warning asks for. Do not switch all warnings off.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["warnings found and -Werror specified"],
    detect,
    examples: &[Example {
        log: "[ERROR] /app/src/main/java/a/B.java: warnings found and -Werror specified",
        subject: "/app/src/main/java/a/B.java",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"([\w./-]+\.java): warnings found and -Werror", r"(warnings found and -Werror) specified"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a warning counts as an error in `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
