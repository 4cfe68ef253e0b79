//! Which of this host's language installations plays a base image: the right version makes a rehearsal worth its name.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::world;

/// A program that does not tell its version by then never will.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// What plays a base image.
#[derive(Debug, Clone, Default)]
pub(super) struct Understudy {
    /// For the log.
    pub(super) note: String,
    pub(super) prefix: Option<Prefix>,
    /// The image comes without compilers.
    pub(super) is_slim: bool,
    /// The Python of this host's own packages is the image's.
    pub(super) is_hosts_python: bool,
}

/// An installation that can be shown as `/usr/local`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prefix {
    pub(super) folder: PathBuf,
    /// `3.11`, when it is a Python.
    pub(super) python: Option<String>,
}

/// Finds what plays `image` best.
pub(super) async fn of(image: &str) -> Understudy {
    let is_slim = image.contains("-slim");
    Understudy { is_slim, ..by_language(image).await }
}

async fn by_language(image: &str) -> Understudy {
    let (name, wanted) = name_and_version(image);
    let found = match name.as_str() {
        "python" => managed(&home_of("PYENV_ROOT", ".pyenv").join("versions"), "", &wanted),
        "node" => managed(&home_of("NVM_DIR", ".nvm").join("versions/node"), "v", &wanted),
        _ => return Understudy { note: "this host stands in for the base image".to_owned(), ..Understudy::default() },
    };
    if let Some((version, folder)) = found {
        let python = (name == "python").then(|| version.split('.').take(2).collect::<Vec<_>>().join("."));
        let note = format!("this host stands in for the base image, with {name} {version}");
        return Understudy { note, prefix: Some(Prefix { folder, python }), ..Understudy::default() };
    }
    let program = if name == "python" { "python3" } else { name.as_str() };
    let note = match version_of(program).await {
        None => format!("this host stands in for the base image, but has no {name}"),
        Some(version) if fits(&version, &wanted) => {
            format!("this host stands in for the base image, with {name} {version}")
        }
        Some(version) => format!("this host stands in for the base image, with {name} {version} instead of {wanted}"),
    };
    Understudy { note, is_hosts_python: name == "python", ..Understudy::default() }
}

/// `python` and `3.11` of `docker.io/library/python:3.11-slim`. The version is empty when the tag has none.
fn name_and_version(image: &str) -> (String, String) {
    let last = image.rsplit('/').next().unwrap_or(image);
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    let version: String = tag.chars().take_while(|each| each.is_ascii_digit() || *each == '.').collect();
    (name.split('@').next().unwrap_or(name).to_owned(), version)
}

fn home_of(variable: &str, folder: &str) -> PathBuf {
    let home = || Path::new(&world::env("HOME").unwrap_or_default()).join(folder);
    world::env(variable).map_or_else(home, PathBuf::from)
}

/// The newest installation of a version manager that fits, with its version.
fn managed(versions: &Path, start: &str, wanted: &str) -> Option<(String, PathBuf)> {
    let entries = std::fs::read_dir(versions).ok()?.flatten();
    let version = |path: PathBuf| -> Option<(String, PathBuf)> {
        let version = path.file_name()?.to_str()?.strip_prefix(start)?.to_owned();
        let is_whole = version.split('.').all(|part| part.parse::<u32>().is_ok());
        let has_programs = path.join("bin/python3").exists() || path.join("bin/node").exists();
        (is_whole && has_programs && fits(&version, wanted)).then_some((version, path))
    };
    let parts = |version: &str| version.split('.').filter_map(|part| part.parse().ok()).collect::<Vec<u32>>();
    entries.filter_map(|entry| version(entry.path())).max_by_key(|(version, _)| parts(version))
}

/// Whether `3.11.7` is a `3.11`, whose last parts do not matter here: patch releases differ little.
fn fits(version: &str, wanted: &str) -> bool {
    let significant = if wanted.split('.').count() > 2 { 2 } else { 3 };
    version.split('.').zip(wanted.split('.').filter(|part| !part.is_empty())).take(significant).all(|(a, b)| a == b)
}

async fn version_of(program: &str) -> Option<String> {
    let mut command = world::command(program);
    command.arg("--version").stdin(Stdio::null());
    let output = tokio::time::timeout(VERSION_TIMEOUT, command.output()).await.ok()?.ok()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(told.split_whitespace().last()?.trim_start_matches('v').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_tell_their_version() {
        let check = |image: &str| name_and_version(image);
        assert_eq!(check("python:3.11-slim"), ("python".to_owned(), "3.11".to_owned()));
        assert_eq!(check("docker.io/library/node:20-alpine"), ("node".to_owned(), "20".to_owned()));
        assert_eq!(check("node:lts"), ("node".to_owned(), String::new()));
    }

    #[test]
    fn a_patch_release_does_not_matter() {
        assert!(fits("3.11.7", "3.11") && fits("3.11.7", "3.11.9") && fits("3.11.7", "3") && fits("3.11.7", ""));
        assert!(!fits("3.11.7", "3.1") && !fits("20.1.0", "22"));
    }
}
