//! `ctx-add-url-404`: a file that ADD downloads is not there.

use crate::diagnosis::Case;
use crate::diagnosis::downloads;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ctx-add-url-404",
    what: "A file that ADD downloads is not there",
    why: "ADD fetches the address while the image is built. The server no longer has the file, or refuses it.",
    advice: "Look for the new place of the file, or keep it in the repository.",
    stage: Stage::ContextCopy,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "ADD failed: failed to GET",
        "ADD failed: Get",
        "invalid not-modified ETag",
        "invalid response status",
        "failed to load cache key",
    ],
    detect,
    examples: &[Example {
        log: "Step 2/3 : ADD https://example.com/x.tar.gz /tmp/\nADD failed: failed to GET https://example.com/x.tar.gz with status 404 Not Found: <html>",
        subject: "https://example.com/x.tar.gz",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"ADD failed: (?:failed to )?(?:GET|Get) "?(?P<url>https?://[^\s"]+)"#,
    r"(?:failed to load cache key|ADD.*): invalid response status (?P<code>\d+)",
    r"invalid not-modified ETag",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = match seen.named(&["url"]) {
        "" => downloads::address(case, seen.line),
        url => url.to_owned(),
    };
    let why = format!("the file `{subject}` cannot be downloaded");
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}
