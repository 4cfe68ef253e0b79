//! Package lists in RUN instructions: which manager installs what, where each name stands, and how to change the list.

use std::ops::Range;

use super::Case;
use super::base::{self, Family};
use crate::dockerfile::edit;
use crate::remedy::Edit;

/// A package named in an install command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Without version and architecture.
    pub name: String,
    /// `nginx=1.10.3-0ubuntu0.16.04.2`
    pub written: String,
    /// The word before it: `apt-get`, `apk`.
    pub manager: String,
    /// From 1.
    pub line: usize,
    /// Where `written` stands in that line.
    pub range: Range<usize>,
}

const MANAGERS: &[&str] = &["apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper", "tdnf"];

enum State {
    Elsewhere,
    Managing(String),
    Installing(String),
    /// The next word is the value of an option.
    Skipping(String),
}

/// The packages that instruction `index` installs, in order.
pub fn named(case: &Case<'_>, index: usize) -> Vec<Named> {
    let Some(instruction) = case.dockerfile.instructions().get(index) else { return vec![] };
    if instruction.keyword != "RUN" {
        return vec![];
    }
    let mut out = Vec::new();
    let mut state = State::Elsewhere;
    for line in instruction.first_line..=instruction.last_line {
        let Some(text) = case.dockerfile.line(line) else { continue };
        if text.trim_start().starts_with('#') {
            continue;
        }
        for range in words(text) {
            let word = &text[range.clone()];
            if range.end == text.trim_end().len() && word.chars().eq([case.dockerfile.escape()]) {
                continue;
            }
            state = step(state, word, |manager| {
                let name = word.split(['=', '~', '<', '>', '@']).next().unwrap_or(word);
                let name = name.split(':').next().unwrap_or(name);
                out.push(Named {
                    name: name.to_owned(),
                    written: word.to_owned(),
                    manager: manager.to_owned(),
                    line,
                    range: range.clone(),
                });
            });
        }
    }
    out
}

fn step(state: State, word: &str, mut found: impl FnMut(&str)) -> State {
    if word.starts_with(['&', ';', '|', '>', '<', '(', ')']) || word.starts_with("2>") {
        return State::Elsewhere;
    }
    match state {
        State::Elsewhere if MANAGERS.contains(&word) => State::Managing(word.to_owned()),
        State::Elsewhere => State::Elsewhere,
        State::Managing(manager) if matches!(word, "install" | "add" | "in" | "groupinstall") => {
            State::Installing(manager)
        }
        State::Managing(manager) if word.starts_with('-') || word.contains('=') => State::Managing(manager),
        State::Managing(_) => State::Elsewhere,
        State::Installing(manager)
            if matches!(word, "-t" | "--virtual" | "--target-release" | "-o" | "--repository") =>
        {
            State::Skipping(manager)
        }
        State::Installing(manager) if word.starts_with('-') => State::Installing(manager),
        State::Installing(manager) => {
            let is_name =
                word.starts_with(|first: char| first.is_ascii_alphanumeric()) && !word.contains(['$', '/', '*', '{']);
            if is_name {
                found(&manager);
            }
            State::Installing(manager)
        }
        State::Skipping(manager) => State::Installing(manager),
    }
}

/// Words and runs of shell operators.
fn words(text: &str) -> Vec<Range<usize>> {
    let is_operator = |each: char| matches!(each, '&' | ';' | '|' | '>' | '<' | '(' | ')' | '"' | '\'');
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut kind = None;
    for (at, each) in text.char_indices() {
        let this = (!each.is_whitespace()).then(|| is_operator(each));
        match (this, ranges.last_mut()) {
            (Some(_), Some(last)) if kind == this => last.end = at + each.len_utf8(),
            (Some(_), _) => ranges.push(at..at + each.len_utf8()),
            (None, _) => {}
        }
        kind = this;
    }
    ranges
}

/// Writes other names: each package of `changes` becomes the words beside it; without words it goes.
///
/// A line that held nothing but a package that goes, and its continuation, goes too.
pub fn rewrite(case: &Case<'_>, changes: &[(Named, Vec<String>)]) -> Option<Edit> {
    let first = changes.iter().map(|(named, _)| named.line).min()?;
    let last = changes.iter().map(|(named, _)| named.line).max()?;
    let texts = case.workspace.lines(case.dockerfile_path);
    let mut new: Vec<String> = Vec::new();
    for line in first..=last {
        let text = *texts.get(line - 1)?;
        let mut own: Vec<&(Named, Vec<String>)> = changes.iter().filter(|(named, _)| named.line == line).collect();
        own.sort_by_key(|(named, _)| std::cmp::Reverse(named.range.start));
        let mut out = text.to_owned();
        for (named, words) in own {
            if out.get(named.range.clone()) != Some(named.written.as_str()) {
                return None;
            }
            out.replace_range(named.range.clone(), &words.join(" "));
        }
        let rest = out.trim().trim_end_matches(case.dockerfile.escape());
        if rest.trim().is_empty()
            && !text.trim().is_empty()
            && out != text
            && out.trim_end().ends_with(case.dockerfile.escape())
        {
            continue;
        }
        new.push(if words_gone(changes, line) { squeezed(&out) } else { out });
    }
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    if new.is_empty() && first > 1 {
        return Edit::delete(case.workspace, case.dockerfile_path, first, last);
    }
    Edit::replace(case.workspace, case.dockerfile_path, first, last, &new)
}

fn words_gone(changes: &[(Named, Vec<String>)], line: usize) -> bool {
    changes.iter().any(|(named, words)| named.line == line && words.is_empty())
}

/// Indentation kept, runs of blanks after it made one.
fn squeezed(text: &str) -> String {
    let indent = &text[..text.len() - text.trim_start().len()];
    format!("{indent}{}", text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Installs `packages` so that instruction `index` finds them: in its own install command when that comes first, in an
/// earlier one of its stage, else in a RUN of its own before it. `None` when the base image's manager is not known.
pub fn provide(case: &Case<'_>, index: usize, packages: &[&str]) -> Option<Edit> {
    let family = family_at(case, index)?;
    let stage = case.dockerfile.stages().into_iter().nth(case.dockerfile.stage_of(index)?)?;
    let manager: &[&str] = match family {
        Family::Debian => &["apt-get", "apt"],
        Family::Alpine => &["apk"],
        Family::RedHat => &["dnf", "yum", "microdnf"],
    };
    let hosts = |at: &usize| named(case, *at).iter().any(|each| manager.contains(&each.manager.as_str()));
    let host = stage.instructions.clone().filter(|at| *at < index).rev().find(hosts);
    if let Some(host) = host {
        return add_to(case, host, packages, manager);
    }
    let place = stage
        .instructions
        .clone()
        .find(|at| case.dockerfile.instructions()[*at].keyword == "USER")
        .filter(|at| *at < index)
        .unwrap_or(index);
    let list = packages.join(" ");
    let line = match family {
        Family::Debian => format!(
            "RUN apt-get update && apt-get install -y --no-install-recommends {list} && rm -rf /var/lib/apt/lists/*"
        ),
        Family::Alpine => format!("RUN apk add --no-cache {list}"),
        Family::RedHat => format!("RUN {} install -y {list}", if minimal(case, index) { "microdnf" } else { "yum" }),
    };
    edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, place, &[&line])
}

/// Adds packages to the install command of instruction `index`.
pub fn add_to(case: &Case<'_>, index: usize, packages: &[&str], manager: &[&str]) -> Option<Edit> {
    if manager.contains(&"apt-get") {
        let edit = edit::add_apt_packages(case.workspace, case.dockerfile_path, case.dockerfile, index, packages);
        if edit.is_some() {
            return edit;
        }
    }
    let installs = named(case, index);
    let last = installs.iter().rfind(|each| manager.contains(&each.manager.as_str()))?;
    let known = |name: &&str| !installs.iter().any(|each| each.name == **name);
    let missing: Vec<String> = packages.iter().copied().filter(known).map(str::to_owned).collect();
    if missing.is_empty() {
        return None;
    }
    let words: Vec<String> = [last.written.clone()].into_iter().chain(missing).collect();
    rewrite(case, &[(last.clone(), words)])
}

fn minimal(case: &Case<'_>, index: usize) -> bool {
    base::of(case, index).is_some_and(|base| base.image.repository.contains("minimal"))
}

/// The family of the image under `index`: by its name, else by the managers its stage uses without trouble.
pub fn family_at(case: &Case<'_>, index: usize) -> Option<Family> {
    if let Some(family) = base::of(case, index).and_then(|base| base.family()) {
        return Some(family);
    }
    let stage = case.dockerfile.stages().into_iter().nth(case.dockerfile.stage_of(index)?)?;
    stage.instructions.filter(|at| *at < index).flat_map(|at| named(case, at)).find_map(|each| {
        match each.manager.as_str() {
            "apt-get" | "apt" | "aptitude" => Some(Family::Debian),
            "apk" => Some(Family::Alpine),
            "yum" | "dnf" | "microdnf" => Some(Family::RedHat),
            _ => None,
        }
    })
}

/// Whether instruction `index` refreshes the package lists itself.
pub fn updates_lists(case: &Case<'_>, index: usize) -> bool {
    let args = case.dockerfile.instructions().get(index).map_or("", |instruction| instruction.args.as_str());
    let mut words = args.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if matches!(word, "apt-get" | "apt" | "aptitude") {
            while words.peek().is_some_and(|next| next.starts_with('-')) {
                words.next();
            }
            if words.peek().is_some_and(|next| next.trim_end_matches(';') == "update") {
                return true;
            }
        }
    }
    false
}

/// Puts `apt-get update &&` before the first apt install command of instruction `index`.
pub fn refresh_first(case: &Case<'_>, index: usize) -> Option<Edit> {
    let first = named(case, index).into_iter().find(|each| matches!(each.manager.as_str(), "apt-get" | "apt"))?;
    let instruction = case.dockerfile.instructions().get(index)?;
    let texts = case.workspace.lines(case.dockerfile_path);
    // The command may start on an earlier line than its first package.
    (instruction.first_line..=first.line).rev().find_map(|line| {
        let text = *texts.get(line - 1)?;
        let upto = if line == first.line { first.range.start } else { text.len() };
        let at = text[..upto].rfind(&format!("{} ", first.manager))?;
        let sudo = if text[..at].trim_end().ends_with("sudo") { "sudo " } else { "" };
        let new = format!("{}{} update && {sudo}{}", &text[..at], first.manager, &text[at..]);
        Edit::replace(case.workspace, case.dockerfile_path, line, line, &[&new])
    })
}
