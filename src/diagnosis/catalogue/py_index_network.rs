//! `py-index-network`: the package index did not answer.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "py-index-network",
    what: "The package index could not be reached",
    why: "The connection between the builder and the index broke or timed out. Nothing is wrong with the files.",
    advice: "Try again. If it keeps failing, look at the index's status page.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &[
        "cannot fetch index base url",
        "readtimeouterror",
        "incompleteread",
        "max retries exceeded with url: /simple",
        "failed to download distribution due to network timeout",
        "503 service unavailable for url",
        "newconnectionerror",
        "connection reset by peer",
        "read timed out",
        "temporary failure in name resolution",
        "502 bad gateway for url",
        "429 client error",
        "protocolerror",
    ],
    detect,
    examples: &[Example {
        log: "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='files.pythonhosted.org', port=443): Read timed out.",
        subject: "files.pythonhosted.org",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:host='?([\w.-]+)'?|HTTPSConnectionPool\(host='([\w.-]+)'|(?:for|at) (?:url: ?)?https?://([\w.-]+))?.*(?:Cannot fetch index base URL|ReadTimeoutError|IncompleteRead|Max retries exceeded with url: /(?:simple|packages)|Read timed out|Failed to download distribution due to network timeout|50[23] (?:Service Unavailable|Bad Gateway|Server Error).*for url|NewConnectionError|ProtocolError)",
]);
static HOST: Phrases = Phrases::new(&[r"host='([\w.\-]+)'|https?://([\w.\-]+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    // pip warns of each retry; one that went well in the end is no failure. Other tools have classes of their own.
    let of_python = ["pip", "uv ", "poetry", "pypi", "pythonhosted", "/simple"].iter().any(|mark| case.mentions(mark));
    let gave_up =
        !case.text(found.line).contains("WARNING: Retrying") && !case.text(found.line).contains("Retrying (Retry(");
    if !of_python || !gave_up {
        return None;
    }
    let host = HOST.on(case, found.line).map(|host| host.subject());
    let subject = host.unwrap_or_else(|| found.subject());
    let why = "the package index did not answer";
    Some(Hit::at(found.line, subject, why).confidence(0.85))
}
