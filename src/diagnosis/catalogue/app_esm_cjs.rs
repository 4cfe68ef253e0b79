//! `app-esm-cjs`: an ES module is required, or a CommonJS file imported.

use crate::diagnosis::Case;
use crate::diagnosis::node::{self, endings};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit, Remedy};

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
        "ERR_MODULE_NOT_FOUND",
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
            log: "node:internal/modules/esm/resolve:274\n    throw new ERR_MODULE_NOT_FOUND(\n          ^\n\nError [ERR_MODULE_NOT_FOUND]: Cannot find module '/app/dist/routes/about' imported from /app/dist/index.js\n    at finalizeResolution (node:internal/modules/esm/resolve:274:11)\n  code: 'ERR_MODULE_NOT_FOUND',\n==> Exited with status 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nCMD [\"node\", \"dist/index.js\"]\n",
                ),
                ("package.json", "{\n  \"type\": \"module\",\n  \"scripts\": {\"build\": \"tsc\"}\n}\n"),
                ("tsconfig.json", "{\"compilerOptions\": {\"module\": \"ESNext\", \"outDir\": \"dist\"}}\n"),
                (
                    "src/index.ts",
                    "import { Hono } from \"hono\";\nimport about from \"./routes/about\";\nimport { log } from './lib';\nimport data from \"./data.json\" with { type: \"json\" };\n",
                ),
                ("src/routes/about.ts", "import { log } from \"../lib/index.js\";\nexport default 1;\n"),
                ("src/lib/index.ts", "export * from \"./log\";\n"),
                ("src/lib/log.ts", "export const log = console.log;\n"),
                ("src/lib/log.test.ts", "import { log } from \"./log\";\n"),
                ("src/data.json", "{}\n"),
            ],
            subject: "/app/dist/routes/about",
            remedy: Some((
                "add-endings",
                &[
                    (
                        "src/index.ts",
                        "import { Hono } from \"hono\";\nimport about from \"./routes/about.js\";\nimport { log } from './lib/index.js';\nimport data from \"./data.json\" with { type: \"json\" };\n",
                    ),
                    ("src/lib/index.ts", "export * from \"./log.js\";\n"),
                ],
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
    r"\[ERR_MODULE_NOT_FOUND\]: Cannot find module '(?:file://)?(/(?:[^'/]+/)*[^'/.]+(?:\.(?:service|controller|module|model|route|routes|config|schema|types|utils|helper|middleware|entity|dto))?)' imported from",
    r"(Cannot use import statement) outside a module",
    r"Named export '(\w+)' not found",
    r"(ERR_REQUIRE_ESM)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = match is_without_ending(case.text(found.line)) {
        true => format!("an import leaves out the ending of `{subject}`, which ES modules do not allow"),
        false => format!("ES modules and CommonJS meet at `{subject}`"),
    };
    Some(Hit::at(found.line, subject, why))
}

fn is_without_ending(said: &str) -> bool {
    said.contains("ERR_MODULE_NOT_FOUND") || said.contains("ERR_UNSUPPORTED_DIR_IMPORT")
}

/// Sources that are CommonJS, in a package that calls itself one of ES modules: it is not.
fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if is_without_ending(case.text(hit.line.unwrap_or(usize::MAX))) {
        return Prescription::of(completed(case));
    }
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

/// Every import of the project's own files, with its ending: to name one of them would only lead to the next.
fn completed(case: &Case<'_>) -> Option<Remedy> {
    let imports = endings::left_out(case);
    let edits: Vec<Edit> = imports.iter().map(|import| import.edit(case)).collect::<Option<_>>()?;
    (!edits.is_empty()).then(|| Remedy {
        id: "add-endings".into(),
        title: match imports.as_slice() {
            [one] => format!("Import `{}` as `{}`", one.written, one.right),
            many => format!("Give {} imports the endings of their files", many.len()),
        },
        why:
            "Node looks for exactly the file that an ES module names; bundlers and TypeScript read these names as well"
                .into(),
        applicability: Applicability::Rehearse,
        edits,
    })
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
