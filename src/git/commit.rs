//! Committing: a new commit from a parent's tree and the changed paths alone. No ref, index or file is touched.

use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{AttrCheckFlags, FileMode, Repository, Signature};

use super::sign::{self, Draft};
use super::tree::{Entry, MODE_EXECUTABLE, MODE_FILE, MODE_LINK, Standing};
use super::{GitError, Repo, find};
use crate::service::Commit;
use crate::workspace::{Content, File, Workspace};

/// Who commits when the user has not told git who they are.
const FALLBACK: (&str, &str) = ("domain-runner", "domain-runner@localhost");

/// What becomes of one path.
type Change = (String, Option<Entry>);

impl Repo {
    /// Commits the difference of `before` and `after` onto `parent`. The bytes are written as they are, without filters.
    ///
    /// # Errors
    /// `FileMoved` when `before` is not what `parent` holds under a changed path, so nobody else's change is undone.
    pub fn commit_workspace_change(
        &self,
        parent: &Commit,
        before: &Workspace,
        after: &Workspace,
        message: &str,
    ) -> Result<Commit, GitError> {
        let repo = self.repository()?;
        let tree = find(&repo, parent)?.tree().map_err(GitError::library("read a commit"))?;
        let mut changes = vec![];
        for path in before.changed(after) {
            let held = entry_of(&tree, &path);
            if !reads(&repo, held, before.file(&path)) {
                return Err(GitError::FileMoved { path, commit: parent.clone() });
            }
            let new = after.file(&path).map(|file| store(&repo, held, &path, file)).transpose()?;
            changes.push((path, new));
        }
        self.record(&repo, parent, &tree, &changes, message)
    }

    /// Commits the tracked `paths` as they stand in the work tree onto `parent`.
    ///
    /// # Errors
    /// A path is not tracked, is no file, or goes through a filter driver such as LFS that only git itself can run.
    pub fn commit_changes_of_tracked(
        &self,
        parent: &Commit,
        paths: &[String],
        message: &str,
    ) -> Result<Commit, GitError> {
        let repo = self.repository()?;
        let tree = find(&repo, parent)?.tree().map_err(GitError::library("read a commit"))?;
        let index = repo.index().map_err(GitError::library("read the index"))?;
        let keeps_modes = repo.config().and_then(|config| config.get_bool("core.fileMode")).unwrap_or(true);
        let mut changes = vec![];
        for path in paths {
            let refuse = |why| Err(GitError::Uncommittable { path: path.clone(), why });
            let staged = index.get_path(Path::new(path), 0).map(|entry| Entry::new(entry.id, entry.mode));
            let held = entry_of(&tree, path);
            let new = match self.standing(&repo, path)? {
                _ if staged.or(held).is_none() => return refuse("git does not track it"),
                _ if is_filtered(&repo, path) => return refuse("it goes through a filter driver; commit it yourself"),
                Standing::Other(why) => return refuse(why),
                Standing::Absent => None,
                Standing::Is(entry) if keeps_modes || !entry.is_file() => Some(entry),
                Standing::Is(entry) => Some(Entry { mode: staged.or(held).map_or(entry.mode, |e| e.mode), ..entry }),
            };
            changes.push((path.clone(), new));
        }
        self.record(&repo, parent, &tree, &changes, message)
    }
}

/// Whether the user's git runs a program of its own over `path`, which libgit2 cannot.
pub(super) fn is_filtered(repo: &Repository, path: &str) -> bool {
    let filter = repo.get_attr(Path::new(path), "filter", AttrCheckFlags::FILE_THEN_INDEX);
    filter
        .ok()
        .flatten()
        .is_some_and(|name| !matches!(git2::AttrValue::from_string(Some(name)), git2::AttrValue::False))
}

/// The tree of `onto` with `changes` made.
pub(super) fn changed_tree(
    repo: &Repository,
    onto: &git2::Tree<'_>,
    changes: &[Change],
) -> Result<git2::Oid, GitError> {
    let mut builder = TreeUpdateBuilder::new();
    for (path, new) in changes {
        match new {
            Some(entry) => builder.upsert(path.as_str(), entry.id, file_mode(entry.mode)),
            None if entry_of(onto, path).is_some() => builder.remove(path.as_str()),
            None => &mut builder,
        };
    }
    builder.create_updated(repo, onto).map_err(GitError::library("build a tree"))
}

impl Repo {
    fn record(
        &self,
        repo: &Repository,
        parent: &Commit,
        onto: &git2::Tree<'_>,
        changes: &[Change],
        message: &str,
    ) -> Result<Commit, GitError> {
        let id = changed_tree(repo, onto, changes)?;
        if id == onto.id() {
            return Err(GitError::NothingToCommit);
        }
        let act = "write a commit";
        let tree = repo.find_tree(id).map_err(GitError::library(act))?;
        let parent = find(repo, parent)?;
        let fallback = || Signature::now(FALLBACK.0, FALLBACK.1);
        let author = repo.author_from_env().or_else(|_| fallback()).map_err(GitError::library(act))?;
        let committer = repo.committer_from_env().or_else(|_| fallback()).map_err(GitError::library(act))?;
        // git ends every message with a line end, and its format has no room for NUL.
        let message = format!("{}\n", message.replace('\0', "").trim_end());
        let id = if sign::is_wanted(repo) {
            let (author, committer, message) = (&author, &committer, message.as_str());
            self.write_signed(&Draft { tree: id, parent: parent.id(), author, committer, message })?
        } else {
            let id = repo.commit(None, &author, &committer, &message, &tree, &[&parent]);
            id.map_err(GitError::library(act))?
        };
        Ok(Commit(id.to_string()))
    }
}

fn entry_of(tree: &git2::Tree<'_>, path: &str) -> Option<Entry> {
    let entry = tree.get_path(Path::new(path)).ok()?;
    let mode = u32::try_from(entry.filemode_raw()).ok()?;
    (mode & 0o170_000 != 0o040_000).then(|| Entry::new(entry.id(), mode))
}

/// Whether the tree's entry is what the workspace says. Content that was not read is taken on trust.
fn reads(repo: &Repository, held: Option<Entry>, file: Option<&File>) -> bool {
    match (held, file) {
        (None, None) => true,
        (Some(entry), Some(file)) => match &file.content {
            Content::Bytes(bytes) => {
                entry.is_file()
                    && file.executable == (entry.mode == MODE_EXECUTABLE)
                    && repo.find_blob(entry.id).is_ok_and(|blob| blob.content() == bytes.as_slice())
            }
            Content::Unread { .. } => entry.is_file(),
            Content::Link(_) => entry.mode == MODE_LINK,
            Content::Submodule => !entry.is_file() && entry.mode != MODE_LINK,
        },
        _ => false,
    }
}

fn store(repo: &Repository, held: Option<Entry>, path: &str, file: &File) -> Result<Entry, GitError> {
    let refuse = |why| Err(GitError::Uncommittable { path: path.to_owned(), why });
    let inside = path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git"));
    if !inside || path.contains('\0') {
        return refuse("it lies outside the repository");
    }
    let mode = if file.executable { MODE_EXECUTABLE } else { MODE_FILE };
    let blob = |bytes: &[u8]| repo.blob(bytes).map_err(GitError::library("store a file"));
    match (&file.content, held) {
        (Content::Bytes(bytes), _) => Ok(Entry { id: blob(bytes)?, mode }),
        (Content::Link(target), _) => Ok(Entry { id: blob(target.as_bytes())?, mode: MODE_LINK }),
        // Only the permission can have changed.
        (Content::Unread { .. }, Some(held)) if held.is_file() => Ok(Entry { mode, ..held }),
        (Content::Unread { .. }, _) => refuse("its content was not read"),
        (Content::Submodule, _) => refuse("it is a submodule"),
    }
}

fn file_mode(mode: u32) -> FileMode {
    match mode {
        MODE_EXECUTABLE => FileMode::BlobExecutable,
        MODE_LINK => FileMode::Link,
        MODE_FILE => FileMode::Blob,
        _ => FileMode::Commit,
    }
}
