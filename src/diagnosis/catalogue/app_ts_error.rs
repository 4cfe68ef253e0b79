//! `app-ts-error`: the TypeScript sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};

pub const RULE: Rule = Rule {
    id: "app-ts-error",
    what: "The TypeScript sources do not compile",
    why: "The type checker refuses the code, or the types of a dependency moved.",
    advice: "Correct the line named. A missing type package can be added; type checks stay on.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["error TS", "Type error:", "TS2307", "TS7016"],
    detect,
    examples: &[
        Example {
            log: "#11 4.2 src/server.ts(14,7): error TS2322: Type 'string' is not assignable to type 'number'.",
            subject: "src/server.ts",
            ..Example::BLANK
        },
        Example {
            log: "Failed to compile.\n\n./app/page.tsx:12:5\nType error: Property 'x' does not exist on type '{}'.",
            subject: "app/page.tsx",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"([\w./\[\]@-]+\.(?:tsx?|mts|cts|vue))[(:]\d+[,:]\d+\)?:? (?:- ?)?error (?:TS\d+)",
    r"\./([\w./\[\]-]+\.tsx?):\d+:\d+",
    r"error (TS\d+)",
    r"(Type error): ",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = compilers::refusal(case, found.line, subject);
    Some(Hit::at(found.line, subject, why))
}
