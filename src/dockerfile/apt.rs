//! Where an `apt-get install` lists its packages, and in which style.

use std::ops::Range;

use super::{Dockerfile, Instruction};

/// A package on a line of its own.
pub(super) struct Row {
    pub(super) line: usize,
    indent: String,
    name: String,
    /// What follows the name: nothing, or the continuation.
    tail: String,
}

/// Where the packages of the first `apt-get install` or `apt install` that names any stand in `args`.
///
/// `None` also when quotes or `$(…)` make it unclear where the list ends.
pub(super) fn install_of(args: &str) -> Option<Vec<Range<usize>>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut state = State::Elsewhere;
    for range in tokens(args) {
        let token = &args[range.clone()];
        // The `2` of `2>/dev/null` is no package.
        let is_descriptor = |last: &Range<usize>| {
            last.end == range.start && args[last.clone()].bytes().all(|byte| byte.is_ascii_digit())
        };
        if token.starts_with(['>', '<']) && found.last().is_some_and(is_descriptor) {
            found.pop();
        }
        state = match (state, token) {
            (State::Installing, _) if ends_command(token) && !found.is_empty() => break,
            (_, _) if ends_command(token) => State::Elsewhere,
            (State::Elsewhere, "apt-get" | "apt") => State::Apt,
            (State::Apt, "install") => State::Installing,
            (State::Apt, option) if option.starts_with('-') || option.contains('=') => State::Apt,
            (State::Apt, _) => State::Elsewhere,
            (State::Installing, option) if option.starts_with('-') => State::Installing,
            (State::Installing, _) => {
                found.push(range);
                State::Installing
            }
            (State::Elsewhere, _) => State::Elsewhere,
        };
    }
    let is_clear = |range: &Range<usize>| {
        let token = &args[range.clone()];
        !token.ends_with('$') && ['"', '\'', '`'].iter().all(|quote| token.matches(*quote).count() % 2 == 0)
    };
    (!found.is_empty() && found.iter().all(is_clear)).then_some(found)
}

enum State {
    Elsewhere,
    Apt,
    Installing,
}

fn ends_command(token: &str) -> bool {
    token.starts_with(['&', ';', '|', '>', '<', '(', ')', '#'])
}

/// Words and runs of shell operators.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let is_operator = |character: char| matches!(character, '&' | ';' | '|' | '>' | '<' | '(' | ')');
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut kind = None;
    for (at, character) in text.char_indices() {
        let this = (!character.is_whitespace()).then(|| is_operator(character));
        match (this, ranges.last_mut()) {
            (Some(_), Some(last)) if kind == this => last.end = at + character.len_utf8(),
            (Some(_), _) => ranges.push(at..at + character.len_utf8()),
            (None, _) => {}
        }
        kind = this;
    }
    ranges
}

/// The packages as rows, when every one has a line of its own.
pub(super) fn column(
    dockerfile: &Dockerfile,
    instruction: &Instruction,
    packages: &[Range<usize>],
) -> Option<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for package in packages {
        let place = instruction.place(package.clone())?;
        let line = dockerfile.text()[..place.start].matches('\n').count() + 1;
        let text = dockerfile.line(line)?;
        let name = instruction.args[package.clone()].to_owned();
        let (indent, rest) = text.split_at(text.len() - text.trim_start().len());
        let tail = rest.strip_prefix(&name)?;
        let ends_plainly = tail.trim().is_empty() || tail.trim() == dockerfile.escape().to_string();
        if !ends_plainly || rows.last().is_some_and(|last| last.line + 1 != line) {
            return None;
        }
        rows.push(Row { line, indent: indent.to_owned(), name, tail: tail.to_owned() });
    }
    Some(rows)
}

/// The lines of the column with `missing` in it.
pub(super) fn widened(column: &[Row], missing: &[&str], escape: char) -> Vec<String> {
    let Some((first, last)) = column.first().zip(column.last()) else { return Vec::new() };
    let continued = column
        .iter()
        .find(|row| row.tail.contains(escape))
        .map_or_else(|| format!(" {escape}"), |row| row.tail.clone());
    let mut names: Vec<(&str, &str)> = column.iter().map(|row| (row.indent.as_str(), row.name.as_str())).collect();
    let is_sorted = names.is_sorted_by_key(|(_, name)| *name) && names.len() > 1;
    for package in missing {
        let at = if is_sorted { names.partition_point(|(_, name)| name <= package) } else { names.len() };
        names.insert(at, (first.indent.as_str(), package));
    }
    let end = names.len() - 1;
    let tail_of = |at: usize, name: &str| match column.iter().find(|row| row.name == name) {
        _ if at == end => last.tail.as_str(),
        Some(row) if row.tail.contains(escape) => row.tail.as_str(),
        _ => continued.as_str(),
    };
    names.iter().enumerate().map(|(at, (indent, name))| format!("{indent}{name}{}", tail_of(at, name))).collect()
}
