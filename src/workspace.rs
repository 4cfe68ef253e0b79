//! The files that may be read and edited: path → bytes, as one commit (or working tree) holds them.

use std::collections::BTreeMap;

pub mod path;

/// A file's content and the one permission git keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub content: Content,
    pub executable: bool,
}

/// What a workspace knows of a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Bytes(Vec<u8>),
    /// Too large to be of interest; only the size was read.
    Unread {
        size_bytes: u64,
    },
    /// A symbolic link and where it points. Never followed, never edited.
    Link(String),
    /// A submodule: a folder whose content is elsewhere.
    Submodule,
}

/// A set of files by path relative to the repository, `/`-separated, never starting with `/` or `.`-segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    files: BTreeMap<String, File>,
}

impl Workspace {
    /// A workspace of text files, for examples and tests.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut workspace = Self::default();
        for (path, text) in files {
            workspace.insert(path, File { content: Content::Bytes(text.as_bytes().to_vec()), executable: false });
        }
        workspace
    }

    pub fn insert(&mut self, path: &str, file: File) {
        self.files.insert(path.to_owned(), file);
    }

    pub fn remove(&mut self, path: &str) -> Option<File> {
        self.files.remove(path)
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The bytes of `path`, if it is an ordinary file that was read.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        match &self.files.get(path)?.content {
            Content::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text of `path`; `None` when absent, unread or not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(path)?).ok()
    }

    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether `folder` (no trailing slash; empty = top) holds at least one file.
    pub fn has_folder(&self, folder: &str) -> bool {
        folder.is_empty() || self.under(folder).next().is_some()
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Paths below `folder` (no trailing slash), sorted.
    pub fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.paths().filter(move |path| {
            folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Lines of a text file, without terminators.
    pub fn lines<'a>(&'a self, path: &str) -> Vec<&'a str> {
        let body = |line: &'a str| {
            let line = line.strip_suffix('\n').unwrap_or(line);
            line.strip_suffix('\r').unwrap_or(line)
        };
        self.text(path).map(|text| text.split_inclusive('\n').map(body).collect()).unwrap_or_default()
    }

    /// Paths whose bytes or permission differ between `self` and `other`, present in either.
    pub fn changed(&self, other: &Self) -> Vec<String> {
        let mut paths: Vec<&String> = self.files.keys().chain(other.files.keys()).collect();
        paths.sort();
        paths.dedup();
        paths.into_iter().filter(|path| self.files.get(*path) != other.files.get(*path)).cloned().collect()
    }

    /// A unified diff from `self` to `after`, three lines of context, as git prints it.
    pub fn diff(&self, after: &Self) -> String {
        let mut out = String::new();
        for path in self.changed(after) {
            let (old, new) = (self.files.get(&path), after.files.get(&path));
            let text = |file: Option<&File>| match file.map(|file| &file.content) {
                Some(Content::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            };
            if let (Some(old), Some(new)) = (old, new)
                && old.executable != new.executable
            {
                let mode = |file: &File| if file.executable { "100755" } else { "100644" };
                out.push_str(&format!("old mode {} {path}\nnew mode {} {path}\n", mode(old), mode(new)));
            }
            let from = if old.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
            let to = if new.is_some() { format!("b/{path}") } else { "/dev/null".to_owned() };
            if old.is_none() && text(new).is_empty() {
                out.push_str(&format!("new empty file {path}\n"));
            }
            let (old, new) = (text(old), text(new));
            out.push_str(&similar::TextDiff::from_lines(&old, &new).unified_diff().header(&from, &to).to_string());
        }
        out
    }
}
