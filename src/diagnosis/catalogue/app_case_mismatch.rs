//! `app-case-mismatch`: a file name differs by letter case.

use crate::diagnosis::Case;
use crate::diagnosis::node::reached;
use crate::diagnosis::node::spelling::{self, Misspelt};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::modules;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "app-case-mismatch",
    what: "A file name differs by letter case",
    why: "macOS and Windows do not mind; Linux does.",
    advice: "Rename the file with `git mv`, or correct the import.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    before: &[
        "st-node-entry-missing",
        "app-module-unresolved",
        "app-ts-error",
        "st-node-module-missing",
        "app-py-own-module-missing",
        "st-py-module-missing",
        "st-py-app-path",
    ],
    needles: &[
        "only in casing",
        "that only differ in casing",
        "differs from already included file name",
        "already included file name",
        "Cannot find module '",
        "Can't resolve '",
        "Could not resolve \"",
        "Could not resolve '",
        "Could not load ",
        "Failed to resolve import \"",
        "No module named",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "src/App.tsx(3,20): File name '/app/src/components/header.tsx' differs from already included file name '/app/src/components/Header.tsx' only in casing.",
            subject: "/app/src/components/header.tsx",
            ..Example::BLANK
        },
        Example {
            log: "Error: Cannot find module './lib/timetable'\nRequire stack:\n- /usr/src/app/index.js\n    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)",
            files: &[
                ("Dockerfile", "FROM node:20\nWORKDIR /usr/src/app\nCOPY . .\nCMD [\"node\", \"index.js\"]\n"),
                (
                    "index.js",
                    "const Timetable = require('./lib/timetable');\nconst bookings = require('./Routes/bookings');\n",
                ),
                ("lib/Timetable.js", ""),
                ("routes/bookings.js", "const Timetable = require('../lib/Timetable');\n"),
            ],
            subject: "./lib/timetable",
            remedy: Some((
                "correct-case",
                &[(
                    "index.js",
                    "const Timetable = require('./lib/Timetable');\nconst bookings = require('./routes/bookings');\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "  File \"/app/main.py\", line 2, in <module>\n    from services.billing import charge\nModuleNotFoundError: No module named 'services'\n==> Exited with status 1",
            files: &[
                ("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n"),
                ("main.py", "import os\nfrom services.billing import charge\n"),
                ("Services/__init__.py", ""),
                ("Services/billing.py", "def charge(): pass\n"),
            ],
            subject: "services",
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "src/App.tsx(3,20): error TS1261: Already included file name '/app/src/lib/api.ts' differs from file name '/app/src/lib/Api.ts' only in casing.",
            files: &[
                ("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm run build\n"),
                ("src/App.tsx", "import { get } from \"./lib/api\";\n"),
                ("src/lib/Api.ts", "export const get = 1;\n"),
            ],
            subject: "/app/src/lib/api.ts",
            remedy: Some(("correct-case", &[("src/App.tsx", "import { get } from \"./lib/Api\";\n")])),
            ..Example::BLANK
        },
        Example {
            log: "#9 [5/5] RUN npm run build\n#9 1.200 error during build:\n#9 1.200 Could not resolve \"./components/navbar\" from \"src/App.jsx\"\n#9 ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM node:20\nCOPY . .\nRUN npm run build\n"),
                ("src/App.jsx", "import Navbar from \"./components/navbar\";\n"),
                ("src/components/Navbar.jsx", ""),
            ],
            subject: "./components/navbar",
            remedy: Some(("correct-case", &[("src/App.jsx", "import Navbar from \"./components/Navbar\";\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"File name '([^']+)' differs from already included",
    r"Already included file name '([^']+)'",
    r"(differ(?:s)? (?:only )?in casing|only differ in casing)",
]);

/// An own file that is not found. Whether letter case is the reason, the files tell.
static NOT_FOUND: Phrases = Phrases::new(&[
    r"Cannot find module '(\.{0,2}/[^']+)'",
    r#"(?:Can't|Could not|Failed to) resolve (?:import )?["']([^"']+)["']"#,
    r"Could not load (/\S+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(found) = SAID.first(case, lines) {
        let subject = found.subject();
        let why = format!("a file name differs only by letter case from its import ({subject})");
        return Some(Hit::at(found.line, subject, why));
    }
    if let Some(hit) = python_module(case, lines) {
        return Some(hit);
    }
    let found = NOT_FOUND.first(case, lines)?;
    let import = spelling::misspelt(case).into_iter().find(|import| is_about(found.subject(), import))?;
    let why = format!(
        "`{}` imports `{}`, but the file is called `{}`: on Linux upper and lower case differ",
        import.path, import.written, import.right
    );
    Some(Hit::at(found.line, import.written.clone(), why).place(&import.path, import.line).confidence(0.97))
}

/// A module of the project that git holds in another letter case than the code imports.
///
/// Python minds the case on every system: on the author's machine the folder has the name that the code says, and git was
/// never told of the change. To import git's name would break it there.
fn python_module(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let missing = modules::missing(case, lines).filter(|missing| !missing.by_package())?;
    let path = missing.module.replace('.', "/");
    let as_path = |file: &str| {
        let stem = file.strip_suffix(".py")?;
        Some(stem.strip_suffix("/__init__").unwrap_or(stem).to_owned())
    };
    let ends_with = |whole: &str, equal: fn(&str, &str) -> bool| {
        // A package is also there when only files below it are.
        let parts: Vec<&str> = whole.split('/').collect();
        let length = path.split('/').count();
        parts.windows(length).find(|window| equal(&window.join("/"), &path)).map(|window| window.join("/"))
    };
    let files: Vec<String> = case.workspace.paths().filter_map(as_path).collect();
    if files.iter().any(|file| ends_with(file, |a, b| a == b).is_some()) {
        return None;
    }
    let mut other: Vec<String> =
        files.iter().filter_map(|file| ends_with(file, |a, b| a.eq_ignore_ascii_case(b))).collect();
    other.sort();
    other.dedup();
    let [there] = other.as_slice() else { return None };
    let why = format!(
        "the code imports `{}`, but the repository has `{there}`: git was not told of the new letter case (`git mv`)",
        missing.module
    );
    Some(Hit::at(missing.line, missing.module, why).confidence(0.96).policy(Policy::Human))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let comment = |import: &&Misspelt| {
        let lines = case.workspace.lines(&import.path);
        lines.get(import.line - 1).is_some_and(|line| line.trim_start().starts_with(['/', '*', '#', '<']))
    };
    // Where the start tells what is loaded, the rest may be wrong without anybody noticing.
    let loaded = reached::imports(case);
    let is_loaded = |import: &&Misspelt| {
        let known = loaded.iter().any(|each| case.in_repository(&each.path) == import.path);
        let arrives = case.context.paths().any(|path| case.in_repository(path) == import.path);
        let told = ["story", "stories", "spec", "mock", "example"].iter().any(|part| import.path.contains(part));
        if loaded.is_empty() { arrives && !told } else { known }
    };
    // One remedy corrects them all.
    let first = spelling::misspelt(case).into_iter().find(|import| !comment(&import) && is_loaded(&import));
    let hit = first.map(|import| {
        let why = format!(
            "`{}` imports `{}`, but the file is called `{}`: on Linux upper and lower case differ",
            import.path, import.written, import.right
        );
        Hit::in_file(&import.path, import.line, import.written, why).confidence(0.95)
    });
    hit.into_iter().collect()
}

/// The log names an import as it is written, or the path that it would have.
fn is_about(said: &str, import: &Misspelt) -> bool {
    let tail = import.written.trim_start_matches(['.', '/']);
    said == import.written || said.starts_with('/') && (said.ends_with(tail) || said.contains(&format!("{tail}.")))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let imports = spelling::misspelt(case);
    let edits: Option<Vec<Edit>> = imports.iter().map(|import| import.edit(case)).collect();
    let edits = edits.filter(|edits| !edits.is_empty());
    Prescription::of(edits.map(|edits| Remedy {
        id: "correct-case".into(),
        title: match imports.as_slice() {
            [one] => format!("Import `{}` as `{}`", one.written, one.right),
            many => format!("Spell {} imports as their files are called", many.len()),
        },
        why: "the files are there, only in another letter case; nothing but the names changes".into(),
        applicability: Applicability::Rehearse,
        edits,
    }))
}
