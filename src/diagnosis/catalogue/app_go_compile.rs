//! `app-go-compile`: the Go sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};

pub const RULE: Rule = Rule {
    id: "app-go-compile",
    what: "The Go sources do not compile",
    why: "The compiler refuses the code, often because a dependency that is not pinned changed its interface.",
    advice: "Correct the line named, or pin the dependency to the version of the last good build.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        ": undefined: ",
        "not enough arguments in call",
        "too many arguments in call",
        "imported and not used",
        "declared and not used",
        "cannot use ",
        "has no field or method",
        "syntax error:",
        "missing return",
        "redeclared in this block",
        "declared but not used",
        "too many arguments to return",
        "assignment mismatch",
        "does not implement",
        ": no matching files found",
    ],
    detect,
    examples: &[
        Example {
            log: "# example.org/app/internal/store\ninternal/store/store.go:41:9: undefined: Connect",
            subject: "internal/store/store.go",
            ..Example::BLANK
        },
        Example { log: "#12 8.1 ./main.go:7:2: \"os\" imported and not used", subject: "./main.go", ..Example::BLANK },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"([\w./@-]+\.go):\d+:\d+: (?:undefined: |not enough arguments|too many arguments|.*imported and not used|.*declared (?:and|but) not used|cannot use |.*has no field or method|syntax error:|missing return|.*redeclared|too many|assignment mismatch|.*does not implement|impossible|invalid|non-|pattern \S+: no matching files found)",
    r"([\w./@-]+\.go):\d+: (?:undefined: |syntax error:|cannot use |.*imported and not used|.*declared (?:and|but) not used)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = compilers::refusal(case, found.line, subject);
    Some(Hit::at(found.line, subject, why))
}
