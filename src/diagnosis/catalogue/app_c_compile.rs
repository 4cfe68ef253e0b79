//! `app-c-compile`: the C or C++ sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};

pub const RULE: Rule = Rule {
    id: "app-c-compile",
    what: "The C or C++ sources do not compile",
    why: "The code of the project, or of something that is cloned unpinned, does not fit the compiler.",
    advice: "Pin what is cloned to a release; otherwise correct the line named.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Symptom,
    needles: &[": error: "],
    detect,
    examples: &[Example {
        log: "src/main.cpp:22:7: error: 'foo' was not declared in this scope\nmake: *** [CMakeFiles/app.dir/build.make:63: src/main.cpp.o] Error 1",
        subject: "src/main.cpp",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"([\w./+-]+\.(?:c|cc|cpp|cxx|h|hpp)):\d+:\d+: (?:fatal )?error: "]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.failing.as_ref().is_some_and(|step| {
        ["pip", "npm ", "yarn", "bundle", "gem ", "pnpm"].iter().any(|tool| step.command.contains(tool))
    }) {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = compilers::refusal(case, found.line, subject);
    Some(Hit::at(found.line, subject, why))
}
