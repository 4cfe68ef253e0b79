//! `nat-openssl-rust`: a Rust build does not find OpenSSL.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_pkg_config};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-openssl-rust",
    what: "openssl-sys does not find OpenSSL",
    why: "The crate openssl-sys links against the system's OpenSSL, whose headers are not in the image.",
    advice: "Install pkg-config and libssl-dev (Alpine: openssl-dev), or use the rustls feature of the crate that pulls it in.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "failed to run custom build command for `openssl-sys",
        "could not find directory of openssl installation",
        "could not find openssl",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "error: failed to run custom build command for `openssl-sys v0.9.102`\n  Could not find directory of OpenSSL installation, and this `-sys` crate cannot",
        files: &[("Dockerfile", "FROM rust:1.80-slim\nCOPY . .\nRUN cargo build --release\n")],
        subject: "openssl-sys",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM rust:1.80-slim\nRUN apt-get update && apt-get install -y --no-install-recommends libssl-dev pkg-config \\\n && rm -rf /var/lib/apt/lists/*\nCOPY . .\nRUN cargo build --release\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"failed to run custom build command for `openssl-sys|Could not find directory of OpenSSL installation|Could not find openssl via pkg-config",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = "openssl-sys";
    let why = "the crate openssl-sys does not find OpenSSL";
    Some(Hit::at(found.line, subject, why).confidence(0.97))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let needs: Vec<_> = for_pkg_config("openssl").into_iter().collect();
    native::prescribe(case, &needs, "openssl-sys is linked against it")
}
