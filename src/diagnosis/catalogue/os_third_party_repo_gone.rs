//! `os-third-party-repo-gone`: a vendor repository no longer serves this release.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-third-party-repo-gone",
    what: "A vendor repository no longer serves this release",
    why: "NodeSource, a PPA, MongoDB, Yarn or Docker have no packages for this release of the distribution (any more).",
    advice: "Use the distribution's package, a newer version of the vendor's repository, or a stage that copies the tool from its own image.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "does not have a Release file",
        "Cannot add PPA",
        "add-apt-repository: not found",
        "is not currently",
        "404  Not Found",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apt-get update\n#6 0.5 E: The repository 'http://ppa.launchpad.net/deadsnakes/ppa/ubuntu artful Release' does not have a Release file.\n#6 ERROR: process \"/bin/sh -c apt-get update\" did not complete successfully: exit code: 100",
        subject: "ppa.launchpad.net",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"The repository 'https?://(?P<host>[^/' ]+)\S* [^']*' (?:does not have|no longer has) a Release file",
    r"Cannot add PPA: '(?P<ppa>[^']+)'",
    r#"identified as "(?P<suite>[^"]+)", is not currently"#,
    r"^(?:Err:\d+|E: Failed to fetch) https?://(?P<host2>[^/ ]+)/\S*.*404",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let host = seen.named(&["host", "host2"]);
    let mirrors = [
        "deb.debian.org",
        "security.debian.org",
        "archive.ubuntu.com",
        "security.ubuntu.com",
        "httpredir.debian.org",
        "ports.ubuntu.com",
        "old-releases.ubuntu.com",
        "archive.debian.org",
    ];
    if mirrors.contains(&host)
        || host.ends_with(".archive.ubuntu.com")
        || host.ends_with(".debian.org")
        || host.ends_with(".example")
    {
        return None;
    }
    let subject = match seen.named(&["host", "host2"]) {
        "" if seen.named(&["suite"]).is_empty() => seen.named(&["ppa"]).to_owned(),
        "" => "deb.nodesource.com".to_owned(),
        host => host.to_owned(),
    };
    let why = format!("`{subject}` has no packages for this release");
    // What one person published and took away has no other source.
    let policy = if subject.starts_with("ppa:") { Policy::Human } else { RULE.policy };
    Some(Hit::at(seen.line, subject, why).policy(policy).confidence(0.93))
}
