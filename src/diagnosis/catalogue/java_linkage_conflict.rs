//! `java-linkage-conflict`: two versions of a Java library meet.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "java-linkage-conflict",
    what: "Two versions of a Java library meet",
    why: "One artefact of a family was raised alone, so that a class or method the other one needs is not \
          there.",
    advice: "Set all artefacts of the family to one version, best by their BOM.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "java.lang.NoSuchMethodError",
        "java.lang.NoClassDefFoundError",
        "java.lang.NoSuchFieldError",
        "java.lang.AbstractMethodError",
        "java.lang.IncompatibleClassChangeError",
    ],
    detect,
    examples: &[Example {
        log: "java.lang.NoClassDefFoundError: Could not initialize class org.apache.logging.log4j.core.LoggerContext",
        subject: "org.apache.logging.log4j.core.LoggerContext",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"java\.lang\.NoSuchMethodError:? '?.*?([\w.]+)\.\w+\(",
    r"java\.lang\.NoClassDefFoundError:? (?:Could not initialize class )?([\w./$]+)",
    r"java\.lang\.(?:NoSuchFieldError|AbstractMethodError|IncompatibleClassChangeError):? (.+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("versions of a library that do not fit meet at `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
