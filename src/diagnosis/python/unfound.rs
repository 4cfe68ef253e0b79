//! What pip, uv and Poetry say when an index has no version that fits.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::manifest::requirements::{self, normalise};

pub const NEEDLES: &[&str] = &[
    "could not find a version that satisfies the requirement",
    "could not find any downloads that satisfy the requirement",
    "no matching distribution found for",
    "no distributions at all found for",
    "because there is no version of",
    "because there are no versions of",
    "was not found in the package registry",
    "was not found in the provided package locations",
    "doesn't match any versions",
];

static PIP: Phrases =
    Phrases::new(&[r"Could not find (?:a version|any downloads) that satisf(?:ies|y) the requirement (.+?)\s*$"]);
static PIP_BARE: Phrases = Phrases::new(&[
    r"(?:No matching distribution found for|No distributions at all found for) (.+?)(?: \(from .*)?\s*$",
]);
static UV_NONE: Phrases =
    Phrases::new(&[r"Because (\S+) was not found in the (?:package registry|provided package locations)"]);
static UV_VERSION: Phrases =
    Phrases::new(&[r"[Bb]ecause there (?:is no version|are no versions) of (\S+?)(?: and |,| that|$)"]);
static POETRY: Phrases = Phrases::new(&[r"depends on (\S+) \((.+?)\) which doesn't match any versions"]);
static IGNORED: Phrases =
    Phrases::new(&[r"Ignored the following versions that require a different python version: (.*)$"]);

/// A requirement for which nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfound {
    /// Index of the line that says so.
    pub line: usize,
    /// As printed: `numpy==1.99`.
    pub requirement: String,
    /// What pip found instead. `None` when the tool does not tell; empty when there is nothing.
    pub versions: Option<Vec<String>>,
    /// The line that says that the wanted version needs another Python, and what it needs.
    pub other_python: Option<(usize, String)>,
}

impl Unfound {
    /// The package's name, as written.
    pub fn name(&self) -> String {
        requirements::requirement(&self.requirement).map_or_else(|| self.requirement.clone(), |found| found.name)
    }

    pub fn pin(&self) -> Option<String> {
        requirements::requirement(&self.requirement)?.pin().map(str::to_owned)
    }

    /// Whether the index has nothing at all under this name that this Python could use.
    pub fn is_unknown(&self) -> bool {
        self.versions.as_ref().is_some_and(Vec::is_empty)
    }
}

/// The requirement that stopped the build.
pub fn read(case: &Case<'_>, lines: &[usize]) -> Option<Unfound> {
    if let Some(found) = PIP.last(case, lines) {
        let rest = found.get(1)?;
        let (asked, list) = rest.split_once(" (from versions:").unwrap_or((rest, ""));
        let requirement = asked.split(" (from ").next().unwrap_or(asked).trim_end_matches(':').trim().to_owned();
        let versions = match list.trim().trim_end_matches(')') {
            "none" | "" => vec![],
            list => list.split(',').map(|version| version.trim().to_owned()).collect(),
        };
        let other_python = other_python(case, found.line, &requirement);
        return Some(Unfound { line: found.line, requirement, versions: Some(versions), other_python });
    }
    if let Some(found) = UV_NONE.last(case, lines) {
        return Some(Unfound {
            line: found.line,
            requirement: found[1].into(),
            versions: Some(vec![]),
            other_python: None,
        });
    }
    if let Some(found) = UV_VERSION.last(case, lines) {
        return Some(Unfound { line: found.line, requirement: found[1].into(), versions: None, other_python: None });
    }
    if let Some(found) = POETRY.last(case, lines) {
        return Some(Unfound {
            line: found.line,
            requirement: format!("{} {}", &found[1], &found[2]),
            versions: None,
            other_python: None,
        });
    }
    let found = PIP_BARE.last(case, lines)?;
    Some(Unfound { line: found.line, requirement: found[1].trim().into(), versions: None, other_python: None })
}

/// Whether pip says beside `line` that what `requirement` asks for needs another Python.
fn other_python(case: &Case<'_>, line: usize, requirement: &str) -> Option<(usize, String)> {
    let found = IGNORED.above(case, line, 3).or_else(|| IGNORED.below(case, line, 3))?;
    let wanted = requirements::requirement(requirement)?;
    let entries: Vec<(&str, &str)> =
        found[1].split("; ").filter_map(|entry| entry.split_once(" Requires-Python ")).collect();
    let needs = match wanted.pin() {
        Some(pin) => entries.iter().find(|(version, _)| normalise(version) == normalise(pin))?.1,
        None => entries.last()?.1,
    };
    Some((found.line, needs.trim().to_owned()))
}
