//! `app-esm-cjs`: an ES module is required, or a CommonJS file imported.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

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
    remedies,
    examples: &[
        Example {
            log: "Error [ERR_REQUIRE_ESM]: require() of ES Module /app/node_modules/node-fetch/src/index.js from /app/server.js not supported.",
            subject: "node-fetch",
            ..Example::BLANK
        },
        Example {
            log: "file:///app/dist/server.js:2\nObject.defineProperty(exports, \"__esModule\", { value: true });\n                      ^\n\nReferenceError: exports is not defined in ES module scope\nThis file is being treated as an ES module because it has a '.js' file extension and '/app/package.json' contains \"type\": \"module\".",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm run build\nCMD [\"node\", \"dist/server.js\"]\n",
                ),
                (
                    "package.json",
                    "{\n  \"name\": \"dice\",\n  \"type\": \"module\",\n  \"scripts\": {\"build\": \"tsc\"}\n}\n",
                ),
                ("tsconfig.json", "{\"compilerOptions\": {\"module\": \"CommonJS\"}}\n"),
                ("src/server.ts", "import { odds } from \"./odds\";\n"),
            ],
            subject: "exports",
            remedy: Some((
                "common-js",
                &[("package.json", "{\n  \"name\": \"dice\",\n  \"scripts\": {\"build\": \"tsc\"}\n}\n")],
            )),
            status: "update_failed",
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

/// Sources that are CommonJS, in a package that calls itself one of ES modules: it is not.
fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if !matches!(hit.subject.as_str(), "exports" | "require" | "module") {
        return Prescription::none();
    }
    let Some(package) = node::package(case, None).filter(|_| is_common_js(case, &hit.subject)) else {
        return Prescription::none();
    };
    Prescription::none().with(
        "common-js",
        "Take `\"type\": \"module\"` out of package.json",
        "the program is CommonJS throughout: nothing of it needs ES modules",
        Applicability::Rehearse,
        package.without_module_type(case.workspace),
    )
}

/// Whether the program is CommonJS: by its compiler's settings, or because no plain source is an ES module.
fn is_common_js(case: &Case<'_>, missing: &str) -> bool {
    static COMPILED: Phrases = Phrases::new(&[r#"(?i)"module"\s*:\s*"(commonjs)""#]);
    static MODULE: Phrases =
        Phrases::new(&[r#"^\s*(import\s.+from\s|import\s+["']|export\s)"#, r"(import\.meta|^await\s)"]);
    let config = case.workspace.text(&case.in_repository("tsconfig.json"));
    if missing == "exports" {
        return config.is_some_and(|text| text.lines().any(|line| COMPILED.fits(line)));
    }
    // What bundlers and linters read themselves does not count.
    let counts = |path: &&str| path.ends_with(".js") && !path.contains("node_modules/") && !path.contains(".config.");
    let mut sources = case.workspace.paths().filter(counts).take(400).peekable();
    sources.peek().is_some() && !sources.any(|path| case.workspace.lines(path).iter().any(|line| MODULE.fits(line)))
}
