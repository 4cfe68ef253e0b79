//! `st-node-too-old`: the code or a dependency is newer than the Node of the image.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::toolchain;

pub const RULE: Rule = Rule {
    id: "st-node-too-old",
    what: "The code or a dependency is newer than the Node of the image",
    why: "Syntax and built-in functions that came with a later Node stop an older one: `??=` needs 15, `fetch` 18, `File` 20.",
    advice: "Raise the Node version of the image, or pin the dependency to the last release for this Node.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Unexpected token '?'",
        "Unexpected token '??='",
        "Unexpected token '||='",
        "fetch is not defined",
        "File is not defined",
        "structuredClone is not defined",
        "Unexpected token '.'",
        "crypto is not defined",
        "crypto.hash is not a function",
        "is known not to run on Node.js",
        "Block-scoped declarations",
        "Unexpected token ?",
        "Unexpected token {",
        "Unexpected token ...",
        "Unexpected token =",
        "Unexpected token .",
        "Unexpected token *",
        "Unexpected identifier",
        "parseEnv",
        "replaceAll is not a function",
        "ReadableStream is not defined",
        ".at is not a function",
        "Unexpected token #",
        "crypto$2.getRandomValues",
        "styleText",
        "Node.js version",
        "You are using Node.js",
    ],
    detect,

    remedies,
    examples: &[
        Example {
            log: "/app/node_modules/undici/lib/web/fetch/webidl.js:512\nwebidl.is.File = webidl.util.MakeTypeAssertion(File)\n                                               ^\n\nReferenceError: File is not defined\n    at Object.<anonymous> (/app/node_modules/undici/lib/web/fetch/webidl.js:512:48)\n\nNode.js v18.20.8",
            files: &[("Dockerfile", "FROM node:18-slim\nCMD [\"node\", \"index.js\"]\n")],
            subject: "File",
            remedy: Some(("raise-image", &[("Dockerfile", "FROM node:20-slim\nCMD [\"node\", \"index.js\"]\n")])),
            ..Example::BLANK
        },
        Example {
            log: "/app/node_modules/x/index.js:3\n    a ??= 1;\n      ^^^\n\nSyntaxError: Unexpected token '??='\n    at wrapSafe (internal/modules/cjs/loader.js:979:16)",
            files: &[("Dockerfile", "FROM node:14-alpine\nCMD [\"node\", \"index.js\"]\n")],
            subject: "??=",
            remedy: Some(("raise-image", &[("Dockerfile", "FROM node:16-alpine\nCMD [\"node\", \"index.js\"]\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

/// What the log complains of, and the first major of Node that has it (from node.green and the changelogs of Node).
const SINCE: [(&str, u32); 17] = [
    ("?", 14),
    ("?.", 14),
    (".", 14),
    ("??=", 16),
    ("||=", 16),
    ("#", 14),
    ("fetch", 18),
    ("ReadableStream", 18),
    ("structuredClone", 18),
    ("File", 20),
    ("crypto", 20),
    ("crypto.hash", 22),
    ("parseEnv", 22),
    ("styleText", 22),
    ("replaceAll", 16),
    ("at", 18),
    ("getRandomValues", 20),
];

static SAID: Phrases = Phrases::new(&[
    r"ReferenceError: (fetch|File|structuredClone|crypto|ReadableStream) is not defined",
    r"TypeError: (?:crypto|crypto\$2)\.(getRandomValues) is not a function",
    r"TypeError: (crypto\.hash) is not a function",
    r"TypeError: \S*\.(replaceAll|at) is not a function",
    r"does not provide an export named '?(parseEnv|styleText)",
    r"SyntaxError: Unexpected token '?(\?\?=|\|\|=|\?\.|\?|\.\.\.|\.|\{|=|\*|#)'?\s*$",
    r"SyntaxError: (Block-scoped declarations)",
    r"(?:npm|yarn|\S+) v?[\d.]+ is known not to run on (Node\.js) v?[\d.]+",
    r"You are using Node\.js ([\d.]+)\. For Next\.js, Node\.js version",
    r"SyntaxError: (Unexpected identifier)\s*$",
]);

/// A token that no Node of today would stumble on is a fault of the code when the Node is new.
const OLD_UP_TO: u32 = 14;

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // Python and browsers word some of these alike: somewhere the log must speak of Node.
    static NODE: Phrases =
        Phrases::new(&[r"\.[cm]?[jt]sx?:\d+", r"Node\.js", r"node:internal", r"npm (?:ERR!|error)", r"^\s+at "]);
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let image = toolchain::stage_at_fault(case, &["node"]);
    let major = image.as_ref().and_then(|(_, image)| toolchain::numbers(&toolchain::version(image)).first().copied());
    let since = SINCE.iter().find(|(name, _)| *name == subject).map(|(_, since)| *since);
    let is_new = match (major, since) {
        (Some(major), Some(since)) => major >= since,
        (Some(major), None) => major >= OLD_UP_TO,
        (None, Some(_)) => false,
        (None, None) => found.wording == 9,
    };
    if is_new || !NODE.anywhere(case) {
        return None;
    }
    let why = format!("the Node of the image does not know `{subject}`, which the code or a dependency uses");
    Some(Hit::at(found.line, subject, why))
}

fn wanted(_: &Case<'_>, hit: &Hit, image: &str) -> Option<String> {
    let since = SINCE.iter().find(|(name, _)| *name == hit.subject).map_or(12, |(_, since)| *since);
    toolchain::node_version_for(image, &[&format!(">={since}")])
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::of(toolchain::raised(case, &["node"], "Node", &hit.subject, |image| wanted(case, hit, image)))
}
