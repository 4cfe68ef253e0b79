//! `app-esm-cjs`: an ES module is required, or a CommonJS file imported.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-esm-cjs",
    what: "An ES module is required, or a CommonJS file imported",
    why: "A dependency moved to ES modules only, or the output of the build and the `type` of package.json \
          disagree.",
    advice: "Pin the last CommonJS major (node-fetch 2, chalk 4, nanoid 3), or use Node 22.12 or later, which can \
          require ES modules.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "ERR_REQUIRE_ESM",
        "require() of ES Module",
        "Cannot use import statement outside a module",
        "ERR_UNKNOWN_FILE_EXTENSION",
        "does not provide an export named",
        "ERR_UNSUPPORTED_DIR_IMPORT",
        "is not defined in ES module scope",
        "Named export",
    ],
    detect,
    examples: &[
        Example {
            log: "Error [ERR_REQUIRE_ESM]: require() of ES Module /app/node_modules/node-fetch/src/index.js from /app/server.js not supported.",
            subject: "node-fetch",
            ..Example::BLANK
        },
        Example {
            log: "SyntaxError: Cannot use import statement outside a module",
            subject: "Cannot use import statement",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"require\(\) of ES Module \S*node_modules/((?:@[\w.-]+/)?[\w.-]+)/",
    r"require\(\) of ES Module (\S+)",
    r#"Unknown file extension "([^"]+)""#,
    r"The requested module '([^'n][^']*)' does not provide an export",
    r"ReferenceError: (\w+) is not defined in ES module scope",
    r"Directory import '([^']+)'",
    r"(Cannot use import statement) outside a module",
    r"Named export '(\w+)' not found",
    r"(ERR_REQUIRE_ESM)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("ES modules and CommonJS meet at `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
