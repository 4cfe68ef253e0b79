//! What apt said: which packages it could not find, what it would take instead, and which release it asked.

use super::Case;
use super::base::{self, Family};
use super::installs::{self, Named};
use super::phrase::Phrases;
use super::renamed;
use crate::remedy::{Applicability, Remedy};

static MISSING: Phrases = Phrases::new(&[
    r#"E: (?:Unable to locate package (?P<a>[\w.+-]+)|Package '(?P<b>[^']+)' has no installation candidate|Package (?P<c>[\w.+:-]+) has no installation candidate|Couldn't find any package by (?:glob|regex) '(?P<d>[^']+)')"#,
]);
static SUITE: Phrases =
    Phrases::new(&[r"^(?:Get|Hit|Ign|Err):?\d* https?://\S+ ([a-z]+)(?:[-/][\w-]+)* (?:InRelease|Release|/)?"]);
static VIRTUAL: Phrases = Phrases::new(&[r"Package '?([\w.+-]+)'? is a virtual package provided by:"]);
static UNAVAILABLE: Phrases =
    Phrases::new(&[r"Package '?([\w.+-]+)'? is not available, but is referred to by another package"]);
static REPLACED: Phrases = Phrases::new(&[r"However the following packages? replaces? it:"]);

/// Packages that apt did not find, in the order it named them.
pub fn missing(case: &Case<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for seen in MISSING.everywhere(case) {
        let name = seen.named(&["a", "b", "c", "d"]).split(':').next().unwrap_or_default().to_owned();
        if !name.is_empty() && !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

/// The release that apt read lists of, else the one the base image is known to be.
pub fn suite(case: &Case<'_>, index: usize) -> String {
    let seen = SUITE.everywhere(case).map(|seen| seen[1].to_owned());
    let known = seen.rev().find(|name| super::suites::named(name).is_some());
    known.or_else(|| base::of(case, index)?.suite().map(str::to_owned)).unwrap_or_else(|| "trixie".to_owned())
}

/// What apt itself says replaces `package`.
fn offered(case: &Case<'_>, package: &str) -> Vec<String> {
    let lines = &case.log.lines;
    let step = |at: usize| lines.get(at).and_then(|line| line.step);
    let about =
        |told: &Phrases| lines.iter().rposition(|line| told.read(&line.text).is_some_and(|found| &found[1] == package));
    let rows = |from: usize| -> Vec<String> {
        let own = step(from);
        (from + 1..lines.len())
            .filter(|at| step(*at) == own)
            .map(|at| case.text(at))
            .take_while(|text| text.starts_with("  ") && !text.trim().is_empty())
            .map(str::to_owned)
            .collect()
    };
    if let Some(at) = about(&VIRTUAL) {
        return rows(at).iter().filter_map(|row| row.split_whitespace().next().map(str::to_owned)).collect();
    }
    let Some(at) = about(&UNAVAILABLE) else { return vec![] };
    let own = step(at);
    let replaced = (at + 1..lines.len())
        .filter(|next| step(*next) == own)
        .take(4)
        .take_while(|next| !UNAVAILABLE.fits(case.text(*next)))
        .find(|next| REPLACED.fits(case.text(*next)));
    replaced
        .map(|at| rows(at).iter().flat_map(|row| row.split_whitespace().map(str::to_owned)).collect())
        .unwrap_or_default()
}

/// The remedy that gives every missing package the name it has in this release.
pub fn renaming(case: &Case<'_>, index: usize, missing: &[String]) -> Option<Remedy> {
    let suite = suite(case, index);
    let family = installs::family_at(case, index).unwrap_or(Family::Debian);
    let installs = installs::named(case, index);
    let mut changes: Vec<(Named, Vec<String>)> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for package in missing {
        let Some(named) = installs.iter().find(|each| each.name == *package) else { continue };
        let Some((words, how)) = instead(case, family, &suite, package, &installs) else { continue };
        told.push(how);
        changes.push((named.clone(), words));
    }
    let edit = installs::rewrite(case, &changes)?;
    Some(Remedy {
        id: "rename-packages".into(),
        title: format!("In the package list: {}", told.join(", ")),
        why: format!("{suite} has the same software under these names"),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}

fn instead(
    case: &Case<'_>,
    family: Family,
    suite: &str,
    package: &str,
    installs: &[Named],
) -> Option<(Vec<String>, String)> {
    let offered = offered(case, package);
    let table = renamed::successor(family, suite, package).map(str::to_owned);
    let chosen = match table {
        Some(name) if offered.is_empty() || offered.contains(&name) => Some(name),
        table => offered.first().cloned().or(table),
    };
    if let Some(name) = chosen {
        let how = format!("`{name}` for `{package}`");
        let known = installs.iter().any(|each| each.name == name);
        return Some((if known { vec![] } else { vec![name] }, how));
    }
    let command = renamed::dropped(package)?;
    let used = !command.is_empty() && case.dockerfile.text().contains(command);
    (!used).then(|| (vec![], format!("without `{package}`")))
}

/// Whether instruction `index` installs without having fetched package lists: it does not update, and the log shows that
/// nothing was fetched.
pub fn lists_are_absent(case: &Case<'_>, index: usize) -> bool {
    let instruction = &case.dockerfile.instructions()[index];
    let upto = instruction.args.find("install").map_or("", |at| &instruction.args[..at]);
    let updates =
        installs::updates_lists(case, index) || ["update", ".sh", "bash"].iter().any(|word| upto.contains(word));
    let known = ["python", "php", "openjdk", "lib", "oracle", "ttf-"];
    let renamed = missing(case).iter().all(|name| known.iter().any(|start| name.starts_with(start)));
    let earlier = case.dockerfile.instructions()[..index].iter();
    let earlier_update = earlier.filter(|each| each.keyword == "RUN").any(|each| each.args.contains("update"));
    let fetched = FETCHED.everywhere(case).next().is_some();
    let by_name = earlier_update && renamed && !missing(case).is_empty();
    !(updates || fetched || by_name)
}

static FETCHED: Phrases = Phrases::new(&[r"^(?:Fetched|Get:\d+|Hit:\d+) "]);
