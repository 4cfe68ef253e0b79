//! `java-toolchain`: the Java toolchain of the build is not in the image.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-toolchain",
    what: "The Java toolchain of the build is not in the image",
    why: "Gradle was told to compile with a Java version that the image does not have.",
    advice: "Use an image with that JDK, or add the toolchain resolver plugin.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "No matching toolchains found",
        "No locally installed toolchains match",
        "Toolchain download repositories",
        "Cannot find a Java installation",
        "Gradle requires JVM",
        "This build uses a Java",
        "Toolchain installation",
        "jvm target compatibility should be set to the same",
    ],
    detect,
    examples: &[Example {
        log: "> No matching toolchains found for requested specification: {languageVersion=21, vendor=any, implementation=vendor-specific}.",
        subject: "21",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"languageVersion=(\d+)",
    r"requires JVM (\d+)",
    r"compatible with Java (\d+)",
    r"build uses a Java (\d+)",
    r"(jvm target) compatibility should be set to the same",
    r"(toolchain)",
    r"(Toolchain)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the image has no JDK as the build wants it ({subject})");
    Some(Hit::at(found.line, subject, why))
}
