//! `go-legacy-manager`: A retired Go dependency manager is used.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "go-legacy-manager",
    what: "A retired Go dependency manager is used",
    why: "dep, glide, godep and govendor are gone since Go modules; the image does not have them, or they \
          cannot read the project.",
    advice: "Move to modules (`go mod init` imports the old lock), or stay with an old golang image and \
          GO111MODULE=off.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "Gopkg.toml",
        "use dep init",
        "godep: No Godeps",
        "Error resolving imports",
        "glide: not found",
        "dep: not found",
        "glide: command not found",
        "dep: command not found",
        "godep: not found",
        "govendor: not found",
        "make: dep:",
        "make: glide:",
        "Godeps/_workspace",
        "must be imported as",
    ],
    detect,
    examples: &[
        Example { log: "/bin/sh: 1: dep: not found\nmake: *** [deps] Error 127", subject: "dep", ..Example::BLANK },
        Example {
            log: "make: dep: No such file or directory\nMakefile:12: recipe for target 'deps' failed",
            subject: "dep",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"could not find project (Gopkg\.toml)",
    r"(?:make(?:\[\d+\])?|sh|/bin/sh|bash):(?: line)?(?: \d+:)? (dep|glide|godep|govendor): (?:No such file|(?:command )?not found)",
    r"(godep): No Godeps found",
    r"(Failed to retrieve a list of dependencies)",
    r"(Godep)s/_workspace\S*\.go:\d+.*must be imported as",
    r"(?:use|run) `?(dep) init",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the retired dependency manager `{subject}` cannot do its work in this image");
    Some(Hit::at(found.line, subject, why))
}
