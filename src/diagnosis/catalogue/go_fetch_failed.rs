//! `go-fetch-failed`: A Go module cannot be fetched.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "go-fetch-failed",
    what: "A Go module cannot be fetched",
    why: "The version or the repository is gone or private, or the proxy was not reachable.",
    advice: "For a private module set GOPRIVATE and give the build a token; for a version that is gone take the \
          nearest tag.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "unrecognized import path",
        "unknown revision",
        "terminal prompts disabled",
        "invalid pseudo-version",
        "reading https://proxy.golang.org",
        "dial tcp: lookup proxy.golang.org",
        "invalid version:",
        "410 Gone",
        ": verifying module:",
    ],
    detect,
    examples: &[
        Example {
            log: "go: github.com/acme/lib@v1.9.9: invalid version: unknown revision v1.9.9",
            subject: "github.com/acme/lib@v1.9.9",
            ..Example::BLANK
        },
        Example {
            log: "fatal: could not read Username for 'https://github.com': terminal prompts disabled\npackage github.com/acme/oper: exit status 128",
            subject: "https://github.com",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"unrecognized import path "([^"]+)""#,
    r"go: (\S+@\S+?): (?:invalid version: )?unknown revision",
    r"go: (\S+@\S+?): invalid pseudo-version",
    r"go: (\S+@\S+?):? reading https://proxy",
    r"go: (\S+@\S+?): .*(?:terminal prompts disabled|exit status 128|410 Gone|verifying (?:module|go\.mod): .*(?:404 Not Found|410 Gone))",
    r"unknown revision (\S+)",
    r"could not read Username for '(https://[^']+)': terminal prompts disabled",
    r"reading https://proxy\.golang\.org/(\S+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` cannot be fetched");
    Some(Hit::at(found.line, subject, why))
}
