//! nginx: the configuration files that the image gets, and the ports they listen on.

use std::sync::LazyLock;

use regex::Regex;

use super::{Start, json};
use crate::diagnosis::Case;
use crate::diagnosis::{node, toolchain};
use crate::dockerfile::{StageBase, edit};
use crate::remedy::Edit;

/// A `listen` with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// In the repository.
    pub path: String,
    pub line: usize,
    /// In the image.
    pub destination: String,
    /// What stands before the port: `listen `, `listen [::]:`.
    pub before: String,
    pub port: u16,
    pub loopback: bool,
}

static LISTEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(listen\s+(?:(?:\[[0-9a-fA-F:]+\]|[\w.*-]+):)?)(\d{2,5})(?:[;\s])").ok());

/// All numbered `listen`s of configuration files that the final stage copies.
pub fn listens(case: &Case<'_>) -> Vec<Listen> {
    copied_configurations(case).iter().flat_map(|(path, destination)| of_file(case, path, destination)).collect()
}

/// The configuration files that the final stage copies: in the repository and in the image.
fn copied_configurations(case: &Case<'_>) -> Vec<(String, String)> {
    let instructions = case.dockerfile.instructions();
    let mut out = Vec::new();
    let end = instructions.len();
    for at in node::history(case, end.saturating_sub(1)).into_iter().chain(end.checked_sub(1)) {
        let instruction = &instructions[at];
        let Some((sources, to)) = instruction.copy_paths().filter(|_| instruction.flag("from").is_none()) else {
            continue;
        };
        for source in &sources {
            for path in case.context.matches(&case.dockerfile.expand(at, source, &Default::default())) {
                let path = path.to_string();
                let is_conf = path.ends_with(".conf") || to.ends_with(".conf");
                if is_conf && !to.contains("templates") {
                    out.push((case.in_repository(&path), destination(case, at, &path, source, &to)));
                }
            }
        }
    }
    out
}

fn destination(case: &Case<'_>, at: usize, path: &str, source: &str, to: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let below = path
        .strip_prefix(source.trim_start_matches("./").trim_end_matches('/'))
        .map_or("", |rest| rest.trim_start_matches('/'));
    let folder = case.dockerfile.workdir_at(at);
    let to = if to.starts_with('/') { to.to_owned() } else { format!("{}/{to}", folder.trim_end_matches('/')) };
    match (below, to.ends_with('/')) {
        ("", true) => format!("{to}{name}"),
        ("", false) => to,
        (below, _) => format!("{}/{below}", to.trim_end_matches('/')),
    }
}

fn of_file(case: &Case<'_>, repository: &str, destination: &str) -> Vec<Listen> {
    let lines = case.workspace.lines(repository);
    let found = lines.iter().enumerate().filter_map(|(index, line)| {
        let found = LISTEN.as_ref()?.captures(line)?;
        Some(Listen {
            path: repository.to_owned(),
            line: index + 1,
            destination: destination.to_owned(),
            loopback: found[1].contains("127.0.0.1") || found[1].contains("localhost") || found[1].contains("[::1]"),
            before: found[1].to_owned(),
            port: found[2].parse().ok()?,
        })
    });
    found.collect()
}

/// A line of a copied configuration in which `${PORT}` or `$PORT` stands for the port: path, line, destination, as written.
pub fn unfilled(case: &Case<'_>) -> Option<(String, usize, String, &'static str)> {
    let marks = ["${PORT}", "$PORT"];
    copied_configurations(case).into_iter().find_map(|(path, destination)| {
        let lines = case.workspace.lines(&path);
        let found = lines.iter().enumerate().find_map(|(index, line)| {
            let mark = marks.iter().find(|mark| line.trim_start().starts_with("listen") && line.contains(**mark))?;
            Some((index + 1, *mark))
        });
        found.map(|(line, mark)| (path.clone(), line, destination, mark))
    })
}

/// The edit that puts the port in when the container starts.
pub fn filling(case: &Case<'_>) -> Option<Edit> {
    let (_, _, file, mark) = unfilled(case)?;
    let pattern = mark.replace('$', "[$]");
    start_with(case, &format!("sed -i \"s/{pattern}/${{PORT:-10000}}/\" {file}"))
}

/// Whether the final stage starts nginx: by its command, or because its image does.
pub fn is_started(case: &Case<'_>) -> bool {
    let command = case.command();
    let instructions = case.dockerfile.instructions();
    let named = |index: usize| {
        instructions[index].words().iter().any(|word| word.ends_with("nginx") || word.contains("nginx "))
    };
    let from_image = || {
        let stages = case.dockerfile.stages();
        let mut at = stages.len().checked_sub(1);
        while let Some(stage) = at.and_then(|at| stages.get(at)) {
            match &stage.base {
                StageBase::Stage(below) => at = Some(*below),
                StageBase::Image(image) => return toolchain::name(image).contains("nginx"),
                StageBase::Scratch => return false,
            }
        }
        false
    };
    match (command.entrypoint, command.cmd) {
        (None, None) if case.facts.docker_command.is_some() => {
            Start::of(case).is_some_and(|start| start.words.iter().any(|word| word.ends_with("nginx")))
        }
        (None, None) => from_image(),
        (entrypoint, cmd) => entrypoint.is_some_and(named) || cmd.is_some_and(named),
    }
}

/// The edit that lets nginx listen on `$PORT`: the numbers are replaced when the container starts.
pub fn listening_on_port(case: &Case<'_>, port: u16) -> Option<Edit> {
    let mine: Vec<Listen> = listens(case).into_iter().filter(|listen| listen.port == port).collect();
    let mut files: Vec<&str> = mine.iter().map(|listen| listen.destination.as_str()).collect();
    files.dedup();
    let mut befores: Vec<&str> = mine.iter().map(|listen| listen.before.as_str()).collect();
    befores.sort_unstable();
    befores.dedup();
    if files.is_empty() {
        return None;
    }
    let one = |before: &&str| {
        let pattern = before.replace('[', "\\[").replace(']', "\\]").replace('.', "\\.").replace('*', "\\*");
        let loopback = before.replace("127.0.0.1", "0.0.0.0").replace("localhost", "0.0.0.0");
        format!("s/{pattern}{port}/{loopback}${{PORT:-{port}}}/")
    };
    let script: Vec<String> = befores.iter().map(one).collect();
    start_with(case, &format!("sed -i \"{}\" {}", script.join("; "), files.join(" ")))
}

/// Runs `first` as root before nginx.
fn start_with(case: &Case<'_>, first: &str) -> Option<Edit> {
    let instructions = case.dockerfile.instructions();
    let command = case.command();
    let user = case.dockerfile.user_at(instructions.len());
    if command.entrypoint.is_some()
        || case.facts.docker_command.is_some()
        || user.is_some_and(|user| !matches!(user.as_str(), "root" | "0" | "0:0" | "root:root"))
    {
        return None;
    }
    let text = format!("{first} && exec nginx -g 'daemon off;'");
    let line = format!("CMD {}", json(&["sh".into(), "-c".into(), text])?);
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    match command.cmd {
        Some(cmd) => {
            let words = instructions[cmd].words().join(" ");
            let plain = words.starts_with("nginx") || words.starts_with("/usr/sbin/nginx");
            plain.then(|| edit::set_command(workspace, path, dockerfile, cmd, &line)).flatten()
        }
        None => edit::insert_after_instruction(workspace, path, dockerfile, instructions.len() - 1, &[&line]),
    }
}
