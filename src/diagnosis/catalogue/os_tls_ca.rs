//! `os-tls-ca`: a certificate is not trusted.

use crate::diagnosis::Case;
use crate::diagnosis::downloads;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-tls-ca",
    what: "A certificate is not trusted",
    why: "The image has no or old CA certificates, or the certificate of the other side is really bad.",
    advice: "Install ca-certificates, or take a newer base image; never switch the check off.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "certificate has expired",
        "certificate verify failed",
        "CERTIFICATE_VERIFY_FAILED",
        "gnutls_handshake",
        "Unable to locally verify",
        "curl: (60)",
        "curl: (77)",
        "local issuer certificate",
        "unknown authority",
        "CAfile: none",
        "server certificate verification failed",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN git clone https://github.com/a/b\n#6 0.5 fatal: unable to access 'https://github.com/a/b/': server certificate verification failed. CAfile: none CRLfile: none\n#6 ERROR: process \"/bin/sh -c git clone https://github.com/a/b\" did not complete successfully: exit code: 128",
        files: &[(
            "Dockerfile",
            "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y --no-install-recommends git\nRUN git clone https://github.com/a/b\n",
        )],
        subject: "github.com",
        remedy: Some((
            "install-certificates",
            &[(
                "Dockerfile",
                "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y --no-install-recommends git ca-certificates\nRUN git clone https://github.com/a/b\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<a>CAfile: none|curl: \(77\))",
    r"(?P<b>certificate has expired|certificate verify failed|CERTIFICATE_VERIFY_FAILED|gnutls_handshake\(\) failed|Unable to locally verify the issuer|curl: \(60\)|unable to get local issuer certificate|signed by unknown authority|server certificate verification failed)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = match downloads::host(&downloads::address(case, seen.line)) {
        host if host.is_empty() => seen.named(&["a", "b"]).to_owned(),
        host => host,
    };
    let why = "a certificate is not trusted";
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    if case.dockerfile.text().contains("ca-certificates") || case.log.contains("certificate has expired") {
        return Prescription::none();
    }
    Prescription::none().with(
        "install-certificates",
        "Install ca-certificates",
        "the image has no list of authorities that it could trust",
        Applicability::Rehearse,
        installs::provide(case, index, &["ca-certificates"]),
    )
}
