//! `st-node-module-missing`: a package is not there when the service starts.

use crate::diagnosis::Case;
use crate::diagnosis::node::{self, reached, workspaces};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::knowledge::{Knowledge, Question, Registry, Release};
use crate::manifest::package_json::{PackageJson, Section};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-node-module-missing",
    what: "A package is not there when the service starts",
    why: "It stands in devDependencies and was left out, is not in package.json at all, or node_modules did not come \
          along into the final stage.",
    advice: "Move it to the dependencies, add it, or copy node_modules from the build stage.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Cannot find module '", "Cannot find package '"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "node:internal/modules/cjs/loader:1215\n  throw err;\n  ^\n\nError: Cannot find module 'dotenv'\nRequire stack:\n- /app/index.js\n  code: 'MODULE_NOT_FOUND',",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20\nWORKDIR /app\nCOPY package.json .\nRUN npm install --omit=dev\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
                ),
                (
                    "package.json",
                    "{\n  \"dependencies\": {\n    \"express\": \"^4\"\n  },\n  \"devDependencies\": {\n    \"dotenv\": \"^16.0.0\",\n    \"jest\": \"29\"\n  }\n}\n",
                ),
            ],
            subject: "dotenv",
            remedy: Some((
                "move-to-dependencies",
                &[(
                    "package.json",
                    "{\n  \"dependencies\": {\n    \"dotenv\": \"^16.0.0\",\n    \"express\": \"^4\"\n  },\n  \"devDependencies\": {\n    \"jest\": \"29\"\n  }\n}\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'fastify' imported from /app/dist/server.js",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n\nFROM node:20-slim\nWORKDIR /app\nCOPY --from=build /app/dist ./dist\nCMD [\"node\", \"dist/server.js\"]\n",
                ),
                ("package.json", "{\"dependencies\": {\"fastify\": \"^5\"}}\n"),
            ],
            subject: "fastify",
            remedy: Some((
                "copy-node-modules",
                &[(
                    "Dockerfile",
                    "FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n\nFROM node:20-slim\nWORKDIR /app\nCOPY --from=build /app/dist ./dist\nCOPY --from=build /app/node_modules ./node_modules\nCMD [\"node\", \"dist/server.js\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "Error: Cannot find module 'polka'\nRequire stack:\n- /repo/packages/api/server.js",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22\nWORKDIR /repo\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY packages packages\nCMD [\"node\", \"packages/api/server.js\"]\n",
                ),
                ("package.json", "{\"workspaces\": [\"packages/*\"]}\n"),
                ("package-lock.json", "{}\n"),
                ("packages/api/package.json", "{\"name\": \"api\", \"dependencies\": {\"polka\": \"0.5.2\"}}\n"),
                ("packages/api/server.js", "require('polka')\n"),
            ],
            subject: "polka",
            remedy: Some((
                "copy-workspace-manifests",
                &[(
                    "Dockerfile",
                    "FROM node:22\nWORKDIR /repo\nCOPY package.json package-lock.json ./\nCOPY packages/api/package.json packages/api/\nRUN npm ci\nCOPY packages packages\nCMD [\"node\", \"packages/api/server.js\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "Error: Cannot find module 'dotenv'\nRequire stack:\n- /app/server.js\n    at Module._resolveFilename (node:internal/modules/cjs/loader:1212:15)",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
                ),
                ("package.json", "{\n  \"dependencies\": {\n    \"express\": \"^4\"\n  }\n}\n"),
                ("package-lock.json", "{}"),
                ("server.js", "require('dotenv').config();\n"),
            ],
            subject: "dotenv",
            knowledge: dotenv,
            remedy: Some((
                "add-dependency",
                &[
                    (
                        "package.json",
                        "{\n  \"dependencies\": {\n    \"dotenv\": \"^16.4.5\",\n    \"express\": \"^4\"\n  }\n}\n",
                    ),
                    (
                        "Dockerfile",
                        "FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nRUN npm install\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
                    ),
                ],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn dotenv() -> Knowledge {
    let release = |version: &str| Release { version: version.into(), has_source: true, ..Release::default() };
    let releases = vec![release("16.4.5"), release("17.0.0-rc.1")];
    Knowledge { packages: vec![((Registry::Npm, "dotenv".into()), releases)], ..Knowledge::default() }
}

static SAID: Phrases = Phrases::new(&[r"Cannot find (?:module|package) '((?:@[\w.-]+/)?[A-Za-z_][\w.-]*)(?:/[^']*)?'"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let name = found.subject();
    let package = node::package(case, None);
    if let Some(member) = workspaces::member_for(case, name) {
        let why = format!(
            "`{name}` belongs to the workspace `{member}`, whose package.json was not there when the packages were installed"
        );
        return Some(Hit::at(found.line, name, why).confidence(0.95).weight(Weight::Typical));
    }
    let why = match package.as_ref().and_then(|package| package.requirement(name)) {
        Some((Section::DevDependencies, _)) => format!("`{name}` is a development package, and those are left out"),
        Some(_) => format!("package.json names `{name}`, but it is not in the image where it is needed"),
        None => format!("`{name}` is needed, but not there"),
    };
    Some(Hit::at(found.line, name, why).confidence(0.93).weight(Weight::Typical))
}

/// Packages that the start imports and that the lock file shows are not installed for it.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let imports = reached::imports(case);
    unseen_member(case, &imports).or_else(|| not_installed(case, imports)).into_iter().collect()
}

fn not_installed(case: &Case<'_>, imports: Vec<reached::Import>) -> Option<Hit> {
    let (index, install) = reached::install(case).filter(|(_, install)| install.frozen)?;
    let last = case.dockerfile.instructions().len().checked_sub(1)?;
    let manifest = node::manifest(case, index)?;
    let package = node::package(case, Some(index)).filter(|package| !package.has_workspaces())?;
    let lock = case.workspace.text(&case.in_repository("package-lock.json"))?;
    let lock: serde_json::Value = serde_json::from_str(lock).ok()?;
    let packages = lock.get("packages")?.as_object()?;
    let copied = node::copied(case, index).iter().any(|(_, path)| path == "package-lock.json");
    if !copied || manifest != "package.json" || !node::history(case, last).contains(&index) {
        return None;
    }
    let production = case.dockerfile.env_at(index).get("NODE_ENV").is_some_and(|value| value == "production");
    let without_dev = (install.omits.is_some() || production) && !install.includes;
    // A step that adds packages of its own has what no file names.
    let adds = |index: usize| {
        let script = node::script_of(case, index);
        let all = node::commands(&script).into_iter().filter(|command| {
            let mut words = command.split_whitespace();
            matches!(words.next(), Some("npm" | "yarn" | "pnpm" | "npx" | "corepack" | "bun"))
                && matches!(
                    words.find(|word| !word.starts_with('-')),
                    Some("install" | "i" | "add" | "ci" | "link" | "global")
                )
        });
        all.count() > node::installs(&script).len()
    };
    // So has one that looks for modules elsewhere.
    let env = case.dockerfile.env_at(case.dockerfile.instructions().len());
    let aliased = imports.iter().any(|import| import.written.starts_with("module-alias"));
    if case.runs().any(adds) || aliased || env.contains_key("NODE_PATH") || env.contains_key("NODE_OPTIONS") {
        return None;
    }
    let (import, name, only_dev) = imports.into_iter().find_map(|import| {
        let name = reached::package_of(&import.written)?;
        let locked = packages.get(&format!("node_modules/{name}"));
        let only_dev = locked.and_then(|locked| locked.get("dev")).and_then(serde_json::Value::as_bool) == Some(true);
        let named = package.requirement(&name).map(|(section, _)| section);
        let left_out = only_dev && without_dev && named != Some(Section::Dependencies);
        let missing = locked.is_none() && named.is_none() || left_out;
        let own = package.name() == Some(name.as_str())
            || case.context.holds(&format!("node_modules/{name}"))
            || case.context.holds(&name);
        (missing && !own).then_some((import, name, only_dev))
    })?;
    let why = match only_dev {
        true => format!("`{}` imports `{name}`, a development package, and those are left out", import.path),
        false => format!("`{}` imports `{name}`, which package.json and the lock file do not name", import.path),
    };
    let hit = Hit::in_file(&case.in_repository(&import.path), import.line, name, why);
    Some(hit.confidence(0.95).weight(Weight::Typical))
}

/// The workspace that the service starts in, when the installation does not see its package.json and it names what no other does.
fn unseen_member(case: &Case<'_>, imports: &[reached::Import]) -> Option<Hit> {
    let (index, unseen) = workspaces::unseen(case)?;
    let top = node::package(case, Some(index))?;
    let (at, install) = node::install_before(case, index)?;
    let (import, name, member) = imports.iter().find_map(|import| {
        let name = reached::package_of(&import.written).filter(|name| top.requirement(name).is_none())?;
        let member = unseen.iter().find(|path| import.path.starts_with(path.trim_end_matches("package.json")))?;
        let package = PackageJson::read(case.workspace, &case.in_repository(member))?;
        package.requirement(&name).is_some().then(|| (import, name, member.trim_end_matches("/package.json")))
    })?;
    let why = format!(
        "`{name}` belongs to the workspace `{member}`, whose package.json was not there when the packages were installed"
    );
    let hit = Hit::in_file(&case.in_repository(&import.path), import.line, name, why);
    let is_known = at == index && install.frozen && !node::is_opaque(case, index);
    is_known.then(|| hit.confidence(0.93).weight(Weight::Typical))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(package) = node::package(case, None) else { return Prescription::none() };
    if workspaces::member_for(case, &hit.subject).is_some() {
        return Prescription::of(workspaces::copy_manifests(case));
    }
    let remedy = |id: &str, title: String, why: &str, edit| Remedy {
        id: id.into(),
        title,
        why: why.into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    };
    match package.requirement(&hit.subject) {
        Some((Section::DevDependencies, _)) => {
            let edit = package.move_to_dependencies(case.workspace, &hit.subject);
            let title = format!("Move `{}` to the dependencies", hit.subject);
            Prescription::of(edit.map(|edit| {
                remedy("move-to-dependencies", title, "the service needs it to run, not only to be built", edit)
            }))
        }
        Some(_) => Prescription::of(copy_modules(case).map(|edit| {
            let title = "Copy node_modules from the stage that installed them".to_owned();
            remedy("copy-node-modules", title, "the packages were installed, but in another stage", edit)
        })),
        None => add_dependency(case, hit, &package),
    }
}

/// The newest release of a package that the project's own source wants and package.json does not name.
fn add_dependency(case: &Case<'_>, hit: &Hit, package: &PackageJson) -> Prescription {
    let name = hit.subject.as_str();
    let around = hit.line.map_or(0..0, |line| line..(line + 8).min(case.log.lines.len()));
    let by_package = |at: usize| case.text(at).contains("/node_modules/");
    let own = case.workspace.has_folder(&case.in_repository(name)) || name.starts_with("src");
    // What another package misses is for that package to name.
    let stack = around.skip_while(|at| !case.text(*at).contains("Require stack")).nth(1);
    if own || hit.line.is_some_and(by_package) || stack.is_some_and(by_package) {
        return Prescription::none();
    }
    let Some(releases) = case.knowledge.releases(Registry::Npm, name) else {
        return Prescription::asking(Question::Package { registry: Registry::Npm, name: name.to_owned() });
    };
    let newest = releases.iter().rev().find(|release| !release.yanked && !release.version.contains('-'));
    let Some(newest) = newest else { return Prescription::none() };
    let range = format!("^{}", newest.version);
    let Some(add) = package.add_dependency(case.workspace, name, &range) else { return Prescription::none() };
    let frozen = node::last_install(case).and_then(|index| node::install_before(case, index + 1));
    let thaw =
        frozen.filter(|(_, install)| install.frozen).and_then(|(index, install)| node::thaw(case, index, &install));
    Prescription::of([Remedy {
        id: "add-dependency".into(),
        title: format!("Add `{name}` {range} to the dependencies"),
        why: "the project's own source wants it, and package.json does not name it".into(),
        applicability: Applicability::Rehearse,
        edits: [add].into_iter().chain(thaw).collect(),
    }])
}

/// The edit that brings `node_modules` from the stage that the final one takes its program from.
fn copy_modules(case: &Case<'_>) -> Option<crate::remedy::Edit> {
    let stages = case.dockerfile.stages();
    let last = stages.last()?;
    let instructions = case.dockerfile.instructions();
    let text: String = last.instructions.clone().map(|at| instructions[at].args.clone() + "\n").collect();
    let installs = last.instructions.clone().any(|at| !node::installs(&node::script_of(case, at)).is_empty());
    if text.contains("node_modules") || installs {
        return None;
    }
    let copy = last.instructions.clone().rfind(|at| instructions[*at].flag("from").is_some())?;
    let from = instructions[copy].flag("from")?;
    let source = case.dockerfile.stage_named(from, last.index)?;
    let end = stages[source].instructions.end;
    let (install, _) = node::install_before(case, end.checked_sub(1)?)?;
    let folder = case.dockerfile.workdir_at(install);
    let line = format!("COPY --from={from} {}/node_modules ./node_modules", folder.trim_end_matches('/'));
    edit::insert_after_instruction(case.workspace, case.dockerfile_path, case.dockerfile, copy, &[&line])
}
