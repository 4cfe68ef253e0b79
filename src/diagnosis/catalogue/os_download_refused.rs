//! `os-download-refused`: a download host does not answer.

use crate::diagnosis::Case;
use crate::diagnosis::downloads;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-download-refused",
    what: "A download host does not answer",
    why: "The host has an address but refuses or does not answer: the server is gone, a fixed mirror was retired, or a private proxy is written into the file.",
    advice: "Try once more; then use the project's own download host.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "curl: (7)",
        "curl: (28)",
        "curl: (35)",
        "curl: (56)",
        "couldn't connect to host",
        "failed: Connection refused",
        "failed: Connection timed out",
        "Connection timed out",
        "exit code: 7",
        "exit code: 28",
        "exit code: 35",
        "exit code: 56",
        "exit code: 4",
        "non-zero code: 7",
        "non-zero code: 28",
        "non-zero code: 4",
        "non-zero code: 35",
        "non-zero code: 56",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN curl -O https://dl.example.net/x.zip\n#6 0.5 curl: (7) Failed to connect to dl.example.net port 443: Connection refused\n#6 ERROR: process \"/bin/sh -c curl -O https://dl.example.net/x.zip\" did not complete successfully: exit code: 7",
        subject: "dl.example.net",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"curl: \((?:7|28|35|56)\).*?(?:connect to (?P<host>[\w.-]+))?",
    r"Trying (?P<host2>[\d.]+|[\w.-]+)\.\.\..*(?:timed out|refused)",
    r"couldn't connect to host|failed: Connection (?:refused|timed out)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    case.log.failing.as_ref()?;
    static CONNECT: Phrases = Phrases::new(&[r"connect to (?P<host>[\w-]+\.[\w.-]+)"]);
    let seen = SHAPES.last(case, lines);
    let codes = [("curl", 7), ("curl", 28), ("curl", 35), ("curl", 56), ("wget", 4)];
    let (at, host, confidence) = match &seen {
        Some(seen) => (seen.line, seen.named(&["host2"]).to_owned(), 0.9),
        None => (downloads::silent_failure(case, &codes)?, String::new(), 0.75),
    };
    let named = CONNECT.on(case, at).map(|found| found.named(&["host"]).to_owned());
    let host =
        if host.is_empty() { named.unwrap_or_else(|| downloads::host(&downloads::address(case, at))) } else { host };
    Some(Hit::at(at, &host, format!("the host `{host}` does not answer")).confidence(confidence))
}
