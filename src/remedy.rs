//! A remedy: what would mend a failure, as edits that are data. `apply` is the only place that carries them out.

use serde::{Deserialize, Serialize};

use crate::workspace::{Content, File, Workspace};

mod protected;

pub use protected::is_test;

/// How far a remedy may go without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// Cannot change a service that works.
    Apply,
    /// Only after a proof: resolver, trial build, or the platform's own verdict.
    Rehearse,
    /// Shown to a person, never applied unattended.
    Suggest,
}

/// One way to mend a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// Stable within its class: the track record is kept under `class/id`.
    pub id: String,
    /// An imperative sentence without full stop: what is changed.
    pub title: String,
    /// Why this mends it and keeps the intent.
    pub why: String,
    pub applicability: Applicability,
    pub edits: Vec<Edit>,
}

/// A change of one file. Names exactly what it expects to find, so it can be refused when that has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "kebab-case")]
pub enum Edit {
    /// The lines `old`, standing at `line` (from 1), become `new`. All other bytes stay.
    Lines { path: String, line: usize, old: Vec<String>, new: Vec<String> },
    /// A new file; refused when `path` exists.
    Create { path: String, text: String },
    /// Gives `path` the executable bit.
    Executable { path: String },
    /// Turns the CRLF line ends of `path` into LF.
    LineFeeds { path: String },
}

/// Why an edit was refused. Nothing is changed then.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    #[error("`{path}` is not an editable file of the repository")]
    NoSuchFile { path: String },
    #[error("`{path}` no longer reads as expected at line {line}")]
    Moved { path: String, line: usize },
    #[error("the edit of `{path}` at line {line} is already there")]
    AlreadyApplied { path: String, line: usize },
    #[error("`{path}` exists already")]
    Exists { path: String },
    #[error("`{path}` may not be edited: {why}")]
    Forbidden { path: String, why: &'static str },
}

impl Edit {
    pub fn path(&self) -> &str {
        match self {
            Self::Lines { path, .. }
            | Self::Create { path, .. }
            | Self::Executable { path }
            | Self::LineFeeds { path } => path,
        }
    }

    /// The lines (from 1) that this edit needs as they are; all of them, where it is about the whole file.
    pub fn lines(&self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Lines { line, old, .. } => *line..=line + old.len().saturating_sub(1),
            Self::Create { .. } | Self::Executable { .. } | Self::LineFeeds { .. } => 1..=usize::MAX,
        }
    }

    /// Lines `first..=last` (from 1) of `path` become `new`. `None` when the workspace has no such lines, or they read so.
    pub fn replace(workspace: &Workspace, path: &str, first: usize, last: usize, new: &[&str]) -> Option<Self> {
        settled(workspace, path, first, last, new)
    }

    /// `new` follows line `line` (from 1).
    pub fn insert_after(workspace: &Workspace, path: &str, line: usize, new: &[&str]) -> Option<Self> {
        let old = span(workspace, path, line, line).filter(|_| is_addition(new))?;
        let new = old.iter().cloned().chain(new.iter().map(|line| (*line).into())).collect();
        Some(Self::Lines { path: path.into(), line, old, new })
    }

    /// `new` goes before line `line` (from 1).
    pub fn insert_before(workspace: &Workspace, path: &str, line: usize, new: &[&str]) -> Option<Self> {
        let old = span(workspace, path, line, line).filter(|_| is_addition(new))?;
        let new = new.iter().map(|line| (*line).into()).chain(old.iter().cloned()).collect();
        Some(Self::Lines { path: path.into(), line, old, new })
    }

    /// `new` becomes the last lines of `path`.
    pub fn append(workspace: &Workspace, path: &str, new: &[&str]) -> Option<Self> {
        match workspace.lines(path).len() {
            0 => workspace.text(path).map(|_| Self::Lines {
                path: path.into(),
                line: 1,
                old: vec![],
                new: new.iter().map(|line| (*line).into()).collect(),
            }),
            last => Self::insert_after(workspace, path, last, new),
        }
    }

    /// Lines `first..=last` go.
    pub fn delete(workspace: &Workspace, path: &str, first: usize, last: usize) -> Option<Self> {
        settled(workspace, path, first, last, &[])
    }

    /// How many lines a person has to read to review this edit.
    pub fn lines_changed(&self) -> usize {
        match self {
            Self::Lines { old, new, .. } => {
                let kept = new.iter().filter(|line| old.contains(line)).count();
                old.len().saturating_sub(kept) + new.len().saturating_sub(kept)
            }
            Self::Create { text, .. } => text.lines().count().max(1),
            Self::Executable { .. } | Self::LineFeeds { .. } => 1,
        }
    }
}

/// Lines `first..=last` become `new`, with as many neighbouring lines named as it takes for the edit not to fit twice.
///
/// Of two equal lines one is to go: without a neighbour that tells them apart, the edit would take the other one, too.
fn settled(workspace: &Workspace, path: &str, first: usize, last: usize, new: &[&str]) -> Option<Edit> {
    let bytes = workspace.bytes(path)?;
    let lines = workspace.lines(path);
    if span(workspace, path, first, last)? == new || new.iter().any(|line| ends_anew(line)) {
        return None;
    }
    let (mut from, mut to) = (first, last);
    if new.is_empty() {
        (from, to) = if first > 1 { (first - 1, last) } else { (first, (last + 1).min(lines.len())) };
    }
    loop {
        let old = span(workspace, path, from, to)?;
        let before = lines[from - 1..first - 1].iter().chain(new).chain(&lines[last..to]);
        let new: Vec<String> = before.map(|line| (*line).to_owned()).collect();
        let again =
            replace_lines(bytes, from, &old, &new).is_ok_and(|once| replace_lines(&once, from, &old, &new).is_ok());
        if !again || (from, to) == (1, lines.len()) {
            return Some(Edit::Lines { path: path.into(), line: from, old, new });
        }
        (from, to) = ((from - 1).max(1), (to + 1).min(lines.len()));
    }
}

/// A line that ends with a carriage return would read back without it.
fn ends_anew(line: &str) -> bool {
    line.ends_with('\r')
}

fn is_addition(new: &[&str]) -> bool {
    !new.is_empty() && !new.iter().any(|line| ends_anew(line))
}

fn span(workspace: &Workspace, path: &str, first: usize, last: usize) -> Option<Vec<String>> {
    let lines = workspace.lines(path);
    let slice = lines.get(first.checked_sub(1)?..last)?;
    (!slice.is_empty()).then(|| slice.iter().map(|line| (*line).to_owned()).collect())
}

/// Whether no remedy may touch `path`: it lies elsewhere, belongs to git or CI, or holds secrets.
pub fn is_protected(path: &str, workspace: &Workspace) -> bool {
    protected::check(path, workspace).is_err()
}

/// Carries out `edits` in order on a copy of `workspace`; all or nothing.
///
/// Line numbers of an edit are those of the file *before* any of these edits: what earlier edits of the same file add or
/// take away above it is counted in.
///
/// # Errors
/// [`Refused`] names the first edit that does not fit.
pub fn apply(edits: &[Edit], workspace: &Workspace) -> Result<Workspace, Refused> {
    let mut result = workspace.clone();
    for (index, edit) in edits.iter().enumerate() {
        protected::check(edit.path(), &result)?;
        apply_one(edit, shift(&edits[..index], edit), &mut result)?;
    }
    Ok(result)
}

/// By how many lines `earlier` edits have moved what `edit` names.
fn shift(earlier: &[Edit], edit: &Edit) -> isize {
    let Edit::Lines { path: own, line: at, .. } = edit else { return 0 };
    let moves = earlier.iter().map(|each| match each {
        Edit::Lines { path, line, old, new } if path == own && line < at => new.len() as isize - old.len() as isize,
        _ => 0,
    });
    moves.sum()
}

fn apply_one(edit: &Edit, shift: isize, workspace: &mut Workspace) -> Result<(), Refused> {
    let path = edit.path();
    let missing = || Refused::NoSuchFile { path: path.to_owned() };
    let new = match edit {
        Edit::Create { text, .. } => {
            if workspace.contains(path) || workspace.has_folder(path) {
                return Err(Refused::Exists { path: path.to_owned() });
            }
            File { content: Content::Bytes(text.clone().into_bytes()), executable: text.starts_with("#!") }
        }
        Edit::Executable { .. } => {
            let file = workspace.file(path).ok_or_else(missing)?;
            if file.executable {
                return Err(Refused::AlreadyApplied { path: path.to_owned(), line: 1 });
            }
            File { executable: true, ..file.clone() }
        }
        Edit::LineFeeds { .. } => {
            let bytes = workspace.bytes(path).ok_or_else(missing)?;
            let lines = split(bytes);
            if !lines.iter().any(|line| line.ends_with(b"\r\n")) {
                return Err(Refused::AlreadyApplied { path: path.to_owned(), line: 1 });
            }
            let joined = lines
                .iter()
                .flat_map(|line| match line.strip_suffix(b"\r\n") {
                    Some(body) => [body, b"\n"],
                    None => [*line, b""],
                })
                .flatten()
                .copied()
                .collect();
            File { content: Content::Bytes(joined), executable: executable(workspace, path) }
        }
        Edit::Lines { line, old, new, .. } => {
            let bytes = workspace.bytes(path).ok_or_else(missing)?;
            let bytes =
                replace_lines(bytes, line.saturating_add_signed(shift), old, new).map_err(|miss| match miss {
                    Miss::Moved => Refused::Moved { path: path.to_owned(), line: *line },
                    Miss::Already => Refused::AlreadyApplied { path: path.to_owned(), line: *line },
                })?;
            File { content: Content::Bytes(bytes), executable: executable(workspace, path) }
        }
    };
    workspace.insert(path, new);
    Ok(())
}

fn executable(workspace: &Workspace, path: &str) -> bool {
    workspace.file(path).is_some_and(|file| file.executable)
}

enum Miss {
    Moved,
    Already,
}

/// Lines with their terminators.
fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn body(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn replace_lines(bytes: &[u8], line: usize, old: &[String], new: &[String]) -> Result<Vec<u8>, Miss> {
    let lines = split(bytes);
    let stands = |at: usize, wanted: &[String]| {
        !wanted.is_empty()
            && lines
                .get(at..at + wanted.len())
                .is_some_and(|have| have.iter().zip(wanted).all(|(have, want)| body(have) == want.as_bytes()))
    };
    let wished = line.saturating_sub(1);
    // The old text at `at` is a part of the new text: the edit kept it, and is done.
    let is_done = |at: usize| {
        (at.saturating_sub(new.len())..=at).any(|from| {
            new.get(at - from..).is_some_and(|rest| rest.len() >= old.len() && rest[..old.len()] == *old)
                && new.len() > old.len()
                && stands(from, new)
        })
    };
    let at = if old == new {
        return Err(Miss::Already);
    } else if old.is_empty() && lines.is_empty() {
        0
    } else if stands(wished, old) {
        wished
    } else if stands(wished, new) {
        return Err(Miss::Already);
    } else {
        let mut places = (0..lines.len()).filter(|at| stands(*at, old));
        match (places.next(), places.next()) {
            (Some(at), None) => at,
            _ => return Err(Miss::Moved),
        }
    };
    if is_done(at) {
        return Err(Miss::Already);
    }
    let end_of_line: &[u8] = if lines.first().is_some_and(|line| line.ends_with(b"\r\n")) { b"\r\n" } else { b"\n" };
    let replaced = &lines[at..at + old.len()];
    let closes = replaced.last().is_none_or(|line| line.ends_with(b"\n"));
    let mut out: Vec<u8> = lines[..at].concat();
    for (index, text) in new.iter().enumerate() {
        let is_last = index + 1 == new.len();
        // A line that stays keeps its own terminator, whatever the rest of the file uses.
        let same = |have: &&&[u8]| body(have) == text.as_bytes();
        let ended = replaced.iter().find(|have| same(have) && have.ends_with(b"\n"));
        match ended.or_else(|| replaced.iter().find(same)) {
            Some(have) => out.extend_from_slice(have),
            None => out.extend_from_slice(text.as_bytes()),
        }
        // An empty line is only there if it is ended.
        let may_stay_open = is_last && !closes && !text.is_empty();
        if ended.is_none() && !may_stay_open {
            out.extend_from_slice(if out.ends_with(b"\r") { b"\n" } else { end_of_line });
        }
    }
    out.extend_from_slice(&lines[at + old.len()..].concat());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, edit: impl Fn(&Workspace) -> Option<Edit>, after: &str) {
        let workspace = Workspace::of(&[("f", before)]);
        let edit = edit(&workspace).expect("the edit can be made");
        let once = apply(std::slice::from_ref(&edit), &workspace).expect("the edit fits");
        assert_eq!(once.text("f"), Some(after));
        assert!(apply(&[edit], &once).is_err(), "an edit must not fit twice");
    }

    #[test]
    fn an_edit_changes_the_lines_it_names_and_no_others() {
        check("a\nb\nc\n", |w| Edit::replace(w, "f", 2, 2, &["B"]), "a\nB\nc\n");
        check("a\r\nb\r\nc", |w| Edit::replace(w, "f", 3, 3, &["C", "D"]), "a\r\nb\r\nC\r\nD");
        check("a\nb", |w| Edit::insert_after(w, "f", 2, &["c"]), "a\nb\nc");
        check("a\nb\n", |w| Edit::insert_before(w, "f", 1, &["z"]), "z\na\nb\n");
        check("a\nb\na\n", |w| Edit::delete(w, "f", 3, 3), "a\nb\n");
        check("a\nb\n", |w| Edit::delete(w, "f", 1, 1), "b\n");
        check("only\n", |w| Edit::delete(w, "f", 1, 1), "");
    }

    #[test]
    fn an_edit_never_fits_twice_even_among_equal_lines() {
        check("a\na\na\n", |w| Edit::delete(w, "f", 2, 2), "a\na\n");
        check("x\na\ny\na\n", |w| Edit::replace(w, "f", 2, 2, &["b"]), "x\nb\ny\na\n");
        check("a\nb\na\nb\na\n", |w| Edit::replace(w, "f", 3, 4, &["a"]), "a\nb\na\na\n");
        check("a\r\nb\r", |w| Edit::replace(w, "f", 2, 2, &["c"]), "a\r\nc");
        check("a\n\r", |w| Edit::append(w, "f", &["b"]), "a\n\r\nb");
        check("a\r\n\r\r\r", |w| Edit::append(w, "f", &["b"]), "a\r\n\r\r\r\nb");
        check("a\nb", |w| Edit::replace(w, "f", 2, 2, &["c", ""]), "a\nc\n\n");
    }

    #[test]
    fn an_edit_that_changes_nothing_is_none() {
        let workspace = Workspace::of(&[("f", "a\nb\n")]);
        assert_eq!(Edit::replace(&workspace, "f", 1, 1, &["a"]), None);
        assert_eq!(Edit::insert_after(&workspace, "f", 1, &[]), None);
        assert_eq!(Edit::insert_after(&workspace, "f", 1, &["b\r"]), None, "it would read back as another line");
    }

    #[test]
    fn a_later_edit_is_moved_by_earlier_ones_of_the_same_file() {
        let workspace = Workspace::of(&[("f", "a\nb\na\nb\n")]);
        let first = Edit::insert_before(&workspace, "f", 1, &["x", "y"]).expect("edit");
        let second = Edit::replace(&workspace, "f", 4, 4, &["B"]).expect("edit");
        assert_eq!(apply(&[first, second], &workspace).expect("fits").text("f"), Some("x\ny\na\nb\na\nB\n"));
    }

    #[test]
    fn an_edit_follows_its_lines_when_the_file_grew_above_them() {
        let edit = Edit::replace(&Workspace::of(&[("f", "a\nb\n")]), "f", 2, 2, &["B"]).expect("edit");
        let grown = Workspace::of(&[("f", "new\na\nb\n")]);
        assert_eq!(apply(&[edit], &grown).expect("fits").text("f"), Some("new\na\nB\n"));
    }
}
