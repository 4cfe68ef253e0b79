//! `node-npm-ancient`: npm is too old for the registry.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-npm-ancient",
    what: "npm is too old for the registry",
    why: "npm 1 to 4 cannot read the documents, certificates or methods that the registry uses today.",
    advice: "Base the image on a Node version that is maintained, or raise npm within what this Node can run.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "Missing required argument #1",
        "pickVersionFromRegistryDocument",
        "code E405",
        "Method Not Allowed",
        "CERT_UNTRUSTED",
        "failed to fetch from registry",
        "shasum check failed for",
        "code EMISSINGARG",
        "npm ERR! npm  v2.",
        "npm ERR! npm  v1.",
        "npm ERR! npm -v 1.",
        "npm ERR! node v0.",
        "npm ERR! not ok code 0",
    ],
    detect,
    examples: &[
        Example {
            log: "npm ERR! node v6.6.0\nnpm ERR! npm  v3.10.3\nnpm ERR! Missing required argument #1\nnpm ERR! typeerror Error: Missing required argument #1\nnpm ERR! typeerror     at andLogAndFinish (/usr/local/lib/node_modules/npm/lib/fetch-package-metadata.js:31:3)",
            subject: "npm",
            ..Example::BLANK
        },
        Example {
            log: "npm ERR! Error: Method Not Allowed\nnpm ERR!     at errorResponse (/usr/share/npm/lib/cache/add-named.js:260:10)",
            subject: "npm",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"npm ERR! (?:typeerror )?Error: Missing required argument #1",
    r"npm ERR! (?:code E405|Error: Method Not Allowed)",
    r"npm ERR! Error: (?:CERT_UNTRUSTED|failed to fetch from registry)",
    r"npm ERR! Error: shasum check failed for",
    r"npm ERR! code EMISSINGARG",
    r"npm ERR! not ok code 0",
    r"npm ERR! npm\s+(?:-v )?v?[12]\.",
    r"npm ERR! node\s+(?:-v )?v0\.",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = if found.subject().is_empty() { "npm" } else { found.subject() };
    Some(Hit::at(found.line, subject, "npm in this image is too old for the registry"))
}
