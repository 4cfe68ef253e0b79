//! Tools that steps and scripts call although the image surely lacks them: found from the files alone.
//!
//! Only images that are known to come without such tools count, and only when nothing in the stage installs anything that
//! could bring them along.

use super::base::{self, Base};
use super::rule::Place;
use super::{Case, commands, copying, installs};
use crate::dockerfile::StageBase;

/// A tool that is called and not there.
pub struct Want {
    pub command: String,
    pub instruction: usize,
    /// Where it is called.
    pub place: Place,
}

/// What slim and Alpine images lack, and no pip, npm or gem package brings under that name.
const NOT_IN_SLIM: &[&str] = &[
    "git",
    "curl",
    "wget",
    "make",
    "gcc",
    "g++",
    "unzip",
    "zip",
    "jq",
    "optipng",
    "jpegoptim",
    "pngquant",
    "ffmpeg",
    "convert",
    "rsync",
    "ssh",
    "ssh-keyscan",
    "psql",
    "pg_dump",
    "mysql",
    "envsubst",
    "locale-gen",
    "pdftotext",
    "tesseract",
    "xmllint",
    "xsltproc",
    "sqlite3",
    "msgfmt",
    "svn",
    "hg",
    "nc",
    "bc",
];
/// busybox has its own wget, unzip and nc.
const IN_BUSYBOX: &[&str] = &["wget", "unzip", "nc", "bc"];
const SLIM_IMAGES: &[&str] = &["python", "node", "ruby", "debian", "rust"];

/// Everything called and lacking, in order.
pub fn wants(case: &Case<'_>) -> Vec<Want> {
    let mut out: Vec<Want> = Vec::new();
    let instructions = case.dockerfile.instructions();
    for stage in case.dockerfile.stages() {
        if !matches!(stage.base, StageBase::Image(_)) {
            continue;
        }
        for index in stage.instructions {
            if may_bring_tools(case, index) {
                break;
            }
            if instructions[index].keyword == "RUN" {
                add_wants(case, index, &mut out);
            }
            // Nobody reads what it did.
            if !instructions[index].heredocs.is_empty() {
                break;
            }
        }
    }
    out
}

/// What step `index` calls, in itself and in the scripts it runs, and its image lacks.
fn add_wants(case: &Case<'_>, index: usize, out: &mut Vec<Want>) {
    let instruction = &case.dockerfile.instructions()[index];
    let Some(base) = base::of(case, index) else { return };
    let own = (case.dockerfile_path.to_owned(), instruction.first_line, instruction.args.clone());
    let scripts = scripts_of(case, index).into_iter().filter_map(|path| {
        let text = case.workspace.text(&path)?.to_owned();
        Some((path, 0, text))
    });
    for (path, line, text) in std::iter::once(own).chain(scripts) {
        for (command, at) in calls(&text) {
            let line = if line == 0 { at } else { line };
            let known = out.iter().any(|want| want.command == command);
            if lacks(&base, &command) && !known && !text.contains(&format!("command -v {command}")) {
                out.push(Want { command, instruction: index, place: Place { path: path.clone(), line } });
            }
        }
    }
}

fn lacks(base: &Base, command: &str) -> bool {
    let Some(image) = base.image.official().filter(|image| SLIM_IMAGES.contains(image)) else { return false };
    let tag = base.image.tag.as_str();
    let alpine = tag.contains("alpine");
    let slim = tag.contains("slim") || image == "debian";
    // The debian image itself is as bare as its slim variant in this respect.
    NOT_IN_SLIM.contains(&command)
        && (slim || (alpine && !IN_BUSYBOX.contains(&command)))
        && !(image == "rust" && command == "gcc")
        && commands::is_known(command)
}

/// Whether instruction `index` can install a tool, or changes who reads the steps.
fn may_bring_tools(case: &Case<'_>, index: usize) -> bool {
    let each = &case.dockerfile.instructions()[index];
    let installs = || {
        !installs::named(case, index).is_empty()
            || ["apt", "apk", "dpkg", "conda", "| sh", "| bash", "|sh", "|bash", "npm install -g", "npm i -g"]
                .iter()
                .any(|word| each.args.contains(word))
    };
    match each.keyword.as_str() {
        "RUN" => installs(),
        "COPY" => each.flag("from").is_some(),
        "SHELL" => true,
        _ => false,
    }
}

/// Scripts of the repository that the step runs: `sh tools/x`, `./x.sh`.
fn scripts_of(case: &Case<'_>, index: usize) -> Vec<String> {
    let words = case.dockerfile.instructions()[index].words();
    let mut out = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let by_shell = at > 0 && matches!(words[at - 1].as_str(), "sh" | "bash" | "/bin/sh" | "/bin/bash");
        let direct = (at == 0 || matches!(words[at - 1].as_str(), "&&" | ";")) && word.contains('/');
        if by_shell || direct {
            let origins = copying::origins(case, word).into_iter().map(|origin| case.in_repository(&origin));
            out.extend(origins.filter(|path| is_shell_script(case, path)));
        }
    }
    out
}

fn is_shell_script(case: &Case<'_>, path: &str) -> bool {
    let first = case.workspace.lines(path).first().map_or("", |line| *line);
    path.ends_with(".sh") || (first.starts_with("#!") && first.ends_with("sh"))
}

/// Words in command position, with their line; conditional ones are left out.
fn calls(text: &str) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') || line.contains("|| true") || line.contains("which ") || line.contains("command -v") {
            continue;
        }
        for part in line.split("&&").flat_map(|part| part.split(';')).flat_map(|part| part.split("||")) {
            let mut words = part.split_whitespace().skip_while(|word| {
                matches!(*word, "if" | "then" | "do" | "else" | "!" | "time" | "{" | "(" | "\\" | "set")
                    || word.contains('=')
            });
            if let Some(command) = words.next() {
                out.push((command.to_owned(), number + 1));
            }
        }
    }
    out
}
