//! Mending a pin: which version fits, and the remedies that write it.

use super::numpy;
use super::version::{self, Fit, Minor, Version};
use super::{base_of, entries_for, installs, minor_at, move_base};
use crate::diagnosis::Case;
use crate::diagnosis::rule::Prescription;
use crate::dockerfile::edit;
use crate::knowledge::{Question, Registry, Release};
use crate::manifest::requirements::{self, normalise, set_version};
use crate::remedy::{Applicability, Edit, Remedy};

/// The oldest Python that a service is moved back to.
const OLDEST: Minor = Minor(3, 8);

pub fn question(name: &str) -> Question {
    Question::Package { registry: Registry::Pypi, name: normalise(name) }
}

/// What is known of `name` on PyPI.
pub fn releases<'a>(case: &Case<'a>, name: &str) -> Option<&'a [Release]> {
    case.knowledge.releases(Registry::Pypi, &normalise(name))
}

/// The versions of `releases` that install on `minor`; with ready wheels only, if there are such.
pub fn fitting(releases: &[Release], minor: Option<Minor>, musl: bool) -> Vec<&str> {
    let usable = || releases.iter().filter(|release| !release.yanked);
    let Some(minor) = minor else { return usable().map(|release| release.version.as_str()).collect() };
    let of = |wanted: Fit| -> Vec<&str> {
        usable()
            .filter(|release| version::fit(release, minor, musl) == wanted)
            .map(|release| release.version.as_str())
            .collect()
    };
    let wheels = of(Fit::Wheel);
    if wheels.is_empty() { of(Fit::Source) } else { wheels }
}

/// Writes `version` wherever the image pins `name`: requirement files, constraints, or the command itself.
pub fn repin_edits(case: &Case<'_>, name: &str, version: &str) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let entries = entries_for(case, name);
    let pinned = entries.iter().filter(|entry| entry.requirement().is_some_and(|found| !found.specifier.is_empty()));
    for entry in pinned {
        edits.extend(set_version(case.workspace, entry, version));
    }
    for install in installs(case) {
        for word in &install.named {
            let Some(found) = requirements::requirement(word) else { continue };
            if found.normal_name() == normalise(name) && !found.specifier.is_empty() {
                let new = word.replacen(&found.specifier, &format!("=={version}"), 1);
                let (path, dockerfile) = (case.dockerfile_path, case.dockerfile);
                edits.extend(edit::replace_in_instruction(case.workspace, path, dockerfile, install.index, word, &new));
            }
        }
    }
    if edits.is_empty()
        && let Some(entry) = entries.first()
    {
        edits.extend(set_version(case.workspace, entry, version));
    }
    edits
}

/// The version that the image asks for, where it pins one.
pub fn pin_of(case: &Case<'_>, name: &str) -> Option<String> {
    let in_files = entries_for(case, name).iter().find_map(|entry| entry.requirement()?.pin().map(str::to_owned));
    in_files.or_else(|| {
        let named = installs(case).into_iter().flat_map(|install| install.named);
        let of_name = |found: &requirements::Requirement| found.normal_name() == normalise(name);
        named
            .filter_map(|word| requirements::requirement(&word))
            .filter(of_name)
            .find_map(|found| found.pin().map(str::to_owned))
    })
}

/// Remedies for a pin that does not install on the Python of instruction `index`: the newest older Python that the pin
/// has wheels for, then the nearest version with wheels for this Python.
pub fn fit_python(case: &Case<'_>, index: Option<usize>, name: &str, pin: Option<&str>) -> Prescription {
    let Some(releases) = releases(case, name) else { return Prescription::asking(question(name)) };
    let index = index.or_else(|| installs(case).last().map(|install| install.index));
    let minor = minor_at(case, index);
    let musl = index.and_then(|index| base_of(case, index)).is_some_and(|base| base.musl);
    let mut remedies = Vec::new();
    if let (Some(index), Some(minor), Some(pin)) = (index, minor, pin)
        && let Some(wanted) = releases.iter().find(|release| release.version == pin)
        && let Some(older) = older_python(wanted, minor, musl)
        && !blocks(case, older)
        && let Some(mut edits) = move_base(case, index, older)
    {
        let mut title = format!("Base the image on Python {older} in place of {minor}");
        match numpy::bound_on(case, older) {
            numpy::Bound::Ask(question) => return Prescription::asking(question),
            numpy::Bound::Add(edit) => {
                edits.push(edit);
                title.push_str(", and keep NumPy below 2, for which the pinned packages were not compiled");
            }
            numpy::Bound::Needless => {}
        }
        remedies.push(Remedy {
            id: "move-python".into(),
            title,
            why: format!(
                "{name} {pin} has a ready wheel for Python {older}, the newest it supports, and none for {minor}"
            ),
            applicability: Applicability::Rehearse,
            edits,
        });
    }
    remedies.extend(repin(case, name, pin, minor, musl, releases));
    Prescription::of(remedies)
}

/// The newest minor below `minor` for which `release` has a wheel.
fn older_python(release: &Release, minor: Minor, musl: bool) -> Option<Minor> {
    let below = (OLDEST.1..minor.1).rev().map(|number| Minor(3, number));
    below.into_iter().find(|older| version::fit(release, *older, musl) == Fit::Wheel)
}

/// Whether another pin is known not to install on `minor`, or the project says that it needs another Python.
pub fn blocks(case: &Case<'_>, minor: Minor) -> bool {
    let demands = case.workspace.text(&case.in_repository("pyproject.toml")).and_then(|text| {
        let line = text.lines().find(|line| line.trim_start().starts_with("requires-python"))?;
        Some(line.split_once('=')?.1.trim().trim_matches(['"', '\'']).to_owned())
    });
    if demands.is_some_and(|range| !minor.within(&range)) {
        return true;
    }
    super::all_entries(case).iter().filter_map(|entry| entry.requirement()).any(|found| {
        let Some(pin) = found.pin() else { return false };
        let Some(known) = releases(case, &found.name) else { return false };
        known.iter().any(|release| release.version == pin && version::fit(release, minor, false) == Fit::No)
    })
}

/// The remedy that writes the nearest version which installs.
fn repin(
    case: &Case<'_>,
    name: &str,
    pin: Option<&str>,
    minor: Option<Minor>,
    musl: bool,
    releases: &[Release],
) -> Option<Remedy> {
    let candidates = fitting(releases, minor, musl);
    let version = match pin {
        Some(pin) => {
            nearest_not_below(pin, &candidates).or_else(|| version::nearest(pin, candidates.iter().copied()))?
        }
        None => version::newest(candidates.iter().copied())?,
    };
    if pin == Some(version) {
        return None;
    }
    let edits = repin_edits(case, name, version);
    let for_python = minor.map(|minor| format!(" for Python {minor}")).unwrap_or_default();
    (!edits.is_empty()).then(|| Remedy {
        id: "repin-nearest".into(),
        title: match pin {
            Some(pin) => format!("Pin {name} to {version} in place of {pin}"),
            None => format!("Pin {name} to {version}"),
        },
        why: format!("{version} is the nearest published version that installs{for_python}"),
        applicability: Applicability::Rehearse,
        edits,
    })
}

/// The lowest candidate above `pin` within its major; older code seldom breaks at the next fitting release.
fn nearest_not_below<'a>(pin: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let wanted = Version::parse(pin)?;
    let above = candidates.iter().filter_map(|text| Version::parse(text).map(|version| (*text, version)));
    above
        .filter(|(_, version)| *version > wanted && !version.is_preview() && version.part(0) == wanted.part(0))
        .min_by(|(_, a), (_, b)| a.cmp(b))
        .map(|(text, _)| text)
}

/// The remedy that re-pins to a version which exists, for a pin that does not.
pub fn repin_existing(case: &Case<'_>, index: Option<usize>, name: &str, pin: Option<&str>) -> Prescription {
    let Some(releases) = releases(case, name) else { return Prescription::asking(question(name)) };
    let index = index.or_else(|| installs(case).last().map(|install| install.index));
    let minor = minor_at(case, index);
    let musl = index.and_then(|index| base_of(case, index)).is_some_and(|base| base.musl);
    let candidates = fitting(releases, minor, musl);
    let version = match pin {
        Some(pin) => version::nearest(pin, candidates.iter().copied()),
        None => version::newest(candidates.iter().copied()),
    };
    let Some(version) = version else { return Prescription::none() };
    let edits = repin_edits(case, name, version);
    if edits.is_empty() {
        return Prescription::none();
    }
    let instead = pin.map(|pin| format!(" in place of {pin}")).unwrap_or_default();
    Prescription::of([Remedy {
        id: "repin-nearest".into(),
        title: format!("Pin {name} to {version}{instead}"),
        why: format!("the index has no such version of {name}; {version} is the nearest that it has"),
        applicability: Applicability::Rehearse,
        edits,
    }])
}

/// The requirement files that an added package belongs into: the last that the final stage (or any) installs.
pub fn home_of_requirements(case: &Case<'_>) -> Option<String> {
    let found: Vec<String> = installs(case)
        .iter()
        .flat_map(|install| install.files.iter().map(|file| (install.index, file.clone())).collect::<Vec<_>>())
        .filter_map(|(index, file)| super::file_behind(case, index, &file))
        .collect();
    let is_main = |path: &&String| path.rsplit('/').next().is_some_and(|name| name == "requirements.txt");
    found.iter().rev().find(is_main).or_else(|| found.last()).cloned()
}

/// The remedy that adds `package` to the requirements, pinned where the file's other lines are.
pub fn add_requirement(case: &Case<'_>, package: &str, because: &str) -> Prescription {
    let Some(path) = home_of_requirements(case) else { return add_to_command(case, package, because) };
    let entries = requirements::read(case.workspace, &path);
    if super::entries_for(case, package).iter().any(|entry| entry.path == path) {
        return Prescription::none();
    }
    let named: Vec<_> = entries.iter().filter_map(|entry| entry.requirement()).collect();
    let pinned = named.iter().filter(|found| found.pin().is_some()).count();
    let hashed = entries.iter().any(|entry| entry.text.contains("--hash"));
    if hashed {
        return Prescription::none();
    }
    let text = if pinned * 2 > named.len() {
        let Some(releases) = releases(case, package) else { return Prescription::asking(question(package)) };
        let index = installs(case).last().map(|install| install.index);
        let musl = index.and_then(|index| base_of(case, index)).is_some_and(|base| base.musl);
        let candidates = fitting(releases, minor_at(case, index), musl);
        let Some(version) = version::newest(candidates.iter().copied()) else { return Prescription::none() };
        format!("{package}=={version}")
    } else {
        package.to_owned()
    };
    let Some(edit) = requirements::add(case.workspace, &path, &text) else { return Prescription::none() };
    Prescription::of([Remedy {
        id: "add-requirement".into(),
        title: format!("Add `{text}` to `{path}`"),
        why: because.to_owned(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }])
}

/// The same for images whose only list of packages is the command line of one `pip install`.
fn add_to_command(case: &Case<'_>, package: &str, because: &str) -> Prescription {
    let installs = installs(case);
    let Some(install) = installs.iter().rev().find(|install| !install.named.is_empty()) else {
        return Prescription::none();
    };
    let Some(last) = install.named.last() else { return Prescription::none() };
    let bare = !case.dockerfile.instructions()[install.index].args.contains(&format!("{last}\""));
    let (path, dockerfile) = (case.dockerfile_path, case.dockerfile);
    let new = format!("{last} {package}");
    let edit = edit::replace_in_instruction(case.workspace, path, dockerfile, install.index, last, &new);
    Prescription::of(edit.filter(|_| bare).map(|edit| Remedy {
        id: "add-requirement".into(),
        title: format!("Install `{package}` beside `{last}`"),
        why: because.to_owned(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

/// The remedy that keeps `package`, called `name` among people, below its second major where nothing bounds it.
pub fn below_second_major(case: &Case<'_>, package: &str, name: &str) -> Option<Remedy> {
    let entries = entries_for(case, package);
    let floating = entries.iter().find(|entry| {
        entry.requirement().is_some_and(|found| {
            !found.specifier.contains("==") && !found.specifier.contains('<') && !found.specifier.contains(">=2")
        })
    })?;
    let found = floating.requirement()?;
    let joined = if found.specifier.is_empty() { "<2".to_owned() } else { format!("{},<2", found.specifier) };
    let extras = if found.extras.is_empty() { String::new() } else { format!("[{}]", found.extras.join(",")) };
    let marker = found.marker.as_ref().map(|marker| format!("; {marker}")).unwrap_or_default();
    let text = format!("{}{extras}{joined}{marker}", found.name);
    let edit = requirements::set_text(case.workspace, floating, &text)?;
    Some(Remedy {
        id: "bound-major".into(),
        title: format!("Keep {name} below 2"),
        why: "the code was written for the major before, and nothing kept the package there".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}
