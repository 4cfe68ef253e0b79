//! `node-integrity`: A downloaded package is not the one in the lock file.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-integrity",
    what: "A downloaded package is not the one in the lock file",
    why: "The bytes do not have the checksum that the lock file states: a corrupted cache, a mirror, or a \
          package that was published anew.",
    advice: "Build once more without cache. If it stays, find out why the package changed before its lock entry is \
          refreshed.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "code EINTEGRITY",
        "Integrity check failed",
        "integrity checksum failed",
        "ERR_PNPM_TARBALL_INTEGRITY",
        "YN0018",
    ],
    detect,
    examples: &[
        Example {
            log: "npm error code EINTEGRITY\nnpm error sha512-AAAA== integrity checksum failed when using sha512: wanted sha512-AAAA== but got sha512-BBBB==. (1204 bytes)",
            subject: "1204",
            ..Example::BLANK
        },
        Example {
            log: "error https://registry.yarnpkg.com/a/-/a-1.0.0.tgz: Integrity check failed for \"a\" (computed integrity doesn't match our records, got \"sha1-x\")",
            subject: "a",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"EINTEGRITY.*?(\S+@\S+)",
    r"integrity checksum failed when using \w+: wanted \S+ but got \S+.*?\((\d+)",
    r#"Integrity check failed for "([^"]+)""#,
    r#"ERR_PNPM_TARBALL_INTEGRITY.*?"?(https?://\S+?)"?[ :,]"#,
    r"YN0018.*?(\S+@\S+?):",
    r"code (EINTEGRITY)",
    r"(integrity) checksum failed",
    r"(Integrity) check failed",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the checksum of a downloaded package differs from the lock file ({subject})");
    Some(Hit::at(found.line, subject, why))
}
