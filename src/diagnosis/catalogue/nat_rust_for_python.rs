//! `nat-rust-for-python`: a Python package is built with Rust, and there is no Rust compiler.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::pins;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-rust-for-python",
    what: "A Python package needs Rust to be built",
    why: "The package has no ready wheel for this Python or platform (or pip is too old to know its tag), and its sources are in Rust.",
    advice: "Raise pip first; take a release with a wheel; use a slim image in place of Alpine; else install cargo and rustc.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "can't find rust compiler",
        "this package requires rust",
        "cargo, the rust package manager, is not installed",
        "debug assistance",
        "maturin failed",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "Collecting tokenizers==0.13.3 (from -r requirements.txt (line 1))\n  Downloading tokenizers-0.13.3.tar.gz (314 kB)\n    error: can't find Rust compiler\n  ERROR: Failed building wheel for tokenizers",
        subject: "tokenizers",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:Cargo, the Rust package manager|can't find Rust compiler|This package requires Rust|maturin failed|DEBUG ASSISTANCE)",
]);
static PACKAGE: Phrases = Phrases::new(&[r"Failed building wheel for ([\w.\-]+)|Failed to build ([\w.\-]+)$"]);
static COLLECTING: Phrases = Phrases::new(&[r"^\s*Collecting ([\w.\-]+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let _ = found;
    let subject = PACKAGE
        .below(case, found.line, 80)
        .or_else(|| COLLECTING.above(case, found.line, 400))
        .map_or_else(|| "rust".to_owned(), |package| package.subject().to_owned());
    let why = format!("`{subject}` is built with Rust, which the image does not have");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    match pins::pin_of(case, &hit.subject) {
        Some(pin) => pins::fit_python(case, case.failing_instruction(), &hit.subject, Some(&pin)),
        None => Prescription::none(),
    }
}
