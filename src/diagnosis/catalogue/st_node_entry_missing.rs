//! `st-node-entry-missing`: the file that Node shall start is not there.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{Change, Start};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-node-entry-missing",
    what: "The file that Node shall start is not there",
    why: "The build writes it to another folder than the start command names (dist or build, with or without src), or \
          the build did not run.",
    advice: "Name the file that the build wrote (`outDir` of tsconfig.json), or add the build step.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Cannot find module '/",
        "Cannot find module './",
        "Could not find a production build in the",
        "no such file or directory, open '",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "node:internal/modules/cjs/loader:1215\n  throw err;\n  ^\n\nError: Cannot find module '/app/index.js'\n    at Module._resolveFilename (node:internal/modules/cjs/loader:1212:15)",
            files: &[
                ("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"index.js\"]\n"),
                ("src/index.js", "require('http')\n"),
            ],
            subject: "/app/index.js",
            remedy: Some((
                "start-file",
                &[("Dockerfile", "FROM node:20\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"src/index.js\"]\n")],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "Error: Cannot find module '/app/build/server.js'",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nCMD [\"node\", \"build/server.js\"]\n",
                ),
                (
                    "tsconfig.json",
                    "{\n  \"compilerOptions\": {\n    \"outDir\": \"./dist\",\n    \"rootDir\": \"src\"\n  }\n}\n",
                ),
                ("src/server.ts", ""),
            ],
            subject: "/app/build/server.js",
            remedy: Some((
                "start-file",
                &[(
                    "Dockerfile",
                    "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nCMD [\"node\", \"dist/server.js\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "Error: Cannot find module '/app/dist/server.js'",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nCMD [\"node\", \"dist/server.js\"]\n",
                ),
                (
                    "tsconfig.json",
                    "{\n  \"compilerOptions\": {\n    \"outDir\": \"dist\"\n  },\n  \"include\": [\"src\", \"scripts\"]\n}\n",
                ),
                ("src/server.ts", ""),
                ("scripts/seed.ts", ""),
            ],
            subject: "/app/dist/server.js",
            remedy: Some((
                "start-file",
                &[(
                    "Dockerfile",
                    "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nCMD [\"node\", \"dist/src/server.js\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Error: Cannot find module '(/[^']+)'",
    r"\[ERR_MODULE_NOT_FOUND\]: Cannot find module '(/[^']+\.(?:[cm]?[jt]sx?|json))'",
    r"Cannot find module '(\./[^']+)'",
    r"Could not find a production build in the '([^']+)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.failing.is_some() {
        return None;
    }
    let found = SAID.first(case, lines).filter(|found| !found.subject().contains("node_modules"))?;
    Some(Hit::at(found.line, found.subject(), format!("the image has no `{}`", found.subject())).confidence(0.94))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(start) = Start::of(case) else { return Prescription::none() };
    let end = case.dockerfile.instructions().len();
    let folder = case.dockerfile.workdir_at(end);
    let named = hit.subject.strip_prefix(folder.trim_end_matches('/')).unwrap_or(&hit.subject).trim_start_matches('/');
    let same = |word: &&String| {
        word.trim_start_matches("./") == named || named == format!("{}.js", word.trim_start_matches("./"))
    };
    let (Some(word), Some(there)) = (start.words.iter().find(same), written_to(case, named)) else {
        return Prescription::none();
    };
    let edit = start.edit(case, &[Change::Replace { old: word.clone(), new: there.clone() }]);
    Prescription::of(edit.map(|edit| Remedy {
        id: "start-file".into(),
        title: format!("Start `{there}`"),
        why: "that is where the file is".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

/// What the compiler takes for `rootDir` where none is written: the common folder of all sources.
fn common_folder(case: &Case<'_>, config: &str, source: &str) -> String {
    static QUOTED: Phrases = Phrases::new(&[r#""\./([^"*]+)|"([^"*./][^"*]*)"#]);
    let first = |path: &str| path.split('/').next().filter(|_| path.contains('/')).unwrap_or_default().to_owned();
    let included = config.split("\"include\"").nth(1).and_then(|rest| rest.split(']').next());
    let folders: Vec<String> = included
        .into_iter()
        .flat_map(|list| list.split(','))
        .filter_map(|item| QUOTED.read(item)?.names().next())
        .map(|item| item.trim_end_matches('/').split('/').next().unwrap_or_default().to_owned())
        .collect();
    let is_source = |path: &&str| path.ends_with(".ts") && !path.ends_with(".d.ts") && !path.contains("node_modules/");
    let held = case.context.paths().filter(is_source).map(first);
    let mut tops: Vec<String> = match folders.is_empty() {
        true => held.collect(),
        false => held.filter(|top| folders.contains(top)).collect(),
    };
    tops.sort();
    tops.dedup();
    if tops.len() > 1 { String::new() } else { first(source) }
}

/// Where the file is instead: the only one of that name in the repository, or where the compiler writes it.
fn written_to(case: &Case<'_>, named: &str) -> Option<String> {
    let name = named.rsplit('/').next()?;
    let package = node::package(case, None);
    let base = package.as_ref().and_then(|package| package.path().rsplit_once('/')).map_or("", |(folder, _)| folder);
    let inside = |path: &str| path.strip_prefix(base).map(|rest| rest.trim_start_matches('/').to_owned());
    let of_name = |name: &str| -> Vec<String> {
        let mine = case
            .workspace
            .paths()
            .filter(|path| path.rsplit('/').next() == Some(name) && !path.contains("node_modules/"));
        mine.filter(|path| !path.contains("test")).filter_map(inside).collect()
    };
    if let [only] = of_name(name).as_slice() {
        return (only != named).then(|| only.clone());
    }
    let source = name.replace(".js", ".ts");
    let sources = of_name(&source);
    let [source] = sources.as_slice() else { return None };
    let text = case.workspace.text(&case.in_repository("tsconfig.json"))?;
    let option = |key: &str| {
        static OPTION: Phrases = Phrases::new(&[r#"^\s*"(\w+)"\s*:\s*"([^"]+)""#]);
        let values = text.lines().filter_map(|line| OPTION.read(line));
        values
            .into_iter()
            .find(|names| &names[1] == key)
            .map(|names| names[2].trim_start_matches("./").trim_end_matches('/').to_owned())
    };
    let out = option("outDir")?;
    let root = option("rootDir").unwrap_or_else(|| common_folder(case, text, source));
    let below = source.strip_prefix(root.as_str()).unwrap_or(source).trim_start_matches('/').replace(".ts", ".js");
    let there = format!("{out}/{below}");
    (there != named).then_some(there)
}
