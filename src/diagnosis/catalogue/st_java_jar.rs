//! `st-java-jar`: the jar cannot be started.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-java-jar",
    what: "The jar cannot be started",
    why: "Its name or path is wrong, or it has no main class in its manifest.",
    advice: "Copy the runnable jar (not `*-plain.jar`) to the path that the start command names.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Could not find or load main class", "Unable to access jarfile", "no main manifest attribute"],
    detect,
    examples: &[
        Example { log: "Error: Unable to access jarfile /app/app.jar", subject: "/app/app.jar", ..Example::BLANK },
        Example { log: "no main manifest attribute, in app.jar", subject: "app.jar", ..Example::BLANK },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Unable to access jarfile (\S+)",
    r"no main manifest attribute, in (\S+)",
    r"Could not find or load main class ([\w.$]+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.contains("surefire.booter") || case.log.contains("GradleWrapperMain") {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("java cannot start `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
