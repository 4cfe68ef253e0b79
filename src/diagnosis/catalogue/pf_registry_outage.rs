//! `pf-registry-outage`: a package registry or download host answers with an error of its own.

use crate::diagnosis::Case;
use crate::diagnosis::downloads;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-registry-outage",
    what: "A package registry or download host answers with an error of its own",
    why: "Answers of the 5xx kind mean that the server, not the request, is at fault.",
    advice: "Try again later.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Symptom,
    needles: &[
        "503 Service Unavailable",
        "502 Bad Gateway",
        "500 Internal Server Error",
        "504 Gateway",
        "upstream connect error",
        "Backend fetch failed",
        "503 Service Temporarily Unavailable",
        "429 Too Many Requests",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN bundle install\n#6 0.5 Gem::RemoteFetcher::FetchError: bad response Service Unavailable 503 (https://rubygems.org/specs.4.8.gz)\n#6 0.5 HTTP 503 Service Unavailable https://rubygems.org/specs.4.8.gz\n#6 ERROR: process \"/bin/sh -c bundle install\" did not complete successfully: exit code: 1",
        subject: "rubygems.org",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<code>50[0234] (?:Service|Bad|Internal|Gateway)[\w ]*)",
    r"(?P<what>upstream connect error|Backend fetch failed)",
    r"(?P<code2>429 Too Many Requests)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = {
        let host = downloads::host(&downloads::address(case, seen.line));
        if host.is_empty() { seen.named(&["code", "what", "code2"]).to_owned() } else { host }
    };
    let why = format!("a server on the way has trouble: {subject}");
    Some(Hit::at(seen.line, subject, why).confidence(0.85))
}
