//! `java-version`: the JDK of the image does not fit the project.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-version",
    what: "The JDK of the image does not fit the project",
    why: "The project or a library wants a newer Java than the image has, or Gradle and plugins know no Java as \
          new.",
    advice: "Take an image with the JDK that the build file states, in the runtime stage as well.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "invalid target release",
        "error: release version",
        "Unsupported class file major version",
        "more recent version of the Java Runtime",
        "UnsupportedClassVersionError",
        "class file has wrong version",
        "Could not determine java version from",
        "invalid source release",
        "is no longer supported. Use",
        "Source option",
        "requires at least Java",
        "requires Java",
    ],
    detect,
    examples: &[
        Example {
            log: "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.10.1:compile (default-compile) on project app: Fatal error compiling: error: release version 17 not supported -> [Help 1]",
            subject: "release version 17",
            ..Example::BLANK
        },
        Example {
            log: "java.lang.UnsupportedClassVersionError: a/App has been compiled by a more recent version of the Java Runtime (class file version 61.0), this version of the Java Runtime only recognizes class file versions up to 55.0",
            subject: "61.0",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(release version \d+) not supported",
    r"invalid (?:target|source) release: (\S+)",
    r"/([\w.-]+\.jar)\(.*bad class file",
    r"bad class file: \S*?/([\w.-]+\.jar)",
    r"class file has wrong version ([\d.]+)",
    r"class file version ([\d.]+)",
    r"Unsupported class file major version (\d+)",
    r"Could not determine java version from '([^']+)'",
    r"[Ss]ource option (\S+) is no longer supported",
    r"requires (?:at least )?Java (\d+)",
    r"UnsupportedClassVersionError: (\S+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the Java of the image does not fit: {subject}");
    Some(Hit::at(found.line, subject, why))
}
