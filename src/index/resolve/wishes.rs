//! What the user asks for: requirement lines, some of them freed.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::LazyLock;

use pep440_rs::{Operator, Version};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, PackageName, Requirement, VersionOrUrl};
use pubgrub::Ranges;
use regex::Regex;

use super::package_name;
use crate::index::LookupError;
use crate::knowledge::python;

/// Old releases wrote `>=1.0.*`, which PEP 440 never allowed and pip long understood as `>=1.0`.
#[expect(clippy::unwrap_used, reason = "a literal pattern, exercised by tests")]
static LOOSE_STAR: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(>=|<=|~=|>|<)\s*([0-9][0-9.]*)\.\*").unwrap());

/// What marks a line as a constraint (pip's `-c`).
const CONSTRAINT: &str = "-c ";

/// All lines, understood for one Python.
pub(super) struct Wishes {
    pub(super) python: String,
    pub(super) minor: u32,
    pub(super) environment: MarkerEnvironment,
    /// Lines that hold.
    fixed: Vec<Requirement>,
    /// Lines that hold for a package only if something needs it.
    constraints: Vec<Requirement>,
    /// Packages whose version may change, in the order of preference.
    pub(super) freed: Vec<Freed>,
    /// Packages taken from an address: they are there, whatever their version.
    pub(super) given: BTreeSet<PackageName>,
}

/// A package whose version may change.
pub(super) struct Freed {
    pub(super) name: PackageName,
    extras: Vec<ExtraName>,
    /// Whether a line names it; otherwise it only matters if something else needs it.
    is_listed: bool,
    /// What its lines asked for.
    pub(super) asked: Ranges<Version>,
    /// What those lines leave that are not pins: a range someone chose outlives the pin below it.
    pub(super) bounds: Ranges<Version>,
    /// The version those lines are about.
    pub(super) wanted: Option<Version>,
    takes_pre: bool,
}

impl Wishes {
    pub(super) fn parse(python: &str, lines: &[String], free: &[String]) -> Result<Self, LookupError> {
        let unknown = || LookupError::Python { python: python.to_owned() };
        let minor = python::minor(python).ok_or_else(unknown)?;
        let environment = environment(python).ok_or_else(unknown)?;
        let mut freed: Vec<Freed> = Vec::new();
        for name in free {
            let name = package_name(name)?;
            if freed.iter().all(|known| known.name != name) {
                freed.push(Freed::new(name));
            }
        }
        let mut wishes = Self {
            python: python.to_owned(),
            minor,
            environment,
            fixed: Vec::new(),
            constraints: Vec::new(),
            freed,
            given: BTreeSet::new(),
        };
        for line in lines {
            let (line, is_constraint) = match line.trim().strip_prefix(CONSTRAINT) {
                Some(rest) => (bare(rest), true),
                None => (bare(line), false),
            };
            if line.is_empty() {
                continue;
            }
            let requirement = requirement(line).ok_or_else(|| LookupError::Line { line: line.to_owned() })?;
            if requirement.evaluate_markers(&wishes.environment, &[]) {
                wishes.take(requirement, is_constraint);
            }
        }
        Ok(wishes)
    }

    fn take(&mut self, requirement: Requirement, is_constraint: bool) {
        if matches!(requirement.version_or_url, Some(VersionOrUrl::Url(_))) {
            self.given.insert(requirement.name);
        } else if let Some(freed) = self.freed.iter_mut().find(|freed| freed.name == requirement.name) {
            freed.absorb(requirement, is_constraint);
        } else if is_constraint {
            self.constraints.push(requirement);
        } else {
            self.fixed.push(requirement);
        }
    }

    /// Whether no constraint speaks against that version.
    pub(super) fn allows(&self, name: &PackageName, version: &Version) -> bool {
        let lines = self.constraints.iter().filter(|line| line.name == *name);
        lines.into_iter().all(|line| range_of(line).contains(version))
    }

    pub(super) fn constraint(&self, name: &PackageName) -> Option<&Requirement> {
        self.constraints.iter().find(|line| line.name == *name)
    }

    /// Says which fixed lines contradict each other by themselves.
    pub(super) fn clash(&self) -> Option<String> {
        let mut seen: BTreeMap<&PackageName, Ranges<Version>> = BTreeMap::new();
        for requirement in &self.fixed {
            let range = seen.entry(&requirement.name).or_insert_with(Ranges::full);
            *range = range.intersection(&range_of(requirement));
            if range.is_empty() {
                let lines = self.fixed.iter().filter(|other| other.name == requirement.name);
                let lines: Vec<String> = lines.map(|line| format!("`{line}`")).collect();
                return Some(format!("no version satisfies {}", lines.join(" and ")));
            }
        }
        None
    }

    /// What the project as a whole requires: package, extras, range.
    pub(super) fn roots(&self) -> impl Iterator<Item = (&PackageName, &[ExtraName], Ranges<Version>)> {
        let fixed = self.fixed.iter().map(|line| (&line.name, line.extras.as_slice(), range_of(line)));
        let freed = self.freed.iter().filter(|freed| freed.is_listed);
        let freed = freed.map(|freed| (&freed.name, freed.extras.as_slice(), Ranges::full()));
        fixed.chain(freed).filter(|(name, _, _)| !self.given.contains(*name))
    }

    pub(super) fn names(&self) -> BTreeSet<PackageName> {
        self.roots().map(|(name, _, _)| name.clone()).collect()
    }

    /// Versions that are certain to be looked at: worth fetching at once.
    pub(super) fn pinned(&self) -> Vec<(PackageName, Version)> {
        let pinned: BTreeMap<PackageName, Version> =
            self.roots().filter_map(|(name, _, range)| Some((name.clone(), range.as_singleton()?.clone()))).collect();
        pinned.into_iter().collect()
    }

    /// Whether a line asks for a pre-release of `name`.
    pub(super) fn takes_pre(&self, name: &PackageName) -> bool {
        self.freed.iter().any(|freed| freed.name == *name && freed.takes_pre)
            || self.fixed.iter().any(|line| line.name == *name && asks_for_pre(line))
    }

    pub(super) fn freed(&self, name: &PackageName) -> Option<(usize, &Freed)> {
        self.freed.iter().enumerate().find(|(_, freed)| freed.name == *name)
    }
}

impl Freed {
    fn new(name: PackageName) -> Self {
        Self {
            name,
            extras: Vec::new(),
            is_listed: false,
            asked: Ranges::full(),
            bounds: Ranges::full(),
            wanted: None,
            takes_pre: false,
        }
    }

    fn absorb(&mut self, requirement: Requirement, is_constraint: bool) {
        self.is_listed |= !is_constraint;
        self.takes_pre |= asks_for_pre(&requirement);
        let range = range_of(&requirement);
        self.asked = self.asked.intersection(&range);
        if !is_pin(&requirement) {
            self.bounds = self.bounds.intersection(&range);
        }
        self.extras.extend(requirement.extras);
        self.extras.sort();
        self.extras.dedup();
        let Some(VersionOrUrl::VersionSpecifier(specifiers)) = requirement.version_or_url else { return };
        // A pin says best what the user wants; next, where their range begins.
        let rank = |operator: &Operator| match operator {
            Operator::Equal | Operator::ExactEqual => Some(0),
            Operator::EqualStar | Operator::TildeEqual => Some(1),
            Operator::GreaterThanEqual | Operator::GreaterThan => Some(2),
            Operator::LessThan | Operator::LessThanEqual => Some(3),
            Operator::NotEqual | Operator::NotEqualStar => None,
        };
        let best = specifiers
            .iter()
            .filter_map(|one| rank(one.operator()).map(|rank| (rank, one.version())))
            .min_by_key(|(rank, _)| *rank);
        if let (None, Some((_, version))) = (&self.wanted, best) {
            self.wanted = Some(version.clone());
        }
    }
}

/// Parses a requirement as it stands in metadata or in a requirements file.
pub(super) fn requirement(line: &str) -> Option<Requirement> {
    Requirement::from_str(line).ok().or_else(|| Requirement::from_str(&LOOSE_STAR.replace_all(line, "$1$2")).ok())
}

/// The versions a requirement admits.
pub(super) fn range_of(requirement: &Requirement) -> Ranges<Version> {
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => Ranges::from(specifiers.clone()),
        _ => Ranges::full(),
    }
}

fn is_pin(requirement: &Requirement) -> bool {
    let Some(VersionOrUrl::VersionSpecifier(specifiers)) = &requirement.version_or_url else { return false };
    specifiers.iter().any(|one| matches!(one.operator(), Operator::Equal | Operator::ExactEqual | Operator::EqualStar))
}

/// Whether a requirement names a pre-release as something it would take. `!=1.0rc1` does not.
pub(super) fn asks_for_pre(requirement: &Requirement) -> bool {
    let Some(VersionOrUrl::VersionSpecifier(specifiers)) = &requirement.version_or_url else { return false };
    specifiers.iter().any(|one| one.any_prerelease() && *one.operator() != Operator::NotEqual)
}

/// A line without comment, options and line continuation.
fn bare(line: &str) -> &str {
    let end = [" #", "\t#", " --", "\t--"].into_iter().filter_map(|mark| line.find(mark)).min();
    let line = line[..end.unwrap_or(line.len())].trim();
    let line = line.strip_suffix('\\').unwrap_or(line).trim_end();
    if line.starts_with(['#', '-']) { "" } else { line }
}

/// CPython on glibc Linux, x86-64.
fn environment(python: &str) -> Option<MarkerEnvironment> {
    let full = python::full_version(python)?;
    let short = format!("{}.{}", full.release().first()?, full.release().get(1)?);
    let full = full.to_string();
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: &full,
        os_name: "posix",
        platform_machine: "x86_64",
        platform_python_implementation: "CPython",
        platform_release: "6.1.0",
        platform_system: "Linux",
        platform_version: "#1 SMP",
        python_full_version: &full,
        python_version: &short,
        sys_platform: "linux",
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(lines: &[&str], free: &[&str]) -> Wishes {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        Wishes::parse("3.13", &owned(lines), &owned(free)).unwrap()
    }

    #[test]
    fn freed_lines_lose_their_specifier_but_remember_it() {
        let wishes = wishes(&["A_b[x]==1.2 # why", "a-b[y]", "c>=2,<3"], &["a.b"]);
        let roots: Vec<String> =
            wishes.roots().map(|(name, extras, range)| format!("{name} {extras:?} {range}")).collect();
        assert_eq!(roots, [r#"c [] >=2, <3"#, r#"a-b [ExtraName("x"), ExtraName("y")] *"#,]);
        assert_eq!(wishes.freed[0].wanted, Some(Version::new([1, 2])));
    }

    #[test]
    fn lines_for_other_systems_and_from_addresses_do_not_count() {
        let wishes =
            wishes(&["a==1 ; sys_platform == 'win32'", "b @ https://x.example/b.whl", "--no-binary x", ""], &[]);
        assert_eq!(wishes.roots().count(), 0);
        assert_eq!(wishes.given.len(), 1);
    }

    #[test]
    fn contradicting_lines_are_named() {
        assert_eq!(wishes(&["a==1", "a==2"], &[]).clash().as_deref(), Some("no version satisfies `a==1` and `a==2`"));
        assert_eq!(wishes(&["a==1", "a==2"], &["a"]).clash(), None);
    }

    #[test]
    fn a_line_that_is_no_requirement_is_refused() {
        assert!(Wishes::parse("3.13", &["./local".to_owned()], &[]).is_err());
        assert!(Wishes::parse("2.7", &[], &[]).is_err());
        assert!(requirement("a (>=1.0.*)").is_some());
    }
}
