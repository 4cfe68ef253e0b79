//! `nat-compiler-too-new`: old native code does not compile with a newer compiler.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-compiler-too-new",
    what: "The compiler is too new for the code",
    why: "GCC 6, 10 and 14 turned warnings of old code into errors.",
    advice: "Raise the package to a release that compiles, or base the image on the suite of the code's time.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "error: iso c++17 does not allow",
        "multiple definition of",
        "[-werror=implicit-function-declaration]",
        "[-wimplicit-function-declaration]",
        "[-wint-conversion]",
        "[-wincompatible-pointer-types]",
        "[-wnarrowing]",
        "error: narrowing conversion",
    ],
    detect,
    examples: &[Example {
        log: "foo.cpp:10:5: error: ISO C++17 does not allow dynamic exception specifications\nerror: command 'gcc' failed with exit status 1",
        subject: "ISO C++17 does not allow dynamic exception specifications",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"error: (ISO C\+\+17 does not allow .{1,40})|error: (?:implicit declaration of function|.*) ['‘]?(\w+)['’]?.*\[-W(?:implicit-function-declaration|int-conversion|incompatible-pointer-types|narrowing)\]",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the code at `{subject}` is older than the compiler allows");
    Some(Hit::at(found.line, subject, why).confidence(0.75))
}
