//! Where the user wants packages looked up: read from their own pip, uv and npm configuration.
//!
//! What the project says about registries is never followed: a repository must not be able to send this program, and
//! the user's credentials, to a host of its choosing. It is only noticed ([`names_own_index`]), because then a package
//! that the user's index lacks may exist all the same.

use std::path::{Path, PathBuf};

use reqwest::Url;

use crate::world;

/// Registries to ask, and whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Base URLs of Simple APIs; files of all are considered together, as pip does.
    pub pypi: Vec<Url>,
    pub npm: Url,
    /// The sparse index.
    pub crates: Url,
    /// PEM files beside the system's roots.
    pub ca_files: Vec<PathBuf>,
}

/// A look at the user's machine: replaced by a closure in tests.
struct Machine<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    read: &'a dyn Fn(&Path) -> Option<String>,
}

impl Sources {
    /// What the user of this machine has configured, with the public registries as defaults.
    pub fn of_user() -> Self {
        Self::of(&Machine { env: &world::env, read: &|path| std::fs::read_to_string(path).ok() })
    }

    fn of(machine: &Machine<'_>) -> Self {
        let home = (machine.env)("HOME").map(PathBuf::from).unwrap_or_default();
        let mut pip = Pip::default();
        for file in pip_files(machine, &home) {
            if let Some(text) = (machine.read)(&file) {
                pip.absorb(&text);
            }
        }
        pip.absorb_environment(machine);
        let mut npm = Npm::default();
        for file in [PathBuf::from("/etc/npmrc"), home.join(".npmrc")] {
            if let Some(text) = (machine.read)(&file) {
                npm.absorb(&text);
            }
        }
        for (name, slot) in [("registry", &mut npm.registry), ("cafile", &mut npm.cafile)] {
            for variable in [format!("npm_config_{name}"), format!("NPM_CONFIG_{}", name.to_uppercase())] {
                if let Some(value) = (machine.env)(&variable) {
                    *slot = Some(value);
                }
            }
        }
        let index = pip.index.as_deref().and_then(base).unwrap_or_else(|| known("https://pypi.org/simple/"));
        let mut pypi = vec![index];
        pypi.extend(pip.extra.iter().filter_map(|text| base(text)));
        pypi.dedup();
        let mut ca_files: Vec<PathBuf> = [pip.cert, npm.cafile].into_iter().flatten().map(PathBuf::from).collect();
        ca_files.retain(|path| path.is_absolute() && (machine.read)(path).is_some());
        ca_files.dedup();
        let npm = npm.registry.as_deref().and_then(base).unwrap_or_else(|| known("https://registry.npmjs.org/"));
        Self { pypi, npm, crates: known("https://index.crates.io/"), ca_files }
    }
}

#[derive(Default)]
struct Pip {
    index: Option<String>,
    extra: Vec<String>,
    cert: Option<String>,
}

impl Pip {
    /// Takes `[global]` and `[install]` of a pip.conf; the later file wins.
    fn absorb(&mut self, text: &str) {
        let mut section = String::new();
        let mut key = String::new();
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
            if let Some(name) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.trim().to_ascii_lowercase();
                key.clear();
                continue;
            }
            if !matches!(section.as_str(), "global" | "install") || line.trim().is_empty() {
                continue;
            }
            // An indented line continues the value above: that is how several extra indexes are written.
            let value = if line.starts_with([' ', '\t']) {
                line.trim()
            } else if let Some((name, value)) = line.split_once(['=', ':']) {
                key = name.trim().to_ascii_lowercase().replace('_', "-");
                if key == "extra-index-url" {
                    self.extra.clear();
                }
                value.trim()
            } else {
                continue;
            };
            match key.as_str() {
                _ if value.is_empty() => {}
                "index-url" => self.index = Some(value.to_owned()),
                "extra-index-url" => self.extra.extend(value.split_whitespace().map(str::to_owned)),
                "cert" => self.cert = Some(value.to_owned()),
                _ => {}
            }
        }
    }

    /// Variables stand above files; pip's above uv's, because a Dockerfile mostly calls pip.
    fn absorb_environment(&mut self, machine: &Machine<'_>) {
        let index = ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"].into_iter().find_map(machine.env);
        self.index = index.or(self.index.take());
        let extra = ["PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"].into_iter().find_map(machine.env);
        if let Some(extra) = extra {
            // uv allows `name=url`.
            let url = |word: &str| word.find("http").map_or(word, |start| &word[start..]).to_owned();
            self.extra = extra.split_whitespace().map(url).collect();
        }
        self.cert = (machine.env)("PIP_CERT").or(self.cert.take());
    }
}

/// pip's own files, weakest first.
/// Source: <https://pip.pypa.io/en/stable/topics/configuration/#location>
fn pip_files(machine: &Machine<'_>, home: &Path) -> Vec<PathBuf> {
    let chosen = (machine.env)("PIP_CONFIG_FILE");
    // pip's way to say: no files at all.
    if chosen.as_deref() == Some("/dev/null") {
        return Vec::new();
    }
    let config = (machine.env)("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let mut files = vec![PathBuf::from("/etc/pip.conf"), home.join(".pip/pip.conf"), config.join("pip/pip.conf")];
    files.extend(chosen.map(PathBuf::from));
    files
}

#[derive(Default)]
struct Npm {
    registry: Option<String>,
    cafile: Option<String>,
}

impl Npm {
    fn absorb(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            match key.trim() {
                "registry" => self.registry = Some(value),
                "cafile" => self.cafile = Some(value),
                _ => {}
            }
        }
    }
}

/// Whether the project names registries of its own, so that "not found" at the user's proves nothing.
pub(super) fn names_own_index(project: &Path) -> bool {
    const FILES: &[(&str, &[&str])] = &[
        ("pip.conf", &["index-url", "find-links"]),
        ("uv.toml", &["index", "find-links"]),
        ("pyproject.toml", &["[[tool.uv.index]]", "[[tool.poetry.source]]", "[[tool.pdm.source]]", "index-url"]),
        ("Pipfile", &["[[source]]"]),
        ("requirements.txt", &["--index-url", "--extra-index-url", "--find-links"]),
        (".npmrc", &["registry"]),
        (".yarnrc.yml", &["npmRegistryServer", "npmScopes"]),
        (".cargo/config.toml", &["[source", "[registries"]),
    ];
    FILES.iter().any(|(name, marks)| {
        let Ok(text) = std::fs::read_to_string(project.join(name)) else { return false };
        let mut lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        // `Pipfile` always names a source; only a second host counts.
        if *name == "Pipfile" {
            return lines.any(|line| line.trim_start().starts_with("url") && !line.contains("https://pypi.org/"));
        }
        lines.any(|line| marks.iter().any(|mark| line.contains(mark)))
    })
}

/// A base URL ending in `/`, so that names can be joined to it.
fn base(text: &str) -> Option<Url> {
    let text = text.trim();
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/'))).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The three public defaults, all covered by a test.
fn known(url: &'static str) -> Url {
    Url::parse(url).expect("a literal URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(env: &[(&str, &str)], files: &[(&str, &str)]) -> Sources {
        let find = |list: &[(&str, &str)], key: &str| {
            list.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned())
        };
        Sources::of(&Machine {
            env: &|name| if name == "HOME" { Some("/home/u".to_owned()) } else { find(env, name) },
            read: &|path| find(files, &path.to_string_lossy()),
        })
    }

    fn pypi(sources: &Sources) -> Vec<&str> {
        sources.pypi.iter().map(Url::as_str).collect()
    }

    #[test]
    fn without_configuration_the_public_registries_are_asked() {
        let sources = sources(&[], &[]);
        assert_eq!(pypi(&sources), ["https://pypi.org/simple/"]);
        assert_eq!(sources.npm.as_str(), "https://registry.npmjs.org/");
        assert_eq!(sources.crates.as_str(), "https://index.crates.io/");
        assert!(sources.ca_files.is_empty());
    }

    #[test]
    fn pip_files_stack_and_the_environment_stands_above_them() {
        let files = [
            ("/etc/pip.conf", "[global]\nindex-url = https://etc.example/simple\ncert = /ca.pem\n"),
            (
                "/home/u/.config/pip/pip.conf",
                "# mine\n[global]\nindex-url = https://u:p@own.example/simple/\nextra-index-url =\n    https://a.example/s\n    https://b.example/s\n[list]\nindex-url = https://no.example\n",
            ),
            ("/ca.pem", ""),
        ];
        let own = sources(&[], &files);
        assert_eq!(pypi(&own), ["https://u:p@own.example/simple/", "https://a.example/s/", "https://b.example/s/"]);
        assert_eq!(own.ca_files, [PathBuf::from("/ca.pem")]);
        let env = sources(&[("PIP_INDEX_URL", "https://env.example/simple"), ("PIP_EXTRA_INDEX_URL", "")], &files);
        assert_eq!(env.pypi[0].as_str(), "https://env.example/simple/");
        assert_eq!(pypi(&sources(&[("PIP_CONFIG_FILE", "/dev/null")], &files)), ["https://pypi.org/simple/"]);
        assert_eq!(
            pypi(&sources(&[("UV_DEFAULT_INDEX", "https://uv.example/simple")], &[])),
            ["https://uv.example/simple/"]
        );
    }

    #[test]
    fn npm_reads_the_users_npmrc() {
        let files = [("/home/u/.npmrc", "; mine\nregistry=https://npm.example/repo\n//npm.example/:_authToken=t\n")];
        assert_eq!(sources(&[], &files).npm.as_str(), "https://npm.example/repo/");
        let env = [("npm_config_registry", "https://env.example/")];
        assert_eq!(sources(&env, &files).npm.as_str(), "https://env.example/");
    }

    #[test]
    fn a_project_with_its_own_index_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Pipfile"), "[[source]]\nurl = \"https://pypi.org/simple\"\n").unwrap();
        assert!(!names_own_index(folder.path()));
        std::fs::write(folder.path().join("requirements.txt"), "--extra-index-url https://x.example\na\n").unwrap();
        assert!(names_own_index(folder.path()));
    }
}
