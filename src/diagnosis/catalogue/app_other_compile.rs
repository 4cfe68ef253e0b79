//! `app-other-compile`: the sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};

pub const RULE: Rule = Rule {
    id: "app-other-compile",
    what: "The sources do not compile",
    why: "The compiler of a less common language refuses the code.",
    advice: "Correct the line named.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Symptom,
    needles: &[":error: ", ": error:", ": error cs", ": error fs", ": error bc"],
    detect,
    examples: &[
        Example {
            log: "Program.cs(10,13): error CS0103: The name 'Foo' does not exist in the current context [/src/App.csproj]\n\nBuild FAILED.",
            subject: "Program.cs",
            ..Example::BLANK
        },
        Example {
            log: "src/Main.hs:12:5: error:\n    Variable not in scope: foo",
            subject: "src/Main.hs",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"([\w./-]+\.(?:hs|ml|mli|f90|dm|d|nim|zig|pas|adb|erl)):\d+(?::\d+)?: ?error:?",
    r"([\w./-]+\.(?:cs|fs|vb))\(\d+,\d+\): error (?:CS|FS|BC)\d+",
    r"^(?:CSC|FSC|VBC) : error ((?:CS|FS|BC)\d+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = compilers::refusal(case, found.line, subject);
    Some(Hit::at(found.line, subject, why))
}
