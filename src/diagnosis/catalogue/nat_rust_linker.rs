//! `nat-rust-linker`: Rust finds no linker, or the linker no library.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_library};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-rust-linker",
    what: "Linking a Rust program fails",
    why: "rustc calls the C compiler to link. It is not in the image, or a library that is linked against is missing.",
    advice: "Install build-essential (Alpine: musl-dev), or the development package that the linker names.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "error: linking with `cc` failed",
        "linker `cc` not found",
        "linker `x86_64-linux-musl-gcc` not found",
        "error: linker `",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "error: linker `cc` not found\n  |\n  = note: No such file or directory (os error 2)",
        files: &[("Dockerfile", "FROM rust:1.80-slim\nCOPY . .\nRUN cargo build --release\n")],
        subject: "cc",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM rust:1.80-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential \\\n && rm -rf /var/lib/apt/lists/*\nCOPY . .\nRUN cargo build --release\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[r"linker `([\w.-]+)` not found|error: (linking) with `cc` failed"]);
static LIBRARY: Phrases = Phrases::new(&[r"cannot find (?:-l(\w+)|crti\.o)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = LIBRARY
        .below(case, found.line, 30)
        .map(|library| library.subject())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| found.subject());
    let why = format!("linking fails: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.9))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let need = for_library(&hit.subject).unwrap_or(compiler());
    native::prescribe(case, &[need], "rustc links with it")
}
