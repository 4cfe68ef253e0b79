//! Moving the local branch to a new commit, around whatever the user has not committed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{ErrorCode, Index, IndexEntry, IndexEntryExtendedFlag, IndexTime, Oid, Repository, RepositoryState};
use tempfile::TempDir;

use super::commit::{changed_tree, is_filtered};
use super::merge::{Next, next};
use super::tree::{Entry, MODE_EXECUTABLE, MODE_SUBMODULE, Standing};
use super::{GitError, Repo, find, oid};
use crate::service::Commit;

/// What moving the branch meant for the user's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advanced {
    /// Work-tree files that now read as the commit does.
    pub updated: Vec<String>,
    /// Work-tree files in which the commit's change was joined with the user's own.
    pub merged: Vec<String>,
    /// What was left as the user has it.
    pub kept: Vec<Kept>,
}

/// A path left alone, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub path: String,
    pub why: String,
}

/// What the branch's move does to one path.
struct Change {
    path: String,
    base: Option<Entry>,
    new: Option<Entry>,
}

impl Repo {
    /// Moves the local `branch` from `from` to `to`, if it still is at `from`; when it is checked out, index and work
    /// tree follow for exactly the changed paths. What the user has not committed stays, merged by lines where that is
    /// possible. A second call with the same commits completes a first one that was cut short.
    ///
    /// # Errors
    /// The branch moved, has commits that `to` lacks, is checked out elsewhere, or a merge is in progress. Then nothing
    /// was changed.
    pub fn advance(&self, branch: &str, from: &Commit, to: &Commit) -> Result<Advanced, GitError> {
        let repo = self.repository()?;
        let name = format!("refs/heads/{branch}");
        let (old, new) = (oid(from)?, oid(to)?);
        let current = repo.refname_to_id(&name).map_err(|_| GitError::NoSuchBranch { branch: branch.to_owned() })?;
        if current != old && current != new {
            return Err(moved(branch, from, current));
        }
        if old != new && !repo.graph_descendant_of(new, old).map_err(GitError::library("compare commits"))? {
            return Err(GitError::NotForward { branch: branch.to_owned(), to: to.clone() });
        }
        in_progress(&repo)?;
        if let Some(path) = checked_out_elsewhere(&repo, &name) {
            return Err(GitError::CheckedOutElsewhere { branch: branch.to_owned(), path });
        }
        let changes = changes(&repo, from, to)?;
        let is_here = head_text(repo.path()).is_some_and(|head| head == format!("ref: {name}"));
        if !is_here {
            set_branch(&repo, branch, old, new)?;
            return Ok(Advanced::default());
        }
        let mut advanced = Advanced::default();
        let mut index = repo.index().map_err(GitError::library("read the index"))?;
        let files = self.plan_files(&repo, &index, &changes)?;
        let written = smudge(&repo, to, &changes, &files)?;
        let undo = update_index(&repo, &mut index, &changes, &mut advanced)?;
        // Index first: if it cannot be written, HEAD must not have moved, or it would show our change undone.
        if let Err(error) = set_branch(&repo, branch, old, new) {
            restore(&mut index, undo);
            return Err(error);
        }
        self.update_files(&changes, files, written.as_ref().map(TempDir::path), &mut advanced);
        refresh(&mut index, &advanced.updated);
        Ok(advanced)
    }

    /// What becomes of the work-tree file of each change, in order.
    fn plan_files(&self, repo: &Repository, index: &Index, changes: &[Change]) -> Result<Vec<Next>, GitError> {
        let keeps_modes = repo.config().and_then(|config| config.get_bool("core.fileMode")).unwrap_or(true);
        let plan = |change: &Change| {
            let is_submodule = |entry: Option<Entry>| entry.is_some_and(|entry| entry.mode == MODE_SUBMODULE);
            let is_skipped = index
                .get_path(Path::new(&change.path), 0)
                .is_some_and(|entry| entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0);
            if is_skipped || is_submodule(change.base) || is_submodule(change.new) {
                return Ok(Next::Leave);
            }
            if is_filtered(repo, &change.path) {
                return Ok(Next::Keep("it goes through a filter driver: `git checkout` it yourself"));
            }
            match self.standing(repo, &change.path)? {
                Standing::Absent => next(repo, change.base, change.new, None),
                Standing::Other(_) if change.base.is_none() && makes_way(changes, &change.path) => {
                    next(repo, None, change.new, None)
                }
                Standing::Other(why) => Ok(Next::Keep(why)),
                Standing::Is(have) => {
                    let mode = change.base.filter(|_| !keeps_modes && have.is_file()).map_or(have.mode, |e| e.mode);
                    next(repo, change.base, change.new, Some(Entry { mode, ..have }))
                }
            }
        };
        changes.iter().map(plan).collect()
    }

    /// Carries out `files`. One that fails is reported, the others still follow: the branch has moved already.
    fn update_files(&self, changes: &[Change], files: Vec<Next>, written: Option<&Path>, advanced: &mut Advanced) {
        // Deletions first: a folder may take the place of a file.
        let mut planned: Vec<_> = changes.iter().zip(files).collect();
        planned.sort_by_key(|(_, file)| *file != Next::Drop);
        for (change, file) in planned {
            let path = change.path.clone();
            let done = match (file, written) {
                (Next::Drop, _) => self.delete(&path),
                (Next::Put { entry, .. }, Some(folder)) => self.place(&path, &folder.join(&path), entry),
                (Next::Keep(why), _) => {
                    advanced.kept.push(Kept { path, why: why.to_owned() });
                    continue;
                }
                _ => continue,
            };
            match (done, file) {
                (Ok(()), Next::Put { merged: true, .. }) => advanced.merged.push(path),
                (Ok(()), _) => advanced.updated.push(path),
                (Err(error), _) => advanced.kept.push(Kept { path, why: format!("it cannot be written: {error}") }),
            }
        }
        advanced.kept.sort_by(|a, b| a.path.cmp(&b.path));
        advanced.kept.dedup_by(|a, b| a.path == b.path);
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        let full = self.root.join(path);
        fs::remove_file(&full)?;
        let folders = full.ancestors().skip(1).take_while(|folder| *folder != self.root);
        // Empty folders go, as git has it, but not one the user stands in.
        for folder in folders.take_while(|folder| !self.start.starts_with(folder)) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Puts `source`, a file in its work-tree form, to `path` in one step, with the permissions that were there.
    fn place(&self, path: &str, source: &Path, entry: Entry) -> io::Result<()> {
        if entry.is_file() {
            return self.put(path, &fs::read(source)?, entry.mode == MODE_EXECUTABLE);
        }
        let (full, folder) = self.folder_for(path)?;
        let target = fs::read_link(source)?;
        let link =
            tempfile::Builder::new().make_in(self.workshop(&folder)?, |at| std::os::unix::fs::symlink(&target, at))?;
        link.into_temp_path().persist(&full)?;
        Ok(())
    }
}

/// Whether a file goes that is a folder of `path`, or lies below it: file and folder change places.
fn makes_way(changes: &[Change], path: &str) -> bool {
    let is_below = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    let mut going = changes.iter().filter(|change| change.new.is_none());
    going.any(|change| is_below(path, &change.path) || is_below(&change.path, path))
}

fn moved(branch: &str, expected: &Commit, found: Oid) -> GitError {
    GitError::BranchMoved { branch: branch.to_owned(), expected: expected.clone(), found: Commit(found.to_string()) }
}

pub(super) fn in_progress(repo: &Repository) -> Result<(), GitError> {
    let what = match repo.state() {
        RepositoryState::Clean => return Ok(()),
        RepositoryState::Merge => "merge",
        RepositoryState::Revert | RepositoryState::RevertSequence => "revert",
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => "cherry-pick",
        RepositoryState::Bisect => "bisect",
        RepositoryState::ApplyMailbox => "mailbox",
        RepositoryState::Rebase
        | RepositoryState::RebaseInteractive
        | RepositoryState::RebaseMerge
        | RepositoryState::ApplyMailboxOrRebase => "rebase",
    };
    Err(GitError::Busy { what })
}

fn head_text(git_folder: &Path) -> Option<String> {
    Some(fs::read_to_string(git_folder.join("HEAD")).ok()?.trim().to_owned())
}

/// The git folder of another work tree that has the branch checked out.
fn checked_out_elsewhere(repo: &Repository, name: &str) -> Option<PathBuf> {
    let common = repo.commondir();
    let is_bare = repo.config().and_then(|config| config.get_bool("core.bare")).unwrap_or(false);
    let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten().map(|entry| entry.path());
    let main = (!is_bare).then(|| common.to_owned());
    let here = repo.path().canonicalize().ok()?;
    let mut others = main.into_iter().chain(linked).filter(|path| path.canonicalize().is_ok_and(|path| path != here));
    others.find(|path| head_text(path).is_some_and(|head| head == format!("ref: {name}")))
}

fn changes(repo: &Repository, from: &Commit, to: &Commit) -> Result<Vec<Change>, GitError> {
    let act = "compare commits";
    let tree = |commit| find(repo, commit)?.tree().map_err(GitError::library(act));
    let diff = repo.diff_tree_to_tree(Some(&tree(from)?), Some(&tree(to)?), None).map_err(GitError::library(act))?;
    let mut changes: BTreeMap<String, Change> = BTreeMap::new();
    for delta in diff.deltas() {
        let side = |file: git2::DiffFile<'_>| {
            let mode = u32::from(file.mode());
            (file.exists() && mode != 0).then(|| Entry::new(file.id(), mode))
        };
        let path = delta.new_file().path_bytes().or_else(|| delta.old_file().path_bytes()).unwrap_or_default();
        let Ok(path) = String::from_utf8(path.to_vec()) else { continue };
        // A change of type comes as a deletion and an addition of one path.
        let change = changes.entry(path.clone()).or_insert(Change { path, base: None, new: None });
        change.base = change.base.or(side(delta.old_file()));
        change.new = change.new.or(side(delta.new_file()));
    }
    Ok(changes.into_values().collect())
}

fn set_branch(repo: &Repository, branch: &str, old: Oid, new: Oid) -> Result<(), GitError> {
    let name = format!("refs/heads/{branch}");
    if repo.refname_to_id(&name).ok() == Some(new) {
        return Ok(());
    }
    match repo.reference_matching(&name, new, true, old, "domain-runner: fix") {
        Ok(_) => Ok(()),
        Err(error) if error.code() == ErrorCode::Modified => {
            let found = repo.refname_to_id(&name).map_err(GitError::library("read a branch"))?;
            Err(moved(branch, &Commit(old.to_string()), found))
        }
        Err(error) => Err(GitError::library("move a branch")(error)),
    }
}

type Undo = Vec<(String, Option<IndexEntry>)>;

/// Brings the index entries of `changes` to the new commit and writes the index. Returns what was there.
fn update_index(
    repo: &Repository,
    index: &mut Index,
    changes: &[Change],
    advanced: &mut Advanced,
) -> Result<Undo, GitError> {
    let act = "update the index";
    let mut undo = vec![];
    let (deleted, other): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.new.is_none());
    for change in deleted.into_iter().chain(other) {
        let path = Path::new(&change.path);
        let staged = index.get_path(path, 0);
        let in_conflict = staged.is_none() && (1..=3).any(|stage| index.get_path(path, stage).is_some());
        let have = staged.as_ref().map(|entry| Entry::new(entry.id, entry.mode));
        let decided =
            if in_conflict { Next::Keep("it has merge conflicts") } else { next(repo, change.base, change.new, have)? };
        match decided {
            Next::Leave => continue,
            Next::Keep(why) => {
                advanced.kept.push(Kept { path: change.path.clone(), why: why.to_owned() });
                continue;
            }
            Next::Drop => index.remove(path, 0).map_err(GitError::library(act))?,
            Next::Put { entry, .. } => {
                let new = index_entry(&change.path, staged.as_ref(), entry);
                index.add(&new).map_err(GitError::library(act))?;
            }
        }
        undo.push((change.path.clone(), staged));
    }
    if !undo.is_empty() {
        index.write().map_err(GitError::library(act))?;
    }
    Ok(undo)
}

/// An entry without the file's times, so that git looks at the file anew; flags such as skip-worktree stay.
fn index_entry(path: &str, staged: Option<&IndexEntry>, entry: Entry) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: entry.mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id: entry.id,
        flags: staged.map_or(0, |staged| staged.flags),
        flags_extended: staged.map_or(0, |staged| staged.flags_extended),
        path: path.as_bytes().to_vec(),
    }
}

fn restore(index: &mut Index, undo: Undo) {
    for (path, entry) in undo {
        // The branch's own error is what the user needs to hear; this is an attempt.
        let _ = match entry {
            Some(entry) => index.add(&entry),
            None => index.remove(Path::new(&path), 0),
        };
    }
    let _ = index.write();
}

/// Tells the index that these files were just written, so that the next `git status` need not read them.
fn refresh(index: &mut Index, paths: &[String]) {
    for path in paths {
        let at = Path::new(path);
        let Some(staged) = index.get_path(at, 0) else { continue };
        let is_same = index.add_path(at).is_ok() && index.get_path(at, 0).is_some_and(|new| new.id == staged.id);
        if !is_same && index.add(&staged).is_err() {
            return;
        }
    }
    // Without it, git only has to read a few files more.
    let _ = index.write();
}

/// Writes the files to put in their work-tree form (line ends and all) into a folder of their own.
fn smudge(repo: &Repository, to: &Commit, changes: &[Change], files: &[Next]) -> Result<Option<TempDir>, GitError> {
    let puts: Vec<_> = changes
        .iter()
        .zip(files)
        .filter_map(|(change, file)| match file {
            Next::Put { entry, .. } => Some((change.path.clone(), Some(*entry))),
            _ => None,
        })
        .collect();
    // Without a path, libgit2 would check out everything.
    if puts.is_empty() {
        return Ok(None);
    }
    let act = "write the work tree";
    let folder = tempfile::tempdir_in(repo.path()).map_err(|source| GitError::file("write", repo.path(), source))?;
    let tree = find(repo, to)?.tree().map_err(GitError::library(act))?;
    let tree = repo.find_tree(changed_tree(repo, &tree, &puts)?).map_err(GitError::library(act))?;
    let mut checkout = CheckoutBuilder::new();
    checkout.force().update_index(false).refresh(false).disable_pathspec_match(true).target_dir(folder.path());
    for (path, _) in &puts {
        checkout.path(path.as_str());
    }
    repo.checkout_tree(tree.as_object(), Some(&mut checkout)).map_err(GitError::library(act))?;
    for (path, entry) in &puts {
        let file = folder.path().join(path);
        // libgit2 passes over a file that takes the place of a folder.
        if let Some(entry) = entry.filter(|entry| entry.is_file() && !file.exists()) {
            let blob = repo.find_blob(entry.id).map_err(GitError::library(act))?;
            write_plain(&file, blob.content(), entry).map_err(|source| GitError::file("write", &file, source))?;
        }
    }
    Ok(Some(folder))
}

fn write_plain(path: &Path, bytes: &[u8], entry: Entry) -> io::Result<()> {
    let mode = if entry.mode == MODE_EXECUTABLE { 0o777 } else { 0o666 };
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
}
