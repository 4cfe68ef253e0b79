//! `app-make-no-rule`: make fails.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-make-no-rule",
    what: "make fails",
    why: "The Makefile or a file it needs is not there, or a command in it failed.",
    advice: "Copy the file named; if a recipe failed, the lines above tell why.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Wrapper,
    needles: &[
        "No rule to make target",
        "No targets specified and no makefile found",
        "make: *** [",
        "recipe for target",
    ],
    detect,
    examples: &[
        Example { log: "make: *** No rule to make target 'build'.  Stop.", subject: "build", ..Example::BLANK },
        Example { log: "make: *** [Makefile:12: deps] Error 127", subject: "deps", ..Example::BLANK },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"No rule to make target [`'‘](\S+?)['’]",
    r"No targets specified and no (makefile) found",
    r"recipe for target '([^']+)' failed",
    r"make(?:\[\d+\])?: \*\*\* \[(?:[^\]:]+:\d+: )?([^\]]+)\] Error",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let weight = if found.wording < 2 { Weight::Typical } else { Weight::Wrapper };
    let subject = found.subject();
    let why = format!("make cannot make `{subject}`");
    Some(Hit::at(found.line, subject, why).weight(weight))
}
