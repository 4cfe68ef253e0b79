//! `go-sum`: go.sum or vendor is out of step.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "go-sum",
    what: "go.sum or vendor is out of step",
    why: "go.mod, go.sum, vendor/ and the imports must fit together; one of them was changed alone or not \
          copied.",
    advice: "Run `go mod tidy` and commit go.mod and go.sum; copy go.sum beside go.mod in the Dockerfile.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "missing go.sum entry",
        "updates to go.mod needed",
        "inconsistent vendoring",
        "no required module provides package",
        "to add it:",
        "updates to go.sum needed",
        "-mod=readonly",
    ],
    detect,
    examples: &[
        Example {
            log: "main.go:8:2: no required module provides package github.com/gorilla/mux; to add it:\n\tgo get github.com/gorilla/mux",
            subject: "github.com/gorilla/mux",
            ..Example::BLANK
        },
        Example {
            log: "main.go:4:2: missing go.sum entry for module providing package github.com/google/uuid; to add:\n\tgo mod download github.com/google/uuid",
            subject: "github.com/google/uuid",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"missing go\.sum entry for module providing package (\S+?)[;:]?(?:\s|$)",
    r"(\S+@\S+?): missing go\.sum entry",
    r"missing go\.sum entry for (\S+)",
    r"no required module provides package (\S+?)[;:](?:\s|$)",
    r"(inconsistent vendoring)",
    r"updates to (go\.(?:mod|sum)) needed",
    r"missing (go\.sum) entry",
    r"cannot query module due to (-mod=\w+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("go.sum, vendor or go.mod do not fit the imports ({subject})");
    Some(Hit::at(found.line, subject, why))
}
