//! `go-get-outside-module`: `go get` no longer installs programs.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "go-get-outside-module",
    what: "`go get` no longer installs programs",
    why: "Since Go 1.18 `go get` only edits go.mod; programs are installed with `go install package@version`.",
    advice: "Write `go install <package>@<version>`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "installing executables with 'go get'",
        "no longer supported outside a module",
        "no install location",
        "must be specified with a version",
        "requires a version when current directory is not in a module",
    ],
    detect,
    examples: &[Example {
        log: "go: go.mod file not found in current directory or any parent directory.\n\t'go get' is no longer supported outside a module.\n\tTo build and install a command, use 'go install' with a version,",
        subject: "go get",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(go get)' is no longer supported outside a module",
    r"(go get)' in module mode is deprecated",
    r"(go install): no install location",
    r"go: '(go install)' requires a version",
    r"(go install).*must be specified with a version",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` is not how this Go version installs programs");
    Some(Hit::at(found.line, subject, why))
}
