//! `go-no-module`: go finds no module for an import.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "go-no-module",
    what: "Go finds no module for an import",
    why: "go.mod is missing or was not copied, the folder is wrong, or the sources are laid out for GOPATH.",
    advice: "Copy go.mod and go.sum and build in their folder. An old project needs `go mod init` and `go mod \
          tidy` once.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "cannot find package \"",
        "does not begin with hostname",
        "is not in GOROOT",
        "is not in std",
        "cannot find main module",
        "go.mod file not found in current directory",
        "is not part of a module",
        "outside available modules",
        "no Go files in",
        "local import \"",
        "cannot find module for path",
        "does not contain main module",
        "directory prefix",
        "no go files in",
    ],
    detect,
    examples: &[
        Example {
            log: "main.go:10:2: cannot find package \"github.com/coreos/etcd/client\" in any of:\n\t/usr/local/go/src/github.com/coreos/etcd/client (from $GOROOT)",
            subject: "github.com/coreos/etcd/client",
            ..Example::BLANK
        },
        Example {
            log: "#8 0.2 go: go.mod file not found in current directory or any parent directory; see 'go help modules'",
            subject: "go.mod",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"package (\S+): cannot find package ""#,
    r#"cannot find package "([^"]+)""#,
    r"package (\S+): no Go files in",
    r"import path does not begin with hostname.*?(\S+)",
    r"package (\S+) is not in (?:GOROOT|std)",
    r#"local import "([^"]+)""#,
    r"cannot find module for path (\S+)",
    r"(go\.mod) file not found in current directory",
    r"cannot find (main module)",
    r"directory (\S+) outside (?:available modules|main module)",
    r"directory prefix (\S+) does not contain",
    r"(no Go files) in \S+",
    r"(working directory) is not part of a module",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("go has no module for `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
