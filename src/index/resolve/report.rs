//! Why there is no solution, in a few lines a person can check.
//!
//! PubGrub's own report derives the contradiction step by step and fills a page. The facts at its leaves are what one
//! can look up and change, so we tell those.

use std::collections::HashSet;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::Requirement;
use pubgrub::{DerivationTree, External, Ranges};

use super::facts::{Book, Facts};
use super::solver::Node;
use super::wishes::{Wishes, range_of};

/// Facts told: the first ones found are those nearest to the contradiction.
const FACTS_MAX: usize = 8;

type Tree = DerivationTree<Node, Ranges<Version>, String>;

/// The facts that exclude each other, joined by semicolons.
pub(super) fn explain(tree: &Tree, wishes: &Wishes, known: &Facts) -> String {
    let teller = Teller { known, wishes };
    let mut facts = Vec::new();
    let mut seen = HashSet::new();
    // Breadth first: what stands near the root of the derivation says most.
    let mut queue = std::collections::VecDeque::from([Arc::new(tree.clone())]);
    while let Some(tree) = queue.pop_front() {
        match &*tree {
            DerivationTree::External(external) => {
                if let Some(fact) = teller.fact(external).filter(|fact| !facts.contains(fact)) {
                    facts.push(fact);
                }
            }
            DerivationTree::Derived(derived) => {
                for cause in [&derived.cause1, &derived.cause2] {
                    if seen.insert(Arc::as_ptr(cause)) {
                        queue.push_back(Arc::clone(cause));
                    }
                }
            }
        }
    }
    let more = facts.len().saturating_sub(FACTS_MAX);
    facts.truncate(FACTS_MAX);
    let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("{}{rest}", facts.join("; "))
}

struct Teller<'a> {
    wishes: &'a Wishes,
    known: &'a Facts,
}

impl Teller<'_> {
    fn fact(&self, external: &External<Node, Ranges<Version>, String>) -> Option<String> {
        match external {
            External::NotRoot(..) => None,
            // An extra stands at the version of its package by construction: nothing to learn.
            External::FromDependencyOf(Node::Extra(name, _), _, Node::Package(of), _) if name == of => None,
            External::FromDependencyOf(node, at, other, range) => {
                Some(format!("{} needs {}", versions(node, at), versions(other, range)))
            }
            External::NoVersions(node, range) => Some(self.nothing(node, range)),
            External::Custom(node, at, why) => Some(format!("{} {why}", versions(node, at))),
        }
    }

    fn nothing(&self, node: &Node, range: &Ranges<Version>) -> String {
        let (Node::Package(name) | Node::Extra(name, _)) = node else { return String::new() };
        let books = self.known.shelves.get(name).map_or(&[][..], |shelf| &shelf.books);
        let inside = || books.iter().filter(|book| range.contains(&book.version));
        if books.is_empty() {
            format!("the index has no package `{name}`")
        } else if inside().next().is_none() {
            format!("there is no {}", versions(node, range))
        } else if let Some(line) = self.wishes.constraint(name).filter(|line| excludes(line, inside)) {
            format!("the constraint `{line}` leaves nothing of {}", versions(node, range))
        } else if inside().all(|book| book.yanked) {
            format!("all of {} is yanked", versions(node, range))
        } else {
            format!("nothing else of {} fits Python {}", versions(node, range), self.wishes.python)
        }
    }
}

/// Whether a constraint alone is enough to leave none of `books`.
fn excludes<'a, I: Iterator<Item = &'a Book>>(line: &Requirement, books: impl Fn() -> I) -> bool {
    let range = range_of(line);
    books().all(|book| !range.contains(&book.version))
}

fn versions(node: &Node, range: &Ranges<Version>) -> String {
    if *node == Node::Lines || *range == Ranges::full() { node.to_string() } else { format!("{node} {range}") }
}
