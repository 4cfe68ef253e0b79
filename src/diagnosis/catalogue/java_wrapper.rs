//! `java-wrapper`: the Maven or Gradle wrapper cannot run.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-wrapper",
    what: "The Maven or Gradle wrapper cannot run",
    why: "Its script is not executable or has Windows line ends, or its jar and properties were not copied.",
    advice: "Copy `.mvn/` or `gradle/` with the script, make it executable, or call mvn/gradle of the image.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "GradleWrapperMain",
        "gradlew: not found",
        "gradlew: Permission denied",
        "mvnw: not found",
        "mvnw: Permission denied",
        "maven-wrapper.properties",
        "gradle-wrapper.jar",
        "mvnw: permission denied",
        "gradlew: permission denied",
    ],
    detect,
    examples: &[Example {
        log: "Error: Could not find or load main class org.gradle.wrapper.GradleWrapperMain",
        subject: "org.gradle.wrapper.GradleWrapperMain",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"((?:\./|/)?\S*(?:gradlew|mvnw)): (?:not found|[Pp]ermission denied|No such file)",
    r"(org\.gradle\.wrapper\.GradleWrapperMain)",
    r"(\S*maven-wrapper\.properties)",
    r"(\S*gradle-wrapper\.jar)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the build wrapper cannot run ({subject})");
    Some(Hit::at(found.line, subject, why))
}
