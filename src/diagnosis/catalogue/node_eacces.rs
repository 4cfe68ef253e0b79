//! `node-eacces`: the packages are installed by a user that does not own the folder.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "node-eacces",
    what: "The packages are installed by a user that does not own the folder",
    why: "WORKDIR and COPY create folders and files that belong to root, whatever USER says; the user that installs may \
          not write there.",
    advice: "Give the folder to the user before USER (`RUN chown node:node /app`) and copy with `--chown=node:node`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "EACCES: permission denied",
        "code EACCES",
        "Your cache folder contains root-owned files",
        "Missing write access to",
        "errno -13",
    ],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "#8 [4/5] RUN npm ci --omit=dev\n#8 1.1 npm error code EACCES\n#8 1.1 npm error syscall mkdir\n#8 1.1 npm error path /home/node/app/node_modules\n#8 1.1 npm error errno -13\n#8 1.1 npm error Error: EACCES: permission denied, mkdir '/home/node/app/node_modules'\n#8 ERROR: process \"/bin/sh -c npm ci --omit=dev\" did not complete successfully: exit code: 243",
        files: &[(
            "Dockerfile",
            "FROM node:20-bookworm-slim\nWORKDIR /home/node/app\n\nUSER node\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev\n",
        )],
        subject: "/home/node/app/node_modules",
        remedy: Some((
            "own-folder",
            &[(
                "Dockerfile",
                "FROM node:20-bookworm-slim\nWORKDIR /home/node/app\n\nRUN chown -R node /home/node/app\nUSER node\nCOPY --chown=node package.json package-lock.json ./\nRUN npm ci --omit=dev\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"EACCES: permission denied, \w+ '([^']+)'",
    r"Missing write access to (\S+)",
    r"npm (?:ERR!|error) path (/\S+)",
    r"(?:npm (?:ERR!|error)) code (EACCES)",
    r"Your cache folder contains root-owned files",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let step = case.log.failing.as_ref()?;
    if !["npm", "yarn", "pnpm", "npx", "bower"].iter().any(|tool| step.command.contains(tool)) {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let why = format!("the user that installs may not write to `{}`", found.subject());
    Some(Hit::at(found.line, found.subject(), why).confidence(0.95))
}

/// Folders that the node image has, and that the user node may write to.
const OWN: &[&str] = &["/home/node", "/tmp", "/"];

/// A folder that WORKDIR made as root, in which another user installs.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let instructions = case.dockerfile.instructions();
    let is_root =
        |user: Option<String>| user.is_none_or(|user| matches!(user.split(':').next(), Some("root" | "0" | "")));
    let hit = |index: usize| {
        let script = node::script_of(case, index);
        let installs = node::installs(&script).into_iter().any(|install| !install.text.contains("--prefix"));
        if !installs {
            return None;
        }
        let folder = case.dockerfile.workdir_at(index);
        let steps = node::history(case, index);
        let made = *steps.iter().rev().find(|at| instructions[**at].keyword == "WORKDIR")?;
        let official = base::of(case, index).is_some_and(|base| base.image.official() == Some("node"));
        let given = steps.iter().chain([&index]).any(|at| {
            let each = &instructions[*at];
            each.keyword == "RUN" && ["chown", "chmod", "install -d", "setfacl", "cd "].iter().any(|word| node::script_of(case, *at).contains(word))
                || each.flag("from").is_some()
                // A COPY that makes the folder itself, before WORKDIR, may give it to the user.
                || each.flag("chown").is_some() && (*at < made || each.copy_paths().is_some_and(|(sources, _)| {
                    sources.iter().any(|source| !case.workspace.contains(&case.in_repository(source.trim_start_matches("./"))) && !source.contains('*'))
                }))
        });
        let wrong = official
            && !given
            && !OWN.contains(&folder.trim_end_matches('/'))
            && folder != "/"
            && is_root(case.dockerfile.user_at(made))
            && !is_root(case.dockerfile.user_at(index))
            && steps.iter().filter(|at| instructions[**at].keyword == "WORKDIR").count() == 1;
        wrong.then(|| {
            let user = case.dockerfile.user_at(index).unwrap_or_default();
            case.foreseen(
                index,
                folder.clone(),
                format!("WORKDIR made `{folder}` as root, so that `{user}` may not install there"),
            )
        })
    };
    case.runs().find_map(hit).into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.step(hit) else { return Prescription::none() };
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let instructions = dockerfile.instructions();
    let Some(user) = dockerfile.user_at(index).filter(|user| !matches!(user.as_str(), "root" | "0" | "")) else {
        return Prescription::none();
    };
    let before = |keyword: &str| (0..index).rev().find(|at| instructions[*at].keyword == keyword);
    let (Some(at), folder) = (before("USER"), dockerfile.workdir_at(index)) else { return Prescription::none() };
    let owner = user.split(':').next().unwrap_or(&user);
    let mut edits = Vec::new();
    // Where WORKDIR comes after USER, BuildKit still creates the folder as root: it has to be there before.
    let is_later = before("WORKDIR").is_some_and(|workdir| workdir > at);
    let line = if is_later {
        format!("RUN mkdir -p {folder} && chown -R {owner} {folder}")
    } else {
        format!("RUN chown -R {owner} {folder}")
    };
    if folder != "/" {
        edits.extend(edit::insert_before_instruction(workspace, path, dockerfile, at, &[&line]));
    }
    for (copy, instruction) in instructions.iter().enumerate().take(index).skip(at) {
        if instruction.keyword == "COPY" && instruction.flag("chown").is_none() {
            let (from, to) = (format!("{} ", instruction.written), format!("{} --chown={owner} ", instruction.written));
            edits.extend(edit::replace_in_instruction(workspace, path, dockerfile, copy, &from, &to));
        }
    }
    if edits.is_empty() {
        return Prescription::none();
    }
    Prescription::of([Remedy {
        id: "own-folder".into(),
        title: format!("Give `{folder}` to the user `{user}`"),
        why: "the user stays, and may write where it installs".into(),
        applicability: Applicability::Rehearse,
        edits,
    }])
}
