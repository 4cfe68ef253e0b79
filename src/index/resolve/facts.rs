//! What the solver knows: versions of packages in the order we would take them, and what they need.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::{PackageName, Requirement};

use super::wishes::{Freed, Wishes, asks_for_pre, requirement};
use crate::index::pypi::Page;
use crate::knowledge::{Release, python};

/// Versions tried one by one, upwards and again downwards, before the search takes larger steps.
const NEAR_MAX: usize = 25;

#[derive(Default)]
pub(super) struct Facts {
    pub(super) shelves: HashMap<PackageName, Shelf>,
    pub(super) needs: HashMap<(PackageName, Version), Needs>,
    /// Packages of which something asks for a pre-release.
    pub(super) takes_pre: BTreeSet<PackageName>,
}

impl Facts {
    pub(super) fn has(&self, name: &PackageName, version: &Version) -> bool {
        self.shelves.get(name).is_some_and(|shelf| shelf.books.iter().any(|book| book.version == *version))
    }

    /// The versions that come into question after `version`, unless it is the first: then it may well do.
    pub(super) fn after(&self, name: &PackageName, version: &Version, count: usize) -> Vec<Version> {
        let Some(shelf) = self.shelves.get(name) else { return Vec::new() };
        let usable = |book: &&Book| !book.yanked && !matches!(book.fit, Fit::Not(_));
        let mut books = shelf.books.iter().filter(usable).skip_while(|book| book.version != *version);
        if shelf.books.iter().find(usable).is_none_or(|first| first.version == *version) {
            return Vec::new();
        }
        books.next();
        books.take(count).map(|book| book.version.clone()).collect()
    }

    pub(super) fn learn(&mut self, name: PackageName, version: Version, needs: Needs) {
        if let Needs::Known(list) = &needs {
            self.takes_pre.extend(list.iter().filter(|line| asks_for_pre(line)).map(|line| line.name.clone()));
        }
        self.needs.insert((name, version), needs);
    }
}

/// The versions of one package, most wanted first.
pub(super) struct Shelf {
    pub(super) books: Vec<Book>,
    pub(super) page: Arc<Page>,
    /// Nothing but pre-releases: then they are what the package has.
    pub(super) is_all_pre: bool,
}

/// One version.
pub(super) struct Book {
    pub(super) version: Version,
    pub(super) yanked: bool,
    pub(super) fit: Fit,
}

/// How a version can be installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fit {
    Wheel,
    Source,
    /// Not at all, with why.
    Not(String),
}

impl Shelf {
    /// Sorts. A package that is not freed takes the newest, as pip does.
    pub(super) fn new(wishes: &Wishes, name: &PackageName, page: Page) -> Self {
        let releases = page.releases();
        let mut books: Vec<Book> = releases
            .iter()
            .filter_map(|release| {
                let version = Version::from_str(&release.version).ok()?;
                Some(Book { version, yanked: release.yanked, fit: fit(release, &wishes.python) })
            })
            .collect();
        match wishes.freed(name) {
            Some((_, freed)) => sort_freed(&mut books, freed),
            None => books.sort_by_cached_key(|book| (book.class(), Reverse(book.version.clone()))),
        }
        let is_all_pre = books.iter().all(|book| book.version.any_prerelease());
        Self { books, page: Arc::new(page), is_all_pre }
    }
}

impl Book {
    /// Finals before pre-releases, wheels before source.
    fn class(&self) -> (bool, Fit) {
        (self.version.any_prerelease(), self.fit.clone())
    }
}

/// Puts what the lines ask for first, newest first, then what keeps to their ranges, then the rest; these two by
/// nearness to where the user stood.
fn sort_freed(books: &mut [Book], freed: &Freed) {
    let asked = |book: &Book| freed.asked.contains(&book.version);
    let bounded = |book: &Book| freed.bounds.contains(&book.version);
    // Where the user stood: the upper end of what they asked for.
    let stood = books.iter().filter(|book| asked(book) && !book.version.any_prerelease());
    let Some(anchor) = stood.map(|book| book.version.clone()).max().or_else(|| freed.wanted.clone()) else {
        return books.sort_by_cached_key(|book| (book.class(), Reverse(book.version.clone())));
    };
    let nearness = |book: &Book| python::distance(&book.version, &anchor);
    books.sort_by(|left, right| {
        let key = |book: &Book| (book.class(), !asked(book), asked(book).then(|| Reverse(book.version.clone())));
        key(left).cmp(&key(right)).then_with(|| nearness(left).cmp(&nearness(right)))
    });
    let stages = stages(books, &anchor);
    books.sort_by_cached_key(|book| (book.class(), !asked(book), !bounded(book), stages.get(&book.version).copied()));
}

/// In which stage of the search each version is tried; `books` stand nearest first.
///
/// Packages that release daily have hundreds of versions between the one that was asked for and the one that fits.
/// After the nearest few we therefore try the last version of each minor series, and the rest only then.
fn stages(books: &[Book], anchor: &Version) -> HashMap<Version, u8> {
    let series = |version: &Version| {
        (version.epoch(), version.release().first().copied(), version.release().get(1).copied().unwrap_or(0))
    };
    let mut last = HashMap::new();
    for book in books.iter().filter(|book| !book.version.any_prerelease() && book.fit == Fit::Wheel) {
        let known = last.entry(series(&book.version)).or_insert(&book.version);
        *known = Ord::max(*known, &book.version);
    }
    let mut seen: HashMap<((bool, Fit), bool), usize> = HashMap::new();
    let mut stages = HashMap::new();
    for book in books {
        let is_above = book.version >= *anchor;
        let count = seen.entry((book.class(), is_above)).or_default();
        *count += 1;
        let is_last = last.get(&series(&book.version)) == Some(&&book.version);
        let stage = match (*count <= NEAR_MAX, is_last) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 4,
        };
        stages.insert(book.version.clone(), if stage < 4 && !is_above { stage + 2 } else { stage });
    }
    stages
}

fn fit(release: &Release, python: &str) -> Fit {
    match &release.requires {
        Some(requires) if !python::allows_python(release, python) => {
            Fit::Not(format!("needs Python {requires}, not {python}"))
        }
        _ if python::has_wheel(release, python) => Fit::Wheel,
        _ if release.has_source => Fit::Source,
        _ => Fit::Not(format!("has no file for Python {python} on Linux x86-64")),
    }
}

/// What a version depends on.
pub(super) enum Needs {
    Known(Vec<Requirement>),
    /// One of its lines is not a requirement; pip passes over such a version too.
    Broken(String),
    /// Only a build would tell.
    Undeclared,
}

impl Needs {
    pub(super) fn parse(lines: &[String]) -> Self {
        let mut list = Vec::new();
        for line in lines {
            match requirement(line) {
                Some(requirement) => list.push(requirement),
                None => return Self::Broken(format!("has the broken requirement `{line}`")),
            }
        }
        Self::Known(list)
    }

    /// Packages it needs without extras.
    pub(super) fn names(&self, wishes: &Wishes) -> BTreeSet<PackageName> {
        let Self::Known(list) = self else { return BTreeSet::new() };
        let holds = |line: &&Requirement| line.evaluate_markers(&wishes.environment, &[]);
        list.iter().filter(holds).map(|line| line.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lines: &str, versions: &[String]) -> Vec<String> {
        let lines: Vec<String> = lines.split("; ").map(str::to_owned).collect();
        let wishes = Wishes::parse("3.13", &lines, &["a".to_owned()]).unwrap();
        let mut books: Vec<Book> = versions
            .iter()
            .map(|text| Book { version: text.parse().unwrap(), yanked: false, fit: Fit::Wheel })
            .collect();
        sort_freed(&mut books, &wishes.freed[0]);
        books.iter().map(|book| book.version.to_string()).collect()
    }

    #[test]
    fn a_freed_pin_climbs_slowly_then_in_steps_then_goes_down() {
        let few = ["0.9", "1.0", "1.1rc1", "1.1", "1.2", "2.0"].map(str::to_owned);
        assert_eq!(order("a==1.1", &few), ["1.1", "1.2", "2.0", "1.0", "0.9", "1.1rc1"]);
        let many: Vec<String> = (0..40).map(|patch| format!("1.1.{patch}")).chain(["1.2.0".to_owned()]).collect();
        let order = order("a==1.1.0", &many);
        assert_eq!(order[..2], ["1.1.0", "1.1.1"]);
        assert_eq!(order[NEAR_MAX..NEAR_MAX + 3], ["1.1.39", "1.2.0", "1.1.25"]);
    }

    #[test]
    fn a_freed_range_stays_inside_while_it_can() {
        let versions = ["0.9", "1.0", "1.5", "2.0", "3.0"].map(str::to_owned);
        assert_eq!(order("a>=1,<2", &versions), ["1.5", "1.0", "2.0", "3.0", "0.9"]);
        assert_eq!(order("a==1.5; a<2", &versions), ["1.5", "1.0", "0.9", "2.0", "3.0"]);
        assert_eq!(order("a", &versions), ["3.0", "2.0", "1.5", "1.0", "0.9"]);
    }
}
