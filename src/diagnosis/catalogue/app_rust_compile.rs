//! `app-rust-compile`: the Rust sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};

pub const RULE: Rule = Rule {
    id: "app-rust-compile",
    what: "The Rust sources do not compile",
    why: "The compiler refuses the code of the project or of a crate that moved on.",
    advice: "Correct the line named; if it is a dependency, commit Cargo.lock or go back with `cargo update -p \
          <crate> --precise <version>`.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["aborting due to", "error: could not compile `", "error[E0", "could not compile `"],
    detect,
    examples: &[Example {
        log: "error[E0308]: mismatched types\n   --> src/main.rs:10:5\nerror: aborting due to previous error\nerror: could not compile `wireguard-p2p`",
        subject: "wireguard-p2p",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"(?i)error: could not compile `([\w-]+)`", r"error\[(E\d{4})\]", r"(aborting due to)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = compilers::refusal_of_rustc(case).unwrap_or_else(|| format!("Rust sources do not compile ({subject})"));
    Some(Hit::at(found.line, subject, why))
}
