//! Node projects: which package manager a step runs and how, which package.json is meant, what a lock file holds.

use crate::diagnosis::Case;
use crate::dockerfile::{StageBase, edit};
use crate::manifest::package_json::PackageJson;
use crate::remedy::Edit;

pub mod addons;
pub mod endings;
pub mod lock;
pub mod moved;
pub mod reached;
pub mod spelling;
pub mod workspaces;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    Npm,
    Yarn,
    Pnpm,
}

impl Manager {
    /// The lock files it reads, best first.
    pub fn locks(self) -> &'static [&'static str] {
        match self {
            Self::Npm => &["package-lock.json", "npm-shrinkwrap.json"],
            Self::Yarn => &["yarn.lock"],
            Self::Pnpm => &["pnpm-lock.yaml"],
        }
    }
}

/// An installation of a project's packages inside a RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    pub manager: Manager,
    /// The command as it stands in the step: `npm ci --omit=dev`.
    pub text: String,
    /// It refuses to change the lock file: `npm ci`, `--frozen-lockfile`, `--immutable`.
    pub frozen: bool,
    /// The option by which it leaves out development packages, if it has one.
    pub omits: Option<String>,
    /// An option that brings them in whatever NODE_ENV says.
    pub includes: bool,
}

const OMITS: [&str; 9] = [
    "--omit=dev",
    "--omit dev",
    "--only=production",
    "--only=prod",
    "--production=true",
    "--production",
    "--prod",
    "-P",
    "--only production",
];
const INCLUDES: [&str; 6] =
    ["--include=dev", "--production=false", "--prod=false", "--also=dev", "--no-production", "--dev=true"];

/// The single commands of a shell line, without leading assignments.
pub fn commands(text: &str) -> Vec<&str> {
    text.split(['\n', ';'])
        .flat_map(|part| part.split("&&"))
        .flat_map(|part| part.split("||"))
        .flat_map(|part| part.split('|'))
        .map(|part| part.trim().trim_start_matches(['(', '{']).trim_end_matches([')', '}']).trim())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Whether a command of RUN `index` holds one of `verbs`.
pub fn calls(case: &Case<'_>, index: usize, verbs: &[&str]) -> bool {
    commands(&script_of(case, index)).iter().any(|command| verbs.iter().any(|verb| command.contains(verb)))
}

/// A command without the assignments before it.
fn bare(command: &str) -> &str {
    let mut rest = command;
    while let Some((first, after)) = rest.split_once(char::is_whitespace) {
        let is_assignment = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
        });
        if !is_assignment {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

/// The installations of a project's packages in a shell line. Those of single packages do not count.
pub fn installs(text: &str) -> Vec<Install> {
    commands(text).into_iter().filter_map(|command| install(bare(command))).collect()
}

fn install(command: &str) -> Option<Install> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let manager = match *words.first()? {
        "npm" => Manager::Npm,
        "yarn" | "yarnpkg" => Manager::Yarn,
        "pnpm" => Manager::Pnpm,
        _ => return None,
    };
    let verb = words[1..].iter().find(|word| !word.starts_with('-')).copied();
    let fits = match manager {
        Manager::Npm => matches!(verb, Some("ci" | "install" | "i" | "clean-install" | "ic")),
        Manager::Yarn => matches!(verb, None | Some("install")) && !words.contains(&"--version"),
        Manager::Pnpm => matches!(verb, Some("install" | "i")),
    };
    let mut names = words[1..].iter().filter(|word| !word.starts_with('-') && Some(**word) != verb);
    let takes_value = |word: &str| {
        matches!(
            word,
            "--cache"
                | "--prefix"
                | "--registry"
                | "--omit"
                | "--include"
                | "--only"
                | "--store-dir"
                | "--loglevel"
                | "-C"
                | "--dir"
                | "--filter"
                | "--network-timeout"
                | "--cache-folder"
                | "--maxsockets"
                | "--fetch-retries"
        )
    };
    let single = names.any(|name| {
        let at = words.iter().position(|word| word == name).unwrap_or(0);
        at == 0 || !takes_value(words[at - 1])
    });
    let global = words.iter().any(|word| matches!(*word, "-g" | "--global" | "global" | "--location=global"));
    if !fits || single || global {
        return None;
    }
    let holds = |option: &&&str| format!(" {command} ").contains(&format!(" {option} "));
    let frozen = match manager {
        Manager::Npm => matches!(verb, Some("ci" | "clean-install" | "ic")),
        Manager::Yarn => ["--frozen-lockfile", "--immutable"].iter().any(|option| command.contains(option)),
        Manager::Pnpm => command.contains("--frozen-lockfile") && !command.contains("--frozen-lockfile=false"),
    };
    Some(Install {
        manager,
        text: command.to_owned(),
        frozen,
        omits: OMITS.iter().find(holds).map(|option| (*option).to_owned()),
        includes: INCLUDES.iter().any(|option| holds(&option)),
    })
}

/// The instructions that led to `index`: its own stage's and those of the stages it is built on, oldest first.
pub fn history(case: &Case<'_>, index: usize) -> Vec<usize> {
    let stages = case.dockerfile.stages();
    let Some(mut at) = case.dockerfile.stage_of(index) else { return vec![] };
    let mut end = index;
    let mut parts: Vec<Vec<usize>> = Vec::new();
    while let Some(stage) = stages.get(at) {
        parts.push((stage.instructions.start..end.max(stage.instructions.start)).collect());
        match stage.base {
            StageBase::Stage(below) => {
                at = below;
                end = stages[below].instructions.end;
            }
            _ => break,
        }
    }
    parts.into_iter().rev().flatten().collect()
}

/// Paths in the build context that the instructions before `index` copied into its stage, with the COPY's index.
pub fn copied(case: &Case<'_>, index: usize) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for at in history(case, index) {
        let instruction = &case.dockerfile.instructions()[at];
        if !matches!(instruction.keyword.as_str(), "COPY" | "ADD") || instruction.flag("from").is_some() {
            continue;
        }
        let Some((sources, _)) = instruction.copy_paths() else { continue };
        for source in sources {
            let source = case.dockerfile.expand(at, &source, &Default::default());
            let paths = case.context.matches(&source);
            out.extend(paths.into_iter().map(|path| (at, path.to_string())));
        }
    }
    out
}

/// Files the step gets from its own `--mount=type=bind` or from another stage cannot be followed.
pub fn is_opaque(case: &Case<'_>, index: usize) -> bool {
    let instructions = case.dockerfile.instructions();
    let binds = instructions[index].flags.iter().any(|flag| {
        flag.name == "mount"
            && flag.value.as_deref().is_none_or(|value| !value.contains("type=cache") && !value.contains("type=secret"))
    });
    binds
        || history(case, index).iter().any(|at| {
            let each = &instructions[*at];
            each.flag("from").is_some() && each.copy_paths().is_some_and(|(_, to)| !to.contains("node_modules"))
                || each.keyword == "RUN" && (each.args.contains("git clone") || each.args.contains("npm init"))
        })
}

/// The package.json (path in the build context) that a step at `index` works with.
pub fn manifest(case: &Case<'_>, index: usize) -> Option<String> {
    let mut found: Vec<String> = copied(case, index)
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| path == "package.json" || path.ends_with("/package.json"))
        .filter(|path| !path.contains("node_modules/"))
        .collect();
    found.sort_by_key(|path| path.matches('/').count());
    found.into_iter().next()
}

/// The package.json of the project as the repository has it, for a step at `index`, else the top one.
pub fn package(case: &Case<'_>, index: Option<usize>) -> Option<PackageJson> {
    let path = index.and_then(|index| manifest(case, index)).unwrap_or_else(|| "package.json".to_owned());
    PackageJson::read(case.workspace, &case.in_repository(&path))
}

/// A file beside a package.json, both by their path in the build context.
pub fn beside(manifest: &str, name: &str) -> String {
    match manifest.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

/// The installation that a step runs, else the last one before it: its instruction and how.
pub fn install_before(case: &Case<'_>, index: usize) -> Option<(usize, Install)> {
    let instructions = case.dockerfile.instructions();
    let own = std::iter::once(index).chain(history(case, index).into_iter().rev());
    own.filter(|at| instructions[*at].keyword == "RUN").find_map(|at| Some((at, installs(&script_of(case, at)).pop()?)))
}

/// The last step of the file that installs a project's packages.
pub fn last_install(case: &Case<'_>) -> Option<usize> {
    let instructions = case.dockerfile.instructions();
    (0..instructions.len())
        .rev()
        .find(|at| instructions[*at].keyword == "RUN" && !installs(&script_of(case, *at)).is_empty())
}

/// What a RUN runs: its words, or its heredoc.
pub fn script_of(case: &Case<'_>, index: usize) -> String {
    let instruction = &case.dockerfile.instructions()[index];
    let mut text = match instruction.exec() {
        Some(words) => words.join(" "),
        None => instruction.args.clone(),
    };
    for heredoc in &instruction.heredocs {
        text.push('\n');
        text.push_str(&heredoc.body);
    }
    text
}

/// Lets an installation change the lock file: the smallest edit that does without it.
pub fn thaw(case: &Case<'_>, index: usize, install: &Install) -> Option<Edit> {
    let first = install.text.split_whitespace().collect::<Vec<_>>();
    let (from, to) = match install.manager {
        Manager::Npm => {
            let verb = first.iter().find(|word| matches!(**word, "ci" | "clean-install" | "ic"))?;
            (format!("npm {verb}"), "npm install".to_owned())
        }
        Manager::Yarn if install.text.contains("--immutable") => {
            ("--immutable".to_owned(), "--no-immutable".to_owned())
        }
        Manager::Yarn => (" --frozen-lockfile".to_owned(), String::new()),
        Manager::Pnpm => ("--frozen-lockfile".to_owned(), "--no-frozen-lockfile".to_owned()),
    };
    if install.manager == Manager::Pnpm && !install.frozen {
        let (from, to) = match first.get(1) {
            Some(&"i") => ("pnpm i", "pnpm i --no-frozen-lockfile"),
            _ => ("pnpm install", "pnpm install --no-frozen-lockfile"),
        };
        return edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, from, to);
    }
    edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &from, &to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_read_from_its_command() {
        let one = |text: &str| installs(text).pop();
        let npm = one("npm ci --omit=dev && npm cache clean --force").expect("npm");
        assert_eq!((npm.manager, npm.frozen, npm.omits.as_deref()), (Manager::Npm, true, Some("--omit=dev")));
        let yarn = one("corepack enable && CI=1 yarn --frozen-lockfile --production=false").expect("yarn");
        assert_eq!((yarn.manager, yarn.frozen, yarn.omits, yarn.includes), (Manager::Yarn, true, None, true));
        let pnpm = one("pnpm install --frozen-lockfile --prod --store-dir /pnpm/store").expect("pnpm");
        assert_eq!((pnpm.manager, pnpm.frozen, pnpm.omits.as_deref()), (Manager::Pnpm, true, Some("--prod")));
        assert_eq!(one("npm install -g pnpm@8"), None);
        assert_eq!(one("npm install express"), None);
        assert_eq!(one("yarn build"), None);
    }
}
