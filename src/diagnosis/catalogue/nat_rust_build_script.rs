//! `nat-rust-build-script`: the build script of a crate fails.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_command};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-rust-build-script",
    what: "The build script of a Rust crate fails",
    why: "A crate runs a program before it is compiled. It looks for a tool or a library (protoc, libclang, cmake) that is not in the image.",
    advice: "Install the tool that the message under the crate names.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &["failed to run custom build command for", "unable to find libclang", "could not find `protoc`"],
    detect,
    remedies,
    examples: &[Example {
        log: "error: failed to run custom build command for `shop v0.1.0 (/app)`\n  Error: Custom { kind: NotFound, error: \"Could not find `protoc`. If `protoc` is installed, try setting the `PROTOC` environment variable\" }",
        files: &[("Dockerfile", "FROM rust:1.80\nCOPY . .\nRUN cargo build --release\n")],
        subject: "protoc",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM rust:1.80\nRUN apt-get update && apt-get install -y --no-install-recommends protobuf-compiler \\\n && rm -rf /var/lib/apt/lists/*\nCOPY . .\nRUN cargo build --release\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(Unable to find libclang)|Could not find `(protoc)`|failed to run custom build command for `([\w-]+) v",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let named = lines.iter().rev().filter_map(|at| SAYS.on(case, *at)).find(|found| found.get(3).is_none());
    let found = named.unwrap_or(found);
    let subject = match found.subject() {
        said if said.contains("libclang") => "libclang",
        said => said,
    };
    let why = format!("the build script of a crate needs `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.88))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(need) = for_command(&hit.subject) else { return Prescription::none() };
    native::prescribe(case, &[need], "the crate's build script calls it")
}
