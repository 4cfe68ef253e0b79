//! NumPy's two breaks: packages compiled for NumPy 1 under NumPy 2, and the aliases that 1.24 dropped.

use super::version::{Minor, Version};
use super::{all_entries, entries_for, installs, pins};
use crate::diagnosis::Case;
use crate::knowledge::{Question, Resolution};
use crate::manifest::requirements::{self, normalise, requirement};
use crate::remedy::Edit;

/// The first release that was compiled for NumPy 2, by package. Many earlier ones set no upper bound, so that a fresh
/// install brings a NumPy with which they cannot be imported. NumPy's table of its ecosystem, November 2026.
const FOR_NUMPY_2: &[(&str, &str)] = &[
    ("pandas", "2.2.2"),
    ("scipy", "1.13"),
    ("matplotlib", "3.8.4"),
    ("scikit-learn", "1.4.2"),
    ("scikit-image", "0.23"),
    ("statsmodels", "0.14.2"),
    ("h5py", "3.11"),
    ("pyarrow", "16"),
    ("numexpr", "2.10"),
    ("shapely", "2.0.4"),
    ("opencv-python", "4.10"),
    ("opencv-python-headless", "4.10"),
];

/// What an install on another Python has to say of NumPy.
pub enum Bound {
    Ask(Question),
    Add(Edit),
    /// NumPy is named, or nothing here was compiled for NumPy 1, or what is installed keeps it there.
    Needless,
}

/// Whether `python` would get a NumPy 2 beside a pin that was compiled for NumPy 1, and what keeps it from that.
pub fn bound_on(case: &Case<'_>, python: Minor) -> Bound {
    let named = installs(case).into_iter().flat_map(|install| install.named);
    let lines: Vec<String> =
        all_entries(case).into_iter().filter(|entry| entry.requirement().is_some()).map(|entry| entry.text).collect();
    let lines: Vec<String> = lines.into_iter().chain(named).collect();
    let wanted = || lines.iter().filter_map(|line| requirement(line));
    if wanted().any(|found| found.normal_name() == "numpy") || !wanted().any(|found| is_old(&found)) {
        return Bound::Needless;
    }
    let requirements = lines.iter().cloned().chain(["numpy".to_owned()]).collect();
    let question =
        Question::PythonResolution { python: python.to_string(), requirements, free: vec!["numpy".to_owned()] };
    match case.knowledge.resolution(&question) {
        None if case.knowledge.was_asked(&question) => Bound::Needless,
        None => Bound::Ask(question),
        Some(Resolution::Solved(versions)) if versions.get("numpy").is_some_and(|version| is_numpy_2(version)) => {
            add(case, "numpy<2").map_or(Bound::Needless, Bound::Add)
        }
        Some(_) => Bound::Needless,
    }
}

fn is_numpy_2(version: &str) -> bool {
    Version::parse(version).is_some_and(|version| version.part(0) >= 2)
}

fn is_old(found: &requirements::Requirement) -> bool {
    let first = FOR_NUMPY_2.iter().find(|(name, _)| *name == normalise(&found.name));
    let pin = found.pin().and_then(Version::parse);
    first.and_then(|(_, first)| Version::parse(first)).zip(pin).is_some_and(|(first, pin)| pin < first)
}

/// Writes `line` for NumPy where the requirements are, when no version of it was chosen.
pub fn add(case: &Case<'_>, line: &str) -> Option<Edit> {
    match entries_for(case, "numpy").as_slice() {
        [] => pins::home_of_requirements(case).and_then(|path| requirements::add(case.workspace, &path, line)),
        [entry] if entry.requirement().is_some_and(|found| found.pin().is_none()) => {
            requirements::set_text(case.workspace, entry, line)
        }
        _ => None,
    }
}
