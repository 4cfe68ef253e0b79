//! `go-cgo`: A Go package needs a C compiler, or cgo is off.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "go-cgo",
    what: "A Go package needs a C compiler, or cgo is off",
    why: "cgo compiles C code: the image has no compiler, or CGO_ENABLED=0 leaves a package without any source.",
    advice: "Install a compiler in the build stage (`apk add build-base`, `gcc`), or set CGO_ENABLED=1 where a \
          package such as sqlite3 needs it.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "\"gcc\": executable file not found",
        "build constraints exclude all Go files",
        "C compiler \"gcc\" not found",
        "requires cgo to work",
        "cgo: C compiler",
    ],
    detect,
    examples: &[
        Example {
            log: "# runtime/cgo\ncgo: C compiler \"gcc\" not found: exec: \"gcc\": executable file not found in $PATH",
            subject: "gcc",
            ..Example::BLANK
        },
        Example {
            log: "2024/05/01 10:00:00 Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub",
            subject: "go-sqlite3",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"exec: "(\w+)": executable file not found in \$PATH"#,
    r#"C compiler "(\w+)" not found"#,
    r"build constraints exclude all Go files in \S*/([\w.-]+@?[\w.-]*)",
    r"([\w./-]+) requires cgo to work",
    r"go-(sqlite3) requires cgo",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a Go package needs cgo or a C compiler ({subject})");
    Some(Hit::at(found.line, subject, why))
}
