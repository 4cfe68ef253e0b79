//! `os-download-dns`: the name of a download host is not known.

use crate::diagnosis::Case;
use crate::diagnosis::downloads;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-download-dns",
    what: "The name of a download host is not known",
    why: "DNS failed for a moment, or the host does not exist any more.",
    advice: "Try again; a host that stays unknown is gone: use its successor.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "Could not resolve host",
        "curl: (6)",
        "unable to resolve host address",
        "bad address",
        "Temporary failure in name resolution",
        "exit code: 6",
        "non-zero code: 6",
    ],
    detect,
    examples: &[
        Example {
            log: "#6 [2/3] RUN curl -fO https://dl.example.net/x.zip\n#6 0.5 curl: (6) Could not resolve host: dl.example.net\n#6 ERROR: process \"/bin/sh -c curl -fO https://dl.example.net/x.zip\" did not complete successfully: exit code: 6",
            subject: "dl.example.net",
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN wget http://old.example.net/x.zip\n#6 0.5 Resolving old.example.net (old.example.net)... failed: Name or service not known.\n#6 0.5 wget: unable to resolve host address 'old.example.net'\n#6 ERROR: process \"/bin/sh -c wget http://old.example.net/x.zip\" did not complete successfully: exit code: 4",
            subject: "old.example.net",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:Could not resolve host|unable to resolve host address|bad address):? ['‘`]?(?P<host>[\w.-]+\.[\w-]+)",
    r"unable to resolve host address ['‘`](?P<host2>[\w.-]+)",
    r"(?P<none>Temporary failure in name resolution)|curl: \(6\)",
]);

static UNKNOWN: Phrases = Phrases::new(&[r"Name or service not known|NXDOMAIN"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    case.log.failing.as_ref()?;
    let seen = SHAPES.last(case, lines);
    let (at, host, confidence) = match &seen {
        Some(seen) => (seen.line, seen.named(&["host", "host2"]).to_owned(), 0.92),
        None => (downloads::silent_failure(case, &[("curl", 6)])?, String::new(), 0.8),
    };
    let host = if host.is_empty() { downloads::host(&downloads::address(case, at)) } else { host };
    let hit = Hit::at(at, &host, format!("the host `{host}` has no address")).confidence(confidence);
    // The name servers were reached and know no such name: asking again changes nothing.
    let is_gone = UNKNOWN.on(case, at).or_else(|| UNKNOWN.above(case, at, 2)).is_some();
    Some(if is_gone { hit.policy(Policy::Human) } else { hit })
}
