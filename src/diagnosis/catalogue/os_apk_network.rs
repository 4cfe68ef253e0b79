//! `os-apk-network`: the Alpine mirror was not reached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apk-network",
    what: "The Alpine mirror was not reached",
    why: "The mirror had trouble, or an edge repository is mixed with a release.",
    advice: "Try again; remove the edge repository.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "temporary error (try again later)",
        "BAD signature",
        "UNTRUSTED signature",
        "WARNING: Ignoring",
        "APKINDEX.tar.gz: No such file",
        "unable to select packages",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apk add git\n#6 0.5 WARNING: fetching https://dl-cdn.alpinelinux.org/alpine/v3.20/main: temporary error (try again later)\n#6 0.5 ERROR: unable to select packages:\n#6 ERROR: process \"/bin/sh -c apk add git\" did not complete successfully: exit code: 1",
        subject: "https://dl-cdn.alpinelinux.org/alpine/v3.20/main",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:ERROR|WARNING): (?:Ignoring |fetching )?(?P<url>https?://[^\s:]+)\S*: .*(?:temporary error|BAD signature|UNTRUSTED|No such file|network|IO ERROR|DNS)",
    r"(?P<a>temporary error \(try again later\)|BAD signature|UNTRUSTED signature)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "url"]).to_owned();
    let why = "the Alpine mirror was not reached";
    Some(Hit::at(seen.line, subject, why).confidence(0.88))
}
