//! Scripts that the image starts: which file of the repository they are, and in what state.

use crate::diagnosis::Case;
use crate::diagnosis::node;

/// A file of the repository that is copied into the final stage and started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// In the repository.
    pub path: String,
    /// In the image, as an absolute path.
    pub destination: String,
    /// The COPY that brings it.
    pub copy: usize,
    pub is_executable: bool,
    /// The Dockerfile changes permissions somewhere after the copy.
    pub made_executable: bool,
    pub has_carriage_returns: bool,
    /// Started by its own name, not as an argument of a shell.
    pub called_directly: bool,
}

/// The script that the ENTRYPOINT, the CMD or the service's own command starts.
pub fn started(case: &Case<'_>) -> Option<Script> {
    let command = case.command();
    let of_image = [command.entrypoint, command.cmd].into_iter().flatten().find_map(|index| {
        let instruction = &case.dockerfile.instructions()[index];
        named(case, &instruction.words(), instruction.exec().is_some())
    });
    of_image.or_else(|| named(case, &split(case.facts.docker_command.as_deref()?), false))
}

/// The script among the first words of a command.
fn named(case: &Case<'_>, words: &[String], is_exec: bool) -> Option<Script> {
    let first = words.iter().find(|word| *word != "exec")?;
    let direct = is_exec || !matches!(first.as_str(), "sh" | "bash");
    let word = words.iter().take(3).find(|word| word.contains('/') || word.ends_with(".sh"))?;
    let mut script = find(case, word)?;
    script.called_directly = direct && words.first() == Some(word);
    Some(script)
}

fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The file behind a path as the container has it.
pub fn find(case: &Case<'_>, named: &str) -> Option<Script> {
    let end = case.dockerfile.instructions().len();
    let workdir = case.dockerfile.workdir_at(end);
    let wanted = absolute(&workdir, named);
    let name = wanted.rsplit('/').next()?.to_owned();
    let all = copied(case);
    let by_path = all.iter().rev().find(|script| script.destination == wanted);
    let by_name =
        || all.iter().rev().find(|script| !named.contains('/') && script.destination.ends_with(&format!("/{name}")));
    by_path.or_else(by_name).cloned()
}

/// The script that is the file `path` of the repository.
pub fn at(case: &Case<'_>, path: &str) -> Option<Script> {
    copied(case).into_iter().rev().find(|script| script.path == path)
}

/// The path in the image of the program `name` that the final stage copies from another stage or from the context.
pub fn program(case: &Case<'_>, name: &str) -> Option<String> {
    let instructions = case.dockerfile.instructions();
    let steps = node::history(case, instructions.len().checked_sub(1)?);
    steps.iter().rev().find_map(|at| {
        let (sources, to) = instructions[*at].copy_paths()?;
        let to = case.dockerfile.expand(*at, &to, &Default::default());
        let whole = absolute(&case.dockerfile.workdir_at(*at), &to);
        let folder = whole.trim_end_matches("/.").trim_end_matches('/');
        let ends_so = |path: &String| path.rsplit('/').next() == Some(name);
        match sources.as_slice() {
            _ if ends_so(&to) => Some(whole.clone()),
            [_] if !to.ends_with(['/', '.']) => None,
            all => all.iter().any(ends_so).then(|| format!("{folder}/{name}")),
        }
    })
}

/// What bash knows and a plain shell does not.
const ONLY_BASH: &[&str] = &[
    "[[",
    "((",
    "<(",
    ">(",
    "<<<",
    "=(",
    "${!",
    "//",
    "^^",
    ",,",
    "&>",
    "source ",
    "declare ",
    "function ",
    "mapfile",
    "readarray",
    "shopt",
    "BASH_",
    "select ",
    "$'",
    "read -a",
    "+=",
    "{1..",
    "{0..",
    "echo -e",
    "let ",
    "RANDOM",
    "@]",
    "==",
];

/// Whether a script written for bash uses nothing that a plain shell lacks. Comments do not count.
pub fn is_plain(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let addresses = ["http://", "https://", "postgres://", "redis://", "tcp://"];
    lines
        .map(|line| addresses.iter().fold(line.to_owned(), |line, each| line.replace(each, "")))
        .all(|line| !ONLY_BASH.iter().any(|words| line.contains(words)))
}

fn absolute(workdir: &str, path: &str) -> String {
    let path = path.trim_start_matches("./");
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", workdir.trim_end_matches('/')) }
}

/// All files that the final stage copies from the build context, with where they go.
fn copied(case: &Case<'_>) -> Vec<Script> {
    let instructions = case.dockerfile.instructions();
    let mut out = Vec::new();
    let Some(last) = instructions.len().checked_sub(1) else { return out };
    let steps = node::history(case, last);
    for at in steps.iter().copied() {
        let instruction = &instructions[at];
        let Some((sources, to)) = instruction.copy_paths().filter(|_| instruction.flag("from").is_none()) else {
            continue;
        };
        let workdir = case.dockerfile.workdir_at(at);
        let to = absolute(&workdir, &case.dockerfile.expand(at, &to, &Default::default()));
        let to = to.trim_end_matches("/.").to_owned();
        for source in &sources {
            let source = case.dockerfile.expand(at, source, &Default::default());
            let bare = source.trim_start_matches("./").trim_end_matches('/').trim_end_matches('.').to_owned();
            for path in case.context.matches(&source) {
                let path = path.to_string();
                let name = path.rsplit('/').next().unwrap_or(&path);
                let below = path.strip_prefix(&bare).map(|rest| rest.trim_start_matches('/')).unwrap_or(name);
                let is_folder = to.ends_with('/') || sources.len() > 1 || !below.is_empty() || to == workdir;
                let rest = if below.is_empty() { name } else { below };
                let destination = if is_folder { format!("{}/{rest}", to.trim_end_matches('/')) } else { to.clone() };
                out.extend(script(case, &steps, at, &path, destination));
            }
        }
    }
    out
}

fn script(case: &Case<'_>, steps: &[usize], copy: usize, path: &str, destination: String) -> Option<Script> {
    let path = case.in_repository(path);
    let file = case.workspace.file(&path)?;
    let instructions = case.dockerfile.instructions();
    let later = steps.iter().filter(|at| **at > copy && instructions[**at].keyword == "RUN");
    let made_executable = instructions[copy].flag("chmod").is_some()
        || later.into_iter().any(|at| node::script_of(case, *at).contains("chmod"));
    Some(Script {
        is_executable: file.executable,
        has_carriage_returns: case
            .workspace
            .bytes(&path)
            .is_some_and(|bytes| bytes.windows(2).any(|pair| pair == b"\r\n")),
        called_directly: true,
        made_executable,
        destination,
        copy,
        path,
    })
}
