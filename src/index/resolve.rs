//! Finds versions of Python packages that fit together: fetch what the solver lacks, solve again, until nothing lacks.
//!
//! The solver itself never waits and never looks anything up ([`solver`]); so it can be run any number of times, and
//! the same facts always give the same answer.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use pep440_rs::Version;
use pep508_rs::PackageName;
use tokio::task::JoinSet;

use self::facts::{Facts, Needs, Shelf};
use self::solver::{Lack, Outcome};
use self::wishes::Wishes;
use super::LookupError;
use super::pypi::client::Pypi;
use crate::knowledge::Resolution;

mod facts;
mod report;
mod solver;
mod wishes;

/// Packages looked at: the largest real requirement sets (machine learning, cloud SDKs) pull in about 200.
const PACKAGES_MAX: usize = 300;

/// Versions whose dependencies are fetched: beyond, the search is lost in old releases.
const METADATA_MAX: usize = 400;

/// Versions fetched before they are asked for: as many as fly at once.
const AHEAD_MAX: usize = 4;

/// Patience with one question: a trial build takes longer and proves more.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Answers a `Question::PythonResolution`.
pub(super) async fn resolve(
    pypi: &Arc<Pypi>,
    python: &str,
    requirements: &[String],
    free: &[String],
) -> Result<Resolution, LookupError> {
    let wishes = Arc::new(Wishes::parse(python, requirements, free)?);
    if let Some(clash) = wishes.clash() {
        return Ok(Resolution::Unsolvable(clash));
    }
    let search = Search { pypi, wishes, facts: Facts::default() };
    tokio::time::timeout(TIME_MAX, search.run()).await.unwrap_or(Err(LookupError::Limit { what: "seconds", limit: 60 }))
}

struct Search<'a> {
    pypi: &'a Arc<Pypi>,
    wishes: Arc<Wishes>,
    facts: Facts,
}

impl Search<'_> {
    async fn run(mut self) -> Result<Resolution, LookupError> {
        let roots = self.wishes.names();
        self.shelve(&roots, Strictness::Prefetch).await?;
        let pinned = self.wishes.pinned().into_iter().filter(|(name, version)| self.facts.has(name, version)).collect();
        self.learn(pinned, Strictness::Prefetch).await?;
        loop {
            let (wishes, facts) = (Arc::clone(&self.wishes), std::mem::take(&mut self.facts));
            let solving = tokio::task::spawn_blocking(move || {
                let outcome = solver::solve(&wishes, &facts);
                (facts, outcome)
            });
            let (facts, outcome) = solving.await.map_err(|source| LookupError::Solver { source })?;
            self.facts = facts;
            match outcome {
                Outcome::Solved(versions) => return Ok(Resolution::Solved(versions)),
                Outcome::Unsolvable(why) => return Ok(Resolution::Unsolvable(why)),
                Outcome::Unclear { name, version } => return Err(LookupError::Undeclared { name, version }),
                Outcome::Lacking(Lack::Shelf(name)) => {
                    self.shelve(&BTreeSet::from([name]), Strictness::Needed).await?;
                }
                Outcome::Lacking(Lack::Needs(name, version)) => {
                    self.learn(vec![(name.clone(), version.clone())], Strictness::Needed).await?;
                    self.look_ahead(&name, &version).await?;
                }
                Outcome::Lacking(Lack::Steps(limit)) => return Err(LookupError::Limit { what: "steps", limit }),
            }
        }
    }

    /// Fetches the versions of `names`, several at once.
    async fn shelve(&mut self, names: &BTreeSet<PackageName>, strictness: Strictness) -> Result<(), LookupError> {
        let mut fetches = JoinSet::new();
        for name in names.iter().filter(|name| !self.facts.shelves.contains_key(*name)).cloned() {
            let pypi = Arc::clone(self.pypi);
            fetches.spawn(async move { (pypi.page(&name).await, name) });
        }
        if self.facts.shelves.len() + fetches.len() > PACKAGES_MAX {
            return Err(LookupError::Limit { what: "packages", limit: PACKAGES_MAX });
        }
        while let Some(fetched) = fetches.join_next().await {
            let (page, name) = fetched.map_err(|source| LookupError::Solver { source })?;
            match page {
                Ok(page) => {
                    let shelf = Shelf::new(&self.wishes, &name, page);
                    self.facts.shelves.insert(name, shelf);
                }
                Err(error) if strictness == Strictness::Needed => return Err(error),
                // Asked again, and then reported, if the solver ever gets there.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// A freed package whose first choice failed will be tried version by version: fetch the next ones together.
    async fn look_ahead(&mut self, name: &PackageName, version: &Version) -> Result<(), LookupError> {
        if self.wishes.freed(name).is_none() {
            return Ok(());
        }
        let next = self.facts.after(name, version, AHEAD_MAX).into_iter().map(|version| (name.clone(), version));
        let next = next.filter(|key| !self.facts.needs.contains_key(key)).collect();
        self.learn(next, Strictness::Prefetch).await
    }

    /// Fetches what versions depend on, then the versions of all those packages: the solver will ask for them next.
    async fn learn(
        &mut self,
        versions: Vec<(PackageName, Version)>,
        strictness: Strictness,
    ) -> Result<(), LookupError> {
        if self.facts.needs.len() + versions.len() > METADATA_MAX {
            return Err(LookupError::Limit { what: "dependency lists", limit: METADATA_MAX });
        }
        let mut fetches = JoinSet::new();
        for (name, version) in versions {
            let page = self.facts.shelves.get(&name).map(|shelf| shelf.page.clone()).unwrap_or_default();
            let (pypi, minor) = (Arc::clone(self.pypi), self.wishes.minor);
            fetches.spawn(async move {
                let lines = pypi.requires(&name, &version, &page, Some(minor)).await;
                (lines, name, version)
            });
        }
        let mut next = BTreeSet::new();
        while let Some(fetched) = fetches.join_next().await {
            let (lines, name, version) = fetched.map_err(|source| LookupError::Solver { source })?;
            let needs = match lines {
                Ok(lines) => Needs::parse(&lines),
                Err(LookupError::Undeclared { .. }) => Needs::Undeclared,
                Err(error) if strictness == Strictness::Needed => return Err(error),
                Err(_) => continue,
            };
            next.extend(needs.names(&self.wishes));
            self.facts.learn(name, version, needs);
        }
        next.retain(|name| !self.wishes.given.contains(name));
        self.shelve(&next, Strictness::Prefetch).await
    }
}

/// Whether a failed fetch ends the search.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Needed,
    Prefetch,
}

/// A package name as the index knows it.
pub(super) fn package_name(name: &str) -> Result<PackageName, LookupError> {
    PackageName::from_str(name.trim()).map_err(|_| LookupError::Name { name: name.to_owned() })
}
