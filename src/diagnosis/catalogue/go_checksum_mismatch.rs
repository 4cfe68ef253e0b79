//! `go-checksum-mismatch`: A Go module is not the one that go.sum knows.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "go-checksum-mismatch",
    what: "A Go module is not the one that go.sum knows",
    why: "A tag was moved, or a private module is looked up in the public sum database.",
    advice: "Find out why the module changed before go.sum is edited. For own modules set GOPRIVATE.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    before: &["os-download-checksum"],
    needles: &["checksum mismatch", "SECURITY ERROR"],
    detect,
    examples: &[Example {
        log: "verifying github.com/acme/lib@v1.0.0: checksum mismatch\n\tdownloaded: h1:aaa=\n\tgo.sum:     h1:bbb=\n\nSECURITY ERROR",
        subject: "github.com/acme/lib@v1.0.0",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"verifying (\S+@\S+?): checksum mismatch", r"(\S+@\S+?): checksum mismatch", r"SECURITY ERROR"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the checksum of `{subject}` differs from go.sum");
    Some(Hit::at(found.line, subject, why))
}
