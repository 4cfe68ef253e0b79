//! `node-network`: the npm registry could not be reached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-network",
    what: "The npm registry could not be reached",
    why: "A time-out or a broken connection. Nothing is wrong with the files.",
    advice: "Build once more.",
    stage: Stage::DepResolution,
    severity: Severity::Medium,
    policy: Policy::Retry,
    weight: Weight::Typical,
    before: &["db-host-unresolved"],
    needles: &[
        "network connection",
        "network timeout at",
        "EAI_AGAIN",
        "ERR_SOCKET_TIMEOUT",
        "ERR_PNPM_META_FETCH_FAIL",
        "code ETIMEDOUT",
        "code ECONNRESET",
        "503 Service Unavailable - GET",
        "502 Bad Gateway - GET",
        "code EIDLETIMEOUT",
        "cb() never called",
        "ESOCKETTIMEDOUT",
        "code E503",
        "code E502",
        "code ECONNREFUSED",
        "code ENOTFOUND",
        "504 Gateway",
        "socket hang up",
    ],
    detect,
    examples: &[
        Example {
            log: "npm error code EAI_AGAIN\nnpm error syscall getaddrinfo\nnpm error errno EAI_AGAIN\nnpm error request to https://registry.npmjs.org/express failed, reason: getaddrinfo EAI_AGAIN registry.npmjs.org",
            subject: "registry.npmjs.org",
            ..Example::BLANK
        },
        Example { log: "npm ERR! code ECONNRESET\nnpm ERR! network aborted", subject: "ECONNRESET", ..Example::BLANK },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(?:npm (?:ERR!|error)|ERR_PNPM\S*|error).*?request to https?://([^/\s]+)\S* failed, reason",
    r"(?:npm (?:ERR!|error)).*?(?:50[234]) [\w ]+ - GET https?://([^/\s]+)",
    r"network timeout at: https?://([^/\s]+)",
    r"(ERR_PNPM_META_FETCH_FAIL|ERR_SOCKET_TIMEOUT)",
    r"npm (?:ERR!|error) code (ETIMEDOUT|ECONNRESET|EAI_AGAIN|EIDLETIMEOUT|E50[234]|ECONNREFUSED|ENOTFOUND|ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT)",
    r#"error An unexpected error occurred: "https?://([^/\s"]+)\S*: (?:ESOCKETTIMEDOUT|ETIMEDOUT|ECONNRESET|tunneling socket|connect)"#,
    r"npm (?:ERR!|error) (?:cb\(\) never called)",
    r"error.*trouble with your network connection",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the npm registry could not be reached ({subject})");
    Some(Hit::at(found.line, subject, why))
}
