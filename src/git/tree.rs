//! Reading: a commit, or the tracked files as they stand, as a workspace.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{ErrorCode, Oid, Repository, TreeWalkMode, TreeWalkResult};

use super::{GitError, Repo, find};
use crate::service::Commit;
use crate::workspace::{Content, File, Workspace};
use crate::world;

/// Files larger than this are no source files; only their size is read.
const FILE_BYTES_MAX: usize = 1 << 20;

/// How many files are read, those of the service and those near the top first; the rest is known by name and size.
const FILES_READ_MAX: usize = 50_000;

/// How many bytes are read in all: the program promises to stay below 500 MB, with a before and an after in memory.
const BYTES_READ_MAX: usize = 64 << 20;

/// More paths than this would not fit into memory several times over, as before and after.
const FILES_MAX: usize = 500_000;

pub(super) const MODE_FILE: u32 = 0o100_644;
pub(super) const MODE_EXECUTABLE: u32 = 0o100_755;
pub(super) const MODE_LINK: u32 = 0o120_000;
pub(super) const MODE_SUBMODULE: u32 = 0o160_000;

/// Why a path below a link or file is no place to write to.
pub(super) const BLOCKED: &str = "a folder above it is a link or a file";

/// What git keeps of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: Oid,
    pub mode: u32,
}

impl Entry {
    /// An entry with one of the four modes git still writes; old trees hold others.
    pub fn new(id: Oid, mode: u32) -> Self {
        let mode = match mode & 0o170_000 {
            MODE_LINK => MODE_LINK,
            MODE_SUBMODULE => MODE_SUBMODULE,
            _ if mode & 0o111 != 0 => MODE_EXECUTABLE,
            _ => MODE_FILE,
        };
        Self { id, mode }
    }

    pub fn is_file(self) -> bool {
        matches!(self.mode, MODE_FILE | MODE_EXECUTABLE)
    }
}

/// What stands at a path of the work tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Absent,
    /// As it would be committed: line ends and other built-in filters undone.
    Is(Entry),
    /// Something git cannot keep under this path.
    Other(&'static str),
}

impl Repo {
    /// Lays the files of `commit` into the empty `folder`, as the platform's builder gets them.
    ///
    /// # Errors
    /// The commit cannot be read, or the folder not be written to.
    pub fn lay_out(&self, commit: &Commit, folder: &Path) -> Result<(), GitError> {
        let repo = self.repository()?;
        let tree = find(&repo, commit)?.tree().map_err(GitError::library("read a commit"))?;
        let mut checkout = CheckoutBuilder::new();
        // A build must see the committed bytes, whatever line ends this machine prefers.
        checkout.target_dir(folder).force().update_index(false).disable_filters(true).recreate_missing(true);
        repo.checkout_tree(tree.as_object(), Some(&mut checkout)).map_err(GitError::library("lay out a commit"))
    }

    /// The files of `commit`. Paths that are not UTF-8 are left out: no remedy can name them.
    ///
    /// # Errors
    /// The commit cannot be read.
    pub fn workspace(&self, commit: &Commit) -> Result<Workspace, GitError> {
        let repo = self.repository()?;
        let tree = find(&repo, commit)?.tree().map_err(GitError::library("read a commit"))?;
        let mut entries = vec![];
        let too_many = Cell::new(false);
        let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            if entries.len() >= FILES_MAX {
                too_many.set(true);
                return TreeWalkResult::Abort;
            }
            let mode = u32::try_from(entry.filemode_raw()).unwrap_or(MODE_FILE);
            if mode & 0o170_000 != 0o040_000
                && let Ok(name) = entry.name()
            {
                entries.push((format!("{folder}{name}"), Entry::new(entry.id(), mode)));
            }
            TreeWalkResult::Ok
        });
        if too_many.get() {
            return Err(GitError::TooManyFiles { limit: FILES_MAX });
        }
        walked.map_err(GitError::library("read a commit"))?;
        self.read(&repo, entries)
    }

    /// The tracked files as they stand in the work tree, uncommitted changes included.
    ///
    /// # Errors
    /// The index or a changed file cannot be read.
    pub fn working_workspace(&self) -> Result<Workspace, GitError> {
        let repo = self.repository()?;
        let index = repo.index().map_err(GitError::library("read the index"))?;
        if index.len() > FILES_MAX {
            return Err(GitError::TooManyFiles { limit: FILES_MAX });
        }
        let dirty: BTreeSet<String> = self.dirty()?.into_iter().collect();
        let (mut entries, mut large) = (vec![], vec![]);
        for entry in index.iter() {
            // A path in conflict has up to three entries; what stands in the work tree counts for all.
            let Ok(path) = String::from_utf8(entry.path) else { continue };
            let kept = Entry::new(entry.id, entry.mode);
            if !dirty.contains(&path) {
                entries.push((path, kept));
                continue;
            }
            // Hashing a file stores it; a large one would only fill the user's repository.
            match fs::symlink_metadata(self.root.join(&path)) {
                Ok(meta) if meta.is_file() && meta.len() > FILE_BYTES_MAX as u64 => {
                    let content = Content::Unread { size_bytes: meta.len() };
                    large.push((path, File { content, executable: meta.permissions().mode() & 0o111 != 0 }));
                    continue;
                }
                _ => {}
            }
            if let Standing::Is(entry) = self.standing(&repo, &path)? {
                entries.push((path, entry));
            }
        }
        entries.dedup_by(|a, b| a.0 == b.0);
        let mut workspace = self.read(&repo, entries)?;
        for (path, file) in large {
            workspace.insert(&path, file);
        }
        Ok(workspace)
    }

    /// Tracked files that differ from HEAD, staged or not. Untracked files and submodules do not count.
    ///
    /// # Errors
    /// `git status` fails.
    pub fn dirty(&self) -> Result<Vec<String>, GitError> {
        // The user's `git` knows what libgit2 does not: filter drivers such as LFS, fsmonitor, sparse checkouts.
        let mut command = world::command("git");
        command.arg("-C").arg(&self.root).env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        command.args([
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=no",
            "--ignore-submodules=all",
            "--no-renames",
        ]);
        let output = command.as_std_mut().output().map_err(|source| GitError::NoProgram { source })?;
        if !output.status.success() {
            let words = super::remote::words(&String::from_utf8_lossy(&output.stderr), &[]);
            return Err(GitError::Failed { act: "status", words });
        }
        let records = output.stdout.split(|byte| *byte == 0);
        Ok(records.filter_map(|record| String::from_utf8(record.get(3..)?.to_vec()).ok()).collect())
    }

    /// What stands at `path` of the work tree. Links are never followed.
    pub(super) fn standing(&self, repo: &Repository, path: &str) -> Result<Standing, GitError> {
        let full = self.root.join(path);
        if !self.has_plain_parents(path) {
            return Ok(Standing::Other(BLOCKED));
        }
        let failed = |source| GitError::file("read", &full, source);
        let meta = match fs::symlink_metadata(&full) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Absent),
            Err(error) => return Err(failed(error)),
        };
        if meta.is_symlink() {
            let target = fs::read_link(&full).map_err(failed)?;
            let id = repo.blob(target.as_os_str().as_encoded_bytes()).map_err(GitError::library("store a link"))?;
            return Ok(Standing::Is(Entry::new(id, MODE_LINK)));
        }
        if !meta.is_file() {
            return Ok(Standing::Other("it is a folder or a special file"));
        }
        let id = repo.blob_path(&full).map_err(GitError::library("store a file"))?;
        Ok(Standing::Is(Entry::new(id, meta.permissions().mode())))
    }

    /// Whether every folder above `path` is a folder or yet to be made. A link there would lead elsewhere.
    pub fn has_plain_parents(&self, path: &str) -> bool {
        let folders = Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        let mut existing = folders.filter_map(|folder| fs::symlink_metadata(self.root.join(folder)).ok());
        existing.all(|meta| meta.is_dir())
    }

    fn read(&self, repo: &Repository, mut entries: Vec<(String, Entry)>) -> Result<Workspace, GitError> {
        let prefix = self.prefix();
        let is_ours = |path: &str| prefix.is_empty() || path.strip_prefix(&prefix).is_some_and(|r| r.starts_with('/'));
        entries.sort_by_cached_key(|(path, _)| (!is_ours(path), path.matches('/').count(), path.clone()));
        let odb = repo.odb().map_err(GitError::library("open the object store"))?;
        let (mut workspace, mut files_left, mut bytes_left) = (Workspace::default(), FILES_READ_MAX, BYTES_READ_MAX);
        for (path, entry) in entries {
            let content = if entry.mode == MODE_SUBMODULE {
                Content::Submodule
            } else {
                let size = match odb.read_header(entry.id) {
                    Ok((size, _)) => size,
                    // A partial clone has not fetched it, so nobody has looked at it here.
                    Err(error) if error.code() == ErrorCode::NotFound => 0,
                    Err(error) => return Err(GitError::library("read a file's size")(error)),
                };
                let wanted = odb.exists(entry.id) && size <= FILE_BYTES_MAX && size <= bytes_left && files_left > 0;
                if !wanted && (entry.is_file() || !odb.exists(entry.id)) {
                    Content::Unread { size_bytes: size as u64 }
                } else {
                    let object = odb.read(entry.id).map_err(GitError::library("read a file"))?;
                    if entry.mode == MODE_LINK {
                        Content::Link(String::from_utf8_lossy(object.data()).into_owned())
                    } else {
                        files_left -= 1;
                        bytes_left -= size;
                        Content::Bytes(object.data().to_vec())
                    }
                }
            };
            workspace.insert(&path, File { content, executable: entry.mode == MODE_EXECUTABLE });
        }
        Ok(workspace)
    }
}
