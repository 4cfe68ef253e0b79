//! `os-gpg-keyserver`: a signing key could not be fetched.

use crate::diagnosis::Case;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-gpg-keyserver",
    what: "A signing key could not be fetched",
    why: "The keyserver is gone (pool.sks-keyservers.net since 2021) or did not answer, or the image has no gnupg.",
    advice: "Fetch the key over https from the vendor, or from keyserver.ubuntu.com; install gnupg first.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "no valid OpenPGP data",
        "gnupg1 do not seem to be installed",
        "keyserver receive failed",
        "GPG signature verification failed",
        "keyserver timed out",
        "Can't check signature",
        "gpg: not found",
        "apt-key: not found",
        "gpgkeys: key",
        "gpg: keyserver",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN gpg --keyserver ha.pool.sks-keyservers.net --recv-keys ABCD\n#6 0.5 gpg: keyserver receive failed: No name\n#6 ERROR: process \"/bin/sh -c gpg --keyserver ha.pool.sks-keyservers.net --recv-keys ABCD\" did not complete successfully: exit code: 2",
        files: &[(
            "Dockerfile",
            "FROM debian:bookworm\nRUN gpg --keyserver ha.pool.sks-keyservers.net --recv-keys ABCD\n",
        )],
        subject: "ha.pool.sks-keyservers.net",
        remedy: Some((
            "other-keyserver",
            &[("Dockerfile", "FROM debian:bookworm\nRUN gpg --keyserver keyserver.ubuntu.com --recv-keys ABCD\n")],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"gpgkeys: key (?P<key>\w+) (?:partial|not found|can)",
    r"gpg: keyserver (?:receive|search) failed|keyserver timed out",
    r"(?P<gnupg>gnupg), gnupg2 and gnupg1 do not seem to be installed|(?P<cmd>gpg|apt-key): not found",
    r"gpg: no valid OpenPGP data found|GPG signature verification failed for (?P<url>\S+)|gpg: Can't check signature",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = match seen.named(&["gnupg", "cmd"]) {
        "" => key_or_server(case, seen.named(&["key", "url"])),
        tool => tool.to_owned(),
    };
    let why = "a signing key could not be fetched";
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    if matches!(hit.subject.as_str(), "gnupg" | "gpg" | "apt-key") {
        return Prescription::none().with(
            "install-gnupg",
            "Install gnupg first",
            "the step needs gpg, which slim images lack",
            Applicability::Rehearse,
            installs::provide(case, index, &["gnupg"]),
        );
    }
    let gone =
        hit.subject.ends_with("sks-keyservers.net") || matches!(hit.subject.as_str(), "pgp.mit.edu" | "keys.gnupg.net");
    // The sks-keyservers.net pool was shut down in June 2021; keyserver.ubuntu.com holds the same keys.
    let edit = gone.then(|| {
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            &hit.subject,
            "keyserver.ubuntu.com",
        )
    });
    Prescription::none().with(
        "other-keyserver",
        "Ask keyserver.ubuntu.com for the key",
        "the keyserver of the Dockerfile was shut down; this one holds the same keys",
        Applicability::Rehearse,
        edit.flatten(),
    )
}

/// The server that the step asks, else the key.
fn key_or_server(case: &Case<'_>, key: &str) -> String {
    static SERVER: Phrases = Phrases::new(&[r#"--keyserver[ =]["']?(?:\w+://)?([\w.-]+)|(pool\.sks-keyservers\.net)"#]);
    let command = case.log.failing.as_ref().map_or("", |step| step.command.as_str());
    let server = SERVER.read(command).and_then(|found| found.get(1).or(found.get(2))).map(|server| server.to_owned());
    server.unwrap_or_else(|| key.to_owned())
}
