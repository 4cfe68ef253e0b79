//! PubGrub over the facts: pure, and deterministic.
//!
//! Freed packages are decided in their order, before everything that has a choice. PubGrub gives up the later decision
//! of two that clash, so the first freed package stays as near as can be, then the second, and so on.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use pep440_rs::Version;
use pep508_rs::{ExtraName, PackageName, Requirement, VersionOrUrl};
use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, PackageResolutionStatistics, PubGrubError, Ranges,
};

use super::facts::{Book, Facts, Fit, Needs, Shelf};
use super::report;
use super::wishes::{Wishes, range_of};

/// Decisions in one run: real sets take a few hundred, a hopeless search would never end.
const STEPS_MAX: usize = 20_000;

/// Versions in a range up to which the reason against each is told one by one.
const REASONS_MAX: usize = 3;

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Node {
    /// The requirement lines together.
    Lines,
    Package(PackageName),
    /// `name[extra]`: at the version of the package itself.
    Extra(PackageName, ExtraName),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines => f.write_str("the project"),
            Self::Package(name) => write!(f, "{name}"),
            Self::Extra(name, extra) => write!(f, "{name}[{extra}]"),
        }
    }
}

/// What must be fetched before solving can go on, or why it cannot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lack {
    #[error("the versions of `{0}` are not known yet")]
    Shelf(PackageName),
    #[error("what `{0}` {1} needs is not known yet")]
    Needs(PackageName, Version),
    #[error("no end in sight after {0} steps")]
    Steps(usize),
}

pub(super) enum Outcome {
    /// Versions of the freed packages.
    Solved(BTreeMap<String, String>),
    Unsolvable(String),
    /// No solution found, but one release that might have been it keeps its dependencies to itself.
    Unclear {
        name: String,
        version: String,
    },
    Lacking(Lack),
}

pub(super) fn solve(wishes: &Wishes, facts: &Facts) -> Outcome {
    let solver = Solver { wishes, facts, steps: Cell::new(0), undeclared: RefCell::new(None) };
    match pubgrub::resolve(&solver, Node::Lines, Version::new([0])) {
        Ok(solution) => {
            let version = |name: &PackageName| solution.get(&Node::Package(name.clone()));
            let freed = wishes.freed.iter().map(|freed| &freed.name);
            Outcome::Solved(freed.filter_map(|name| Some((name.to_string(), version(name)?.to_string()))).collect())
        }
        Err(PubGrubError::NoSolution(tree)) => match solver.undeclared.take() {
            Some((name, version)) => Outcome::Unclear { name: name.to_string(), version: version.to_string() },
            None => Outcome::Unsolvable(report::explain(&tree, wishes, facts)),
        },
        Err(
            PubGrubError::ErrorRetrievingDependencies { source, .. }
            | PubGrubError::ErrorChoosingVersion { source, .. }
            | PubGrubError::ErrorInShouldCancel(source),
        ) => Outcome::Lacking(source),
    }
}

pub(super) struct Solver<'a> {
    wishes: &'a Wishes,
    facts: &'a Facts,
    steps: Cell<usize>,
    /// The first release met whose dependencies only a build would tell.
    undeclared: RefCell<Option<(PackageName, Version)>>,
}

impl Solver<'_> {
    /// Whether `book` may be chosen from `range`. The tests that exclude most come first: this runs a million times.
    fn is_open(&self, name: &PackageName, shelf: &Shelf, book: &Book, range: &Ranges<Version>) -> bool {
        if !range.contains(&book.version) || matches!(book.fit, Fit::Not(_)) || !self.wishes.allows(name, &book.version)
        {
            return false;
        }
        let is_pre = book.version.any_prerelease();
        if !book.yanked && !is_pre {
            return true;
        }
        let constraint = self.wishes.constraint(name).map(range_of);
        let is_pinned = [Some(range), constraint.as_ref()].into_iter().flatten().any(|it| it.as_singleton().is_some());
        let takes_pre = || shelf.is_all_pre || self.wishes.takes_pre(name) || self.facts.takes_pre.contains(name);
        is_pinned || (!book.yanked && takes_pre())
    }

    fn book(&self, name: &PackageName, version: &Version) -> Option<&Book> {
        self.facts.shelves.get(name)?.books.iter().find(|book| book.version == *version)
    }

    /// What the lines in `list` that hold under `extras` ask for.
    fn constraints(
        &self,
        of: &PackageName,
        list: &[Requirement],
        extras: &[ExtraName],
    ) -> DependencyConstraints<Node, Ranges<Version>> {
        let mut constraints = DependencyConstraints::default();
        let holds = |line: &&Requirement| {
            line.evaluate_markers(&self.wishes.environment, extras) && !self.wishes.given.contains(&line.name)
        };
        for line in list.iter().filter(holds) {
            // An address in metadata replaces the index; what is behind it is not ours to judge.
            if matches!(line.version_or_url, Some(VersionOrUrl::Url(_))) {
                continue;
            }
            let range = range_of(line);
            for extra in &line.extras {
                narrow(&mut constraints, Node::Extra(line.name.clone(), extra.clone()), &range);
            }
            // `name[all]` is often written as `name[x,y]` of itself.
            if line.name != *of {
                narrow(&mut constraints, Node::Package(line.name.clone()), &range);
            }
        }
        constraints
    }
}

fn narrow(constraints: &mut DependencyConstraints<Node, Ranges<Version>>, node: Node, range: &Ranges<Version>) {
    let known = constraints.entry(node).or_insert_with(Ranges::full);
    *known = known.intersection(range);
}

impl DependencyProvider for Solver<'_> {
    type P = Node;
    type V = Version;
    type VS = Ranges<Version>;
    type Priority = (u8, Reverse<usize>, u32, Reverse<Node>);
    type M = String;
    type Err = Lack;

    fn prioritize(
        &self,
        node: &Node,
        range: &Ranges<Version>,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let (Node::Package(name) | Node::Extra(name, _)) = node else {
            return (u8::MAX, Reverse(0), 0, Reverse(node.clone()));
        };
        let choices = self.facts.shelves.get(name).map_or(0, |shelf| {
            shelf.books.iter().filter(|book| self.is_open(name, shelf, book, range)).take(2).count()
        });
        match self.wishes.freed(name) {
            // No choice, no regret: what is implied anyway shows clashes soonest.
            _ if choices < 2 => (3, Reverse(0), statistics.conflict_count(), Reverse(node.clone())),
            Some((place, _)) => (2, Reverse(place), 0, Reverse(node.clone())),
            None => (1, Reverse(0), statistics.conflict_count(), Reverse(node.clone())),
        }
    }

    fn choose_version(&self, node: &Node, range: &Ranges<Version>) -> Result<Option<Version>, Lack> {
        let (Node::Package(name) | Node::Extra(name, _)) = node else { return Ok(Some(Version::new([0]))) };
        let shelf = self.facts.shelves.get(name).ok_or_else(|| Lack::Shelf(name.clone()))?;
        let open = shelf.books.iter().find(|book| self.is_open(name, shelf, book, range));
        if let Some(book) = open {
            return Ok(Some(book.version.clone()));
        }
        // Nothing fits. If few come into question, pick one: its own reason then stands in the explanation.
        let closed: Vec<&Book> = shelf
            .books
            .iter()
            .filter(|book| matches!(book.fit, Fit::Not(_)) && range.contains(&book.version))
            .take(REASONS_MAX + 1)
            .collect();
        Ok(closed.first().filter(|_| closed.len() <= REASONS_MAX).map(|book| book.version.clone()))
    }

    fn get_dependencies(
        &self,
        node: &Node,
        version: &Version,
    ) -> Result<Dependencies<Node, Ranges<Version>, String>, Lack> {
        let (name, extras) = match node {
            Node::Lines => {
                let mut constraints = DependencyConstraints::default();
                for (name, extras, range) in self.wishes.roots() {
                    for extra in extras {
                        narrow(&mut constraints, Node::Extra(name.clone(), extra.clone()), &range);
                    }
                    narrow(&mut constraints, Node::Package(name.clone()), &range);
                }
                return Ok(Dependencies::Available(constraints));
            }
            Node::Package(name) => (name, Vec::new()),
            Node::Extra(name, extra) => (name, vec![extra.clone()]),
        };
        if let Some(Book { fit: Fit::Not(why), .. }) = self.book(name, version) {
            return Ok(Dependencies::Unavailable(why.clone()));
        }
        let key = (name.clone(), version.clone());
        match self.facts.needs.get(&key) {
            None => Err(Lack::Needs(key.0, key.1)),
            Some(Needs::Broken(why)) => Ok(Dependencies::Unavailable(why.clone())),
            Some(Needs::Undeclared) => {
                self.undeclared.borrow_mut().get_or_insert(key);
                Ok(Dependencies::Unavailable("does not publish what it needs".to_owned()))
            }
            Some(Needs::Known(list)) => {
                let mut constraints = self.constraints(name, list, &extras);
                if !extras.is_empty() {
                    constraints.insert(Node::Package(name.clone()), Ranges::singleton(version.clone()));
                }
                Ok(Dependencies::Available(constraints))
            }
        }
    }

    fn should_cancel(&self) -> Result<(), Lack> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS_MAX { Err(Lack::Steps(STEPS_MAX)) } else { Ok(()) }
    }
}
