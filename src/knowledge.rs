//! Facts from outside that a diagnosis may rest on: which versions of a package exist, which image tags.
//!
//! The flow is pure, so it cannot look anything up. A rule that lacks a fact returns a [`Question`]; the agent has the
//! `index` room answer it and diagnoses again with more [`Knowledge`]. What is not known is never guessed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use python::{allows_python, has_wheel, nearest, pythons_with_wheel, release_of, supports_python};

pub(crate) mod python;

/// Which registry a package name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    Pypi,
    Npm,
    Crates,
}

/// What a rule would like to know before it can prescribe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// All versions of a package, with what each needs of the interpreter.
    Package { registry: Registry, name: String },
    /// What one version depends on.
    Dependencies { registry: Registry, name: String, version: String },
    /// The smallest change of these Python requirement lines that installs on `python` (e.g. `3.13`): which version of
    /// each of `free` fits beside the rest. What comes first in `free` moves least. A line `-c name==1` is a
    /// constraint, as in pip: it counts only if something needs that package.
    PythonResolution { python: String, requirements: Vec<String>, free: Vec<String> },
}

/// One published version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub version: String,
    /// `requires-python` or `engines.node`, as published.
    pub requires: Option<String>,
    /// Withdrawn; for npm: deprecated, which still installs but should not be prescribed.
    pub yanked: bool,
    /// Tags of the Python wheels for Linux on x86-64, such as `cp313-cp313-manylinux_2_17_x86_64`, `py3-none-any`;
    /// empty for other registries.
    pub wheels: Vec<String>,
    pub has_source: bool,
}

/// The answer to a [`Question::PythonResolution`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// Versions for the freed names, by normalised name.
    Solved(BTreeMap<String, String>),
    /// The index and resolver answered: there is no solution.
    Unsolvable(String),
}

/// What has been looked up so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    /// Releases by registry and name, oldest first. An empty list means: the index says there is no such package.
    #[serde(default)]
    pub packages: Vec<((Registry, String), Vec<Release>)>,
    #[serde(default)]
    pub dependencies: Vec<((Registry, String, String), Vec<String>)>,
    #[serde(default)]
    pub resolutions: Vec<(Question, Resolution)>,
    /// Questions that could not be answered, with why (offline, not found). They are not asked again.
    #[serde(default)]
    pub unanswered: Vec<(Question, String)>,
}

impl Knowledge {
    /// Releases of a package, `None` if it was never looked up.
    pub fn releases(&self, registry: Registry, name: &str) -> Option<&[Release]> {
        self.packages
            .iter()
            .find(|((of, known), _)| *of == registry && known == name)
            .map(|(_, releases)| releases.as_slice())
    }

    /// Requirements of one release, `None` if never looked up.
    pub fn dependencies(&self, registry: Registry, name: &str, version: &str) -> Option<&[String]> {
        self.dependencies
            .iter()
            .find(|((of, known, at), _)| *of == registry && known == name && at == version)
            .map(|(_, list)| list.as_slice())
    }

    pub fn resolution(&self, question: &Question) -> Option<&Resolution> {
        self.resolutions.iter().find(|(known, _)| known == question).map(|(_, answer)| answer)
    }

    /// Whether `question` has been put before, answered or not.
    pub fn was_asked(&self, question: &Question) -> bool {
        self.unanswered.iter().any(|(known, _)| known == question)
            || match question {
                Question::Package { registry, name } => self.releases(*registry, name).is_some(),
                Question::Dependencies { registry, name, version } => {
                    self.dependencies(*registry, name, version).is_some()
                }
                Question::PythonResolution { .. } => self.resolution(question).is_some(),
            }
    }
}
