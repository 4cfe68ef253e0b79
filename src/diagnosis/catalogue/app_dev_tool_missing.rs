//! `app-dev-tool-missing`: the build calls a tool that was left out with the development packages.

use crate::diagnosis::Case;
use crate::diagnosis::node::{self, Install, Manager};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::manifest::package_json::{PackageJson, Section};
use crate::remedy::{Applicability, Remedy};
use crate::service::DeployStatus;

pub const RULE: Rule = Rule {
    id: "app-dev-tool-missing",
    what: "The build calls a tool that was left out with the development packages",
    why: "Build tools stand in devDependencies. NODE_ENV=production, --omit=dev or --production leaves those out, so \
          that the build that follows finds no compiler or bundler.",
    advice: "Install everything in the build stage and leave the development packages out of the final one.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        ": not found",
        "command not found",
        "is not recognized",
        "Cannot find module '",
        "This is not the tsc command",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#11 [build 5/5] RUN yarn --silent build\n#11 0.261 /bin/sh: tsc: not found\n#11 ERROR: process \"/bin/sh -c yarn --silent build\" did not complete successfully: exit code: 127",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20-alpine\nENV NODE_ENV=production\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile\nCOPY src ./src\nRUN yarn --silent build\n",
                ),
                (
                    "package.json",
                    "{\"scripts\": {\"build\": \"tsc\"}, \"devDependencies\": {\"typescript\": \"5.4.5\"}}\n",
                ),
            ],
            subject: "tsc",
            remedy: Some((
                "install-development-packages",
                &[(
                    "Dockerfile",
                    "FROM node:20-alpine\nENV NODE_ENV=production\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile --production=false\nCOPY src ./src\nRUN yarn --silent build\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#9 [5/6] RUN npm run build\n#9 0.4 > web@0.1.0 build\n#9 0.4 > vite build\n#9 0.4\n#9 0.4 sh: 1: vite: not found\n#9 ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 127",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22-slim AS build\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci --omit=dev --no-audit\nCOPY . .\nRUN npm run build\n",
                ),
                (
                    "package.json",
                    "{\"scripts\": {\"build\": \"vite build\"}, \"devDependencies\": {\"vite\": \"^5.0.0\"}}\n",
                ),
            ],
            subject: "vite",
            remedy: Some((
                "install-development-packages",
                &[(
                    "Dockerfile",
                    "FROM node:22-slim AS build\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci --no-audit\nCOPY . .\nRUN npm run build\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "> web@1.0.0 start\n> serve -s dist\n\nsh: 1: serve: not found\n==> Exited with status 127",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22-slim\nWORKDIR /app\nCOPY package.json ./\nRUN npm install --omit=dev\nCOPY . .\nCMD [\"npm\", \"start\"]\n",
                ),
                (
                    "package.json",
                    "{\n  \"scripts\": {\n    \"start\": \"serve -s dist\"\n  },\n  \"dependencies\": {\n  },\n  \"devDependencies\": {\n    \"serve\": \"^14.0.0\"\n  }\n}\n",
                ),
            ],
            subject: "serve",
            remedy: Some((
                "move-to-dependencies",
                &[(
                    "package.json",
                    "{\n  \"scripts\": {\n    \"start\": \"serve -s dist\"\n  },\n  \"dependencies\": {\n    \"serve\": \"^14.0.0\"\n  },\n  \"devDependencies\": {\n  }\n}\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22-slim\nENV NODE_ENV production\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n",
                ),
                (
                    "package.json",
                    "{\"scripts\": {\"build\": \"rimraf dist && tsc -p .\"}, \"devDependencies\": {\"rimraf\": \"5\", \"typescript\": \"5\"}}\n",
                ),
                (
                    "package-lock.json",
                    "{\"packages\": {\"node_modules/rimraf\": {}, \"node_modules/typescript\": {}}}\n",
                ),
            ],
            subject: "rimraf",
            remedy: Some((
                "install-development-packages",
                &[(
                    "Dockerfile",
                    "FROM node:22-slim\nENV NODE_ENV production\nCOPY package*.json ./\nRUN npm ci --include=dev\nCOPY . .\nRUN npm run build\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

/// Programs of packages whose names differ.
const PROGRAMS: [(&str, &str); 16] = [
    ("tsc", "typescript"),
    ("ng", "@angular/cli"),
    ("nest", "@nestjs/cli"),
    ("vue-cli-service", "@vue/cli-service"),
    ("svelte-kit", "@sveltejs/kit"),
    ("remix", "@remix-run/dev"),
    ("babel", "@babel/cli"),
    ("gulp", "gulp"),
    ("run-s", "npm-run-all"),
    ("run-p", "npm-run-all"),
    ("tailwindcss", "@tailwindcss/cli"),
    ("react-router", "@react-router/dev"),
    ("webpack", "webpack-cli"),
    ("swc", "@swc/cli"),
    ("sass", "sass"),
    ("medusa", "@medusajs/cli"),
];

/// Tools that Node projects build with: known without a package.json.
const TOOLS: [&str; 30] = [
    "tsc",
    "vite",
    "next",
    "react-scripts",
    "ng",
    "webpack",
    "nest",
    "vue-cli-service",
    "rimraf",
    "turbo",
    "tsup",
    "parcel",
    "gulp",
    "grunt",
    "cross-env",
    "svelte-kit",
    "astro",
    "nuxt",
    "remix",
    "esbuild",
    "rollup",
    "babel",
    "nx",
    "lerna",
    "tailwindcss",
    "copyfiles",
    "npm-run-all",
    "run-s",
    "tsc-alias",
    "nuxi",
];

static SAID: Phrases = Phrases::new(&[
    r"(?:^|\s)(?:/bin/)?(?:ba|da|a)?sh: (?:line )?(?:\d+: )?([\w@./-]+): (?:command )?not found",
    r"(This is not the tsc) command you are looking for",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let at_start = case.log.failing.is_none();
    if at_start && !matches!(case.status, Some(DeployStatus::UpdateFailed)) {
        return None;
    }
    let found = SAID.last(case, lines)?;
    let tool = if found.wording == 1 { "tsc" } else { found.subject() };
    let last = case.dockerfile.instructions().len().checked_sub(1);
    let at = if at_start { last } else { case.failing_instruction() };
    let package = node::package(case, at);
    let listed = package.as_ref().and_then(|package| provider(package, tool));
    let is_node = TOOLS.contains(&tool) || listed.is_some();
    if !is_node {
        return None;
    }
    let left_out =
        at.and_then(|at| node::install_before(case, at)).and_then(|(at, install)| omission(case, at, &install));
    let (why, policy) = match (listed, left_out) {
        (Some((name, Section::DevDependencies)), Some(cause)) => {
            (format!("`{tool}` comes with `{name}`, a development package, and {cause} leaves those out"), Policy::Fix)
        }
        (Some((name, _)), _) => {
            (format!("`{tool}` comes with `{name}`, which was not installed before it is called"), Policy::Fix)
        }
        (None, _) if package.is_some() => {
            (format!("`{tool}` is called, but package.json names no package that brings it"), Policy::Fix)
        }
        _ => (format!("`{tool}` is not installed where the build calls it"), Policy::Fix),
    };
    Some(Hit::at(found.line, tool, why).confidence(0.96).policy(policy))
}

/// The package of package.json that brings a program.
fn provider<'a>(package: &'a PackageJson, tool: &str) -> Option<(&'a str, Section)> {
    let names = PROGRAMS.iter().filter(|(program, _)| *program == tool).map(|(_, name)| *name).chain([tool]);
    let all: Vec<(&str, Section)> = [Section::Dependencies, Section::OptionalDependencies, Section::DevDependencies]
        .into_iter()
        .flat_map(|section| package.section(section).into_iter().map(move |(name, _)| (name, section)))
        .collect();
    names.into_iter().find_map(|name| all.iter().find(|(known, _)| *known == name).copied())
}

/// What makes an installation leave out development packages.
fn omission(case: &Case<'_>, index: usize, install: &Install) -> Option<String> {
    if install.includes {
        return None;
    }
    if let Some(option) = &install.omits {
        return Some(format!("`{option}`"));
    }
    let variables = case.dockerfile.variables_at(index, &Default::default());
    let inline = install_has_assignment(case, index);
    let is_production = variables.get("NODE_ENV").is_some_and(|value| value == "production");
    let berry = install.manager == Manager::Yarn && install.text.contains("--immutable");
    (is_production && !inline && !berry).then(|| "NODE_ENV=production".to_owned())
}

fn install_has_assignment(case: &Case<'_>, index: usize) -> bool {
    let script = node::script_of(case, index);
    script.contains("NODE_ENV=") || script.contains("production=false") || script.contains("production false")
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let instructions = case.dockerfile.instructions();
    let mut out = Vec::new();
    for (index, instruction) in instructions.iter().enumerate().filter(|(_, each)| each.keyword == "RUN") {
        let Some((at, install)) = node::install_before(case, index) else { continue };
        if at == index || node::is_opaque(case, index) || omission(case, at, &install).is_none() {
            continue;
        }
        // A second installation in between may have brought them: then nothing is certain.
        let many =
            node::history(case, index).into_iter().filter(|at| !node::installs(&node::script_of(case, *at)).is_empty());
        let Some(package) = node::package(case, Some(index)).filter(|package| !package.has_workspaces()) else {
            continue;
        };
        if many.count() != 1 {
            continue;
        }
        let Some((tool, name)) = tool_of_scripts(case, index, &package) else { continue };
        let why = format!("`{tool}` comes with the development package `{name}`, which the installation leaves out");
        out.push(Hit::in_file(case.dockerfile_path, instruction.first_line, tool, why).confidence(0.95));
    }
    out
}

/// The first development tool that a RUN calls through a script of package.json.
fn tool_of_scripts(case: &Case<'_>, index: usize, package: &PackageJson) -> Option<(String, String)> {
    let script = node::script_of(case, index);
    let name = node::commands(&script).into_iter().find_map(|command| {
        let mut words = command.split_whitespace().filter(|word| !word.starts_with('-'));
        let manager = words.next().filter(|word| matches!(*word, "npm" | "yarn" | "pnpm"))?;
        match (manager, words.next()?) {
            (_, "run") => words.next(),
            ("yarn" | "pnpm", name) if package.script(name).is_some() => Some(name),
            _ => None,
        }
    })?;
    node::commands(package.script(name)?).into_iter().find_map(|command| {
        let tool = command.split_whitespace().find(|word| !word.contains('='))?;
        let (package, section) = provider(package, tool)?;
        (section == Section::DevDependencies).then(|| (tool.to_owned(), package.to_owned()))
    })
}

/// Starts with node what a tool of the developer's desk would watch and start anew.
fn plain_node(case: &Case<'_>, package: &PackageJson, tool: &str) -> Option<Remedy> {
    let script = package.scripts().into_iter().find(|name| {
        let words = package.script(name).map(|text| text.split_whitespace().collect::<Vec<_>>()).unwrap_or_default();
        *name == "start" && words.len() == 2 && words[0] == tool && words[1].ends_with("js")
    })?;
    let old = package.script(script).filter(|_| matches!(tool, "nodemon" | "node-dev" | "supervisor"))?;
    let edit = package.set_string(case.workspace, script, old, &old.replacen(tool, "node", 1))?;
    Some(Remedy {
        id: "start-with-node".into(),
        title: format!("Start with node in place of {tool}"),
        why: format!("`{tool}` starts the program anew when a source changes, and in an image none does"),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let named = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let at_start = case.log.failing.is_none() && hit.line.is_some();
    let last = case.dockerfile.instructions().len().checked_sub(1).filter(|_| at_start);
    let Some(index) = named.or_else(|| case.failing_instruction()).or(last) else { return Prescription::none() };
    let Some(package) = node::package(case, Some(index)) else { return Prescription::none() };
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let mut out = Vec::new();
    if !at_start
        && let Some((at, install)) = node::install_before(case, index)
        && omission(case, at, &install).is_some()
        && provider(&package, &hit.subject).is_some_and(|(_, section)| section == Section::DevDependencies)
    {
        let with = match (&install.omits, install.manager) {
            (Some(option), _) => install.text.replacen(&format!(" {option}"), "", 1),
            (None, Manager::Npm) => format!("{} --include=dev", install.text),
            (None, Manager::Yarn) => format!("{} --production=false", install.text),
            (None, Manager::Pnpm) => format!("{} --prod=false", install.text),
        };
        let option = install.omits.as_ref().map(|option| format!(" {option}"));
        let edit = edit::replace_in_instruction(workspace, path, dockerfile, at, &install.text, &with).or_else(|| {
            let option = option?;
            edit::replace_in_instruction(workspace, path, dockerfile, at, &option, "")
        });
        out.extend(edit.map(|edit| Remedy {
            id: "install-development-packages".into(),
            title: "Install the development packages where the build runs".into(),
            why: format!("`{}` is needed to build, and only there", hit.subject),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }));
    }
    out.extend(plain_node(case, &package, &hit.subject).filter(|_| at_start));
    if let Some((name, Section::DevDependencies)) = provider(&package, &hit.subject)
        && let Some(edit) = package.move_to_dependencies(workspace, name)
    {
        out.push(Remedy {
            id: "move-to-dependencies".into(),
            title: format!("Move `{name}` to the dependencies"),
            why: "dependencies are installed everywhere".into(),
            applicability: if at_start { Applicability::Rehearse } else { Applicability::Suggest },
            edits: vec![edit],
        });
    }
    Prescription::of(out)
}
