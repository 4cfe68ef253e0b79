//! Outlook: what the index tells of an install before it runs. Which pins have no wheel for the image's Python, which exclude each
//! other, what has to be compiled where there is no compiler.
//!
//! Only what pip would come to as well: lines with markers, and installs that other indexes or options decide, are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::version::{self, Fit, Minor, Version};
use super::{base_of, file_behind, installs, pins};
use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::knowledge::{Question, Registry};
use crate::manifest::requirements::{self, Kind, Requirement};

mod compiled;

pub use compiled::{Compiled, compiled};

/// A project with more pins than this is not asked about one by one.
const PINS_MAX: usize = 80;

/// Images of older Pythons have a pip that resolves nothing.
const OLDEST: Minor = Minor(3, 6);

/// A requirement of an install, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub requirement: Requirement,
    pub path: String,
    /// From 1.
    pub number: usize,
    /// It says which version, not that the package is wanted.
    pub is_constraint: bool,
}

impl Line {
    /// As a requirement file has it.
    pub fn written(&self) -> String {
        let Requirement { name, extras, specifier, marker } = &self.requirement;
        let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
        let marker = marker.as_ref().map(|marker| format!("; {marker}")).unwrap_or_default();
        format!("{name}{extras}{specifier}{marker}")
    }
}

/// An install of which every line is known, on a Python that is known, from the public index alone.
#[derive(Debug, Clone)]
pub struct Plain {
    /// The RUN.
    pub index: usize,
    pub minor: Minor,
    pub musl: bool,
    pub lines: Vec<Line>,
}

/// What makes an install something that its lines alone do not decide.
const DECIDES: &[&str] = &[
    "index-url",
    "INDEX_URL",
    "--index",
    "find-links",
    "FIND_LINKS",
    "--no-index",
    "NO_INDEX",
    "--no-deps",
    "NO_DEPS",
    "--override",
    "--pre",
    "legacy-resolver",
    "--only-binary",
    "ONLY_BINARY",
    "--no-binary",
    "NO_BINARY",
    " -i ",
    " -f ",
];

/// The installs that can be foretold.
pub fn plain(case: &Case<'_>) -> Vec<Plain> {
    let instructions = case.dockerfile.instructions();
    let configured = |at: &usize| {
        let each = &instructions[*at];
        ["pip.conf", "pip config", "uv.toml"].iter().any(|name| each.args.contains(name))
            || matches!(each.keyword.as_str(), "ENV" | "ARG") && DECIDES.iter().any(|word| each.args.contains(word))
    };
    let mut out = Vec::new();
    // An old pip takes what comes first and says nothing.
    let old_pip = |word: &String| word.starts_with("pip<") || word.starts_with("pip==");
    if installs(case).iter().flat_map(|install| &install.named).any(old_pip) {
        return out;
    }
    for install in installs(case) {
        let args = &instructions[install.index].args;
        let history = node::history(case, install.index);
        let Some(base) = base_of(case, install.index) else { continue };
        let official = !base.image.trim_start_matches("docker.io/library/").contains('/');
        let Some(minor) = base.minor.filter(|minor| official && base.image.contains("python") && *minor >= OLDEST)
        else {
            continue;
        };
        if DECIDES.iter().any(|word| args.contains(word)) || history.iter().any(configured) || args.contains('$') {
            continue;
        }
        let mut lines = Vec::new();
        let mut readable = true;
        for (files, is_constraint) in [(&install.files, false), (&install.constraints, true)] {
            for written in files {
                let path = file_behind(case, install.index, written);
                readable &= path.is_some_and(|path| read(case, &path, is_constraint, 0, &mut lines));
            }
        }
        for word in &install.named {
            let path = case.dockerfile_path.to_owned();
            let number = instructions[install.index].first_line;
            let requirement = requirements::requirement(word).filter(|_| !word.contains('$'));
            readable &= requirement.is_some();
            lines.extend(requirement.map(|requirement| Line { requirement, path, number, is_constraint: false }));
        }
        if readable && !lines.is_empty() {
            out.push(Plain { index: install.index, minor, musl: base.musl, lines });
        }
    }
    out
}

/// Files that include one another are followed this deep.
const INCLUDES_MAX: usize = 8;

/// Adds the lines of a requirement file; `false` when one of them cannot be judged.
fn read(case: &Case<'_>, path: &str, is_constraint: bool, depth: usize, out: &mut Vec<Line>) -> bool {
    if depth > INCLUDES_MAX {
        return false;
    }
    requirements::read(case.workspace, path).into_iter().all(|entry| match entry.kind {
        Kind::Requirement(requirement) => {
            let (path, number) = (entry.path, entry.first_line);
            out.push(Line { requirement, path, number, is_constraint });
            true
        }
        Kind::Include(other) => read(case, &requirements::beside(path, &other), is_constraint, depth + 1, out),
        Kind::Constraint(other) => read(case, &requirements::beside(path, &other), true, depth + 1, out),
        Kind::Direct(_) | Kind::Option | Kind::Other => false,
    })
}

impl Plain {
    /// Lines that pin a version and hold on every machine.
    pub fn pins(&self) -> impl Iterator<Item = (&Line, &str)> {
        self.lines.iter().filter(|line| line.requirement.marker.is_none()).filter_map(|line| {
            let pin = line.requirement.pin().filter(|pin| !pin.contains('+'))?;
            Some((line, pin))
        })
    }

    /// The one version that `name` gets, if the lines say so.
    fn pin_of(&self, name: &str) -> Option<(&Line, &str)> {
        self.pins().find(|(line, _)| line.requirement.normal_name() == name)
    }
}

/// What is published of every package that the lines name.
pub fn releases_wanted(case: &Case<'_>) -> Vec<Question> {
    let installs = plain(case);
    let lines = installs.iter().flat_map(|install| &install.lines).filter(|line| !line.is_constraint);
    let names: BTreeSet<String> = lines.map(|line| line.requirement.normal_name()).collect();
    if names.len() > PINS_MAX { vec![] } else { names.iter().map(|name| pins::question(name)).collect() }
}

/// What every pinned version needs.
pub fn needs_wanted(case: &Case<'_>) -> Vec<Question> {
    let installs = plain(case);
    let pins = installs.iter().flat_map(Plain::pins);
    let all: BTreeMap<String, String> =
        pins.map(|(line, pin)| (line.requirement.normal_name(), pin.to_owned())).collect();
    let of = |(name, version): (String, String)| Question::Dependencies { registry: Registry::Pypi, name, version };
    if all.len() > PINS_MAX { vec![] } else { all.into_iter().map(of).collect() }
}

/// One side of a conflict: what a package, or the user's own line, asks of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// `None` for the user's own line.
    pub by: Option<String>,
    pub on: String,
    /// `<2.0`
    pub range: String,
}

/// Two demands on one package that no version meets, in an install.
#[derive(Debug, Clone)]
pub struct Clash {
    /// The RUN.
    pub index: usize,
    /// Where the pin stands that one of them is about.
    pub path: String,
    pub line: usize,
    pub sides: [Demand; 2],
}

/// The first clash of every install: pip stops at one, too.
pub fn clashes(case: &Case<'_>) -> Vec<Clash> {
    plain(case).iter().filter_map(|install| clash(case, install)).collect()
}

fn clash(case: &Case<'_>, install: &Plain) -> Option<Clash> {
    let named = install.lines.iter().filter(|line| !line.is_constraint && line.requirement.marker.is_none());
    let mut wanted: Vec<(String, String, &Line)> = named
        .map(|line| line.requirement.normal_name())
        .filter_map(|name| install.pin_of(&name).map(|(line, pin)| (name.clone(), pin.to_owned(), line)))
        .collect();
    let mut demands: Vec<(Demand, &Line)> = Vec::new();
    let mut at = 0;
    while let Some((name, pin, line)) = wanted.get(at).cloned() {
        at += 1;
        let Some(needs) = case.knowledge.dependencies(Registry::Pypi, &name, &pin) else { continue };
        for need in needs.iter().filter_map(|need| requirements::requirement(need)) {
            if !need.marker.as_deref().is_none_or(|marker| holds(marker, install.minor)) || need.specifier.contains('@')
            {
                continue;
            }
            let on = need.normal_name();
            // What only a constraint names is installed because something needs it.
            if let Some((constraint, version)) = install.pin_of(&on)
                && !wanted.iter().any(|(known, ..)| *known == on)
            {
                wanted.push((on.clone(), version.to_owned(), constraint));
            }
            demands.push((Demand { by: Some(name.clone()), on, range: need.specifier }, line));
        }
    }
    for (demand, line) in &demands {
        let clash = |other: Demand, path: &str, number: usize| {
            Some(Clash { index: install.index, path: path.to_owned(), line: number, sides: [demand.clone(), other] })
        };
        if let Some((own, pin)) = install.pin_of(&demand.on) {
            if excludes(&demand.range, pin) {
                let other = Demand { by: None, on: demand.on.clone(), range: format!("=={pin}") };
                return clash(other, &own.path, own.number);
            }
            continue;
        }
        let same = |(other, _): &&(Demand, &Line)| other.on == demand.on;
        let exact = demands.iter().filter(same).find(|(other, _)| {
            other.range.strip_prefix("==").is_some_and(|pin| !pin.contains([',', '*']) && excludes(&demand.range, pin))
        });
        if let Some((other, _)) = exact {
            return clash(other.clone(), &line.path, line.number);
        }
    }
    None
}

/// Whether `range` does not let the version in, beyond doubt.
fn excludes(range: &str, version: &str) -> bool {
    // Arbitrary equality and prereleases have rules of their own.
    let plain = Version::parse(version).filter(|version| !version.is_preview());
    !range.contains("===") && plain.is_some_and(|version| !version::allows(range, &version))
}

/// Whether a marker holds on Linux and Python `minor`; what is not understood does not.
fn holds(marker: &str, minor: Minor) -> bool {
    let Some((left, right)) = marker.split_once(|each: char| "<>=!~".contains(each)) else { return false };
    let operator: String = marker[left.len()..].chars().take_while(|each| "<>=!~".contains(*each)).collect();
    let value = right.trim_start_matches(|each: char| "<>=!~".contains(each)).trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote));
    let Some(value) = quoted('"').or_else(|| quoted('\'')) else { return false };
    let value = value.trim();
    match left.trim() {
        "python_version" => Version::parse(&minor.to_string())
            .is_some_and(|version| version::allows(&format!("{operator}{value}"), &version)),
        "sys_platform" | "platform_system" => (operator == "==") == (value.eq_ignore_ascii_case("linux")),
        _ => false,
    }
}

/// A pin whose release has wheels for other Pythons and none for this one, and which is no plain Python to be built anywhere.
pub fn aged_pins(case: &Case<'_>) -> Vec<(Line, Minor)> {
    let of =
        |found: &Compiled| found.pinned.clone().filter(|_| found.has_wheels_elsewhere).map(|line| (line, found.minor));
    compiled(case).iter().filter_map(of).collect()
}

/// How the pinned release of `line` installs on the Python of `install`, where that is known.
fn fit_of(case: &Case<'_>, install: &Plain, line: &Line, pin: &str) -> Option<(Fit, bool)> {
    let releases = pins::releases(case, &line.requirement.name)?;
    let wanted = Version::parse(pin)?;
    let release = releases.iter().find(|release| Version::parse(&release.version).as_ref() == Some(&wanted))?;
    let elsewhere = release.wheels.iter().any(|wheel| wheel.contains("linux"));
    Some((version::fit(release, install.minor, install.musl), elsewhere))
}
