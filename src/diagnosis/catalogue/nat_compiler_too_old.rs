//! `nat-compiler-too-old`: native code needs a newer compiler.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-compiler-too-old",
    what: "The compiler is too old for the code",
    why: "The code uses a newer C++ standard than the compiler of this image knows.",
    advice: "Base the image on a newer suite, or pin the code to a release of the compiler's time.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "unrecognized command line option",
        "fatal error: optional: no such file",
        "fatal error: string_view: no such file",
        "fatal error: filesystem: no such file",
        "requires c++14",
        "requires c++17",
        "error: #error \"you need c++",
    ],
    detect,
    examples: &[Example {
        log: "g++: error: unrecognized command line option '-std=c++17'",
        subject: "-std=c++17",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"unrecognized command[- ]line option ['‘](-std=\S+?)['’]|fatal error: (optional|string_view|filesystem|charconv|concepts): No such file|requires (C\+\+1[47]|C\+\+20)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the code needs `{subject}`, which this compiler does not know");
    Some(Hit::at(found.line, subject, why).confidence(0.9))
}
