//! git: reads commits, builds fix commits, moves the local branch, and pushes.
//!
//! Commits are made with libgit2 and touch neither the user's index nor their files. Only [`Repo::advance`] does, for
//! exactly the paths that changed. Fetch and push are left to the user's own `git`, so that ssh-agent, credential
//! helpers, proxies and configuration work as they always do.

mod advance;
mod commit;
mod error;
mod merge;
mod remote;
mod sign;
mod tree;
mod work_tree;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository, Sort};

use crate::service::Commit;
use crate::world;

pub use advance::{Advanced, Kept};
pub use error::GitError;
pub use remote::Pushed;

/// How many commits are listed between two: a person reads fewer.
const COMMITS_MAX: usize = 1_000;

/// Hooks of the user's that a commit or push would meet.
const HOOKS: [&str; 5] = ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push"];

/// A repository with a work tree.
///
/// Holds paths only and opens libgit2 for each act: a libgit2 handle must not be shared by tasks, and one that is
/// kept would not see what the user does meanwhile.
#[derive(Debug, Clone)]
pub struct Repo {
    root: PathBuf,
    start: PathBuf,
    token: Option<String>,
}

/// How a local commit stands to the remote branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Same,
    /// The remote lacks this many commits.
    Ahead(usize),
    /// The local branch lacks this many commits.
    Behind(usize),
    Diverged {
        ahead: usize,
        behind: usize,
    },
    /// The remote has no such branch yet.
    RemoteMissing,
}

impl Repo {
    /// The repository that holds `start`.
    ///
    /// # Errors
    /// No repository, a bare one, or one that cannot be read; the message says what to do.
    pub fn open(start: &Path) -> Result<Self, GitError> {
        let missing = || GitError::NotARepository { path: start.to_owned() };
        let start = start.canonicalize().map_err(|_| missing())?;
        let repo = Repository::discover(&start).map_err(|source| GitError::opening(&start, source))?;
        let root = repo.workdir().ok_or_else(|| GitError::Bare { path: repo.path().to_owned() })?;
        let root = root.canonicalize().map_err(|source| GitError::file("read", root, source))?;
        let inside = start.strip_prefix(&root).map_err(|_| missing())?;
        if inside.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
            return Err(missing());
        }
        Ok(Self { root, start, token: None })
    }

    /// Uses `token` for fetch and push over HTTPS. It never becomes part of an argument, a URL or a file.
    #[must_use]
    pub fn authorised(self, token: Option<String>) -> Self {
        Self { token: token.filter(|token| !token.is_empty()), ..self }
    }

    /// The top of the work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder the repository was opened from, relative to its top, `/`-separated; empty at the top.
    pub fn prefix(&self) -> String {
        let inside = self.start.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }

    /// The branch that is checked out.
    ///
    /// # Errors
    /// `Detached` and `Unborn`, when there is none to commit to; `Busy` in the middle of a merge or rebase.
    pub fn branch(&self) -> Result<String, GitError> {
        let repo = self.repository()?;
        advance::in_progress(&repo)?;
        let head = repo.find_reference("HEAD").map_err(GitError::library("read HEAD"))?;
        let Some(target) = head.symbolic_target().map_err(GitError::library("read HEAD"))? else {
            return Err(GitError::Detached);
        };
        let branch = target.strip_prefix("refs/heads/").ok_or(GitError::Detached)?.to_owned();
        match repo.refname_to_id(target) {
            Ok(_) => Ok(branch),
            Err(error) if error.code() == ErrorCode::NotFound => Err(GitError::Unborn { branch }),
            Err(error) => Err(GitError::library("read HEAD")(error)),
        }
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// `Unborn` before the first commit.
    pub fn head(&self) -> Result<Commit, GitError> {
        let repo = self.repository()?;
        let id = match repo.head().and_then(|head| head.peel_to_commit()) {
            Ok(commit) => commit.id(),
            Err(error) if error.code() == ErrorCode::UnbornBranch => {
                return Err(GitError::Unborn { branch: "HEAD".to_owned() });
            }
            Err(error) => return Err(GitError::library("read HEAD")(error)),
        };
        Ok(Commit(id.to_string()))
    }

    /// The newest commit of the local `branch`.
    ///
    /// # Errors
    /// `NoSuchBranch`.
    pub fn tip(&self, branch: &str) -> Result<Commit, GitError> {
        let repo = self.repository()?;
        let id = repo.refname_to_id(&format!("refs/heads/{branch}"));
        id.map(|id| Commit(id.to_string())).map_err(|_| GitError::NoSuchBranch { branch: branch.to_owned() })
    }

    /// The remote that `branch` is pushed to: the one asked for, the branch's own, `origin`, or the only one.
    ///
    /// # Errors
    /// None, several with no way to choose, or no such remote.
    pub fn remote_for(&self, branch: &str, wanted: Option<&str>) -> Result<String, GitError> {
        let repo = self.repository()?;
        let remotes = repo.remotes().map_err(GitError::library("list remotes"))?;
        let names: Vec<String> = remotes.iter().filter_map(|name| name.ok().flatten().map(str::to_owned)).collect();
        if let Some(wanted) = wanted {
            let missing = || GitError::NoSuchRemote { name: wanted.to_owned() };
            return names.into_iter().find(|name| name == wanted).ok_or_else(missing);
        }
        let config = repo.config().map_err(GitError::library("read the configuration"))?;
        let own =
            [format!("branch.{branch}.pushRemote"), "remote.pushDefault".into(), format!("branch.{branch}.remote")];
        let own = own.iter().filter_map(|key| config.get_string(key).ok()).find(|name| names.contains(name));
        match (own, names.as_slice()) {
            (Some(own), _) => Ok(own),
            (None, []) => Err(GitError::NoRemote),
            (None, [only]) => Ok(only.clone()),
            (None, several) if several.iter().any(|name| name == "origin") => Ok("origin".to_owned()),
            (None, several) => Err(GitError::ManyRemotes { names: several.join("`, `") }),
        }
    }

    /// Where remote `name` is, as configured, without a password.
    pub fn remote_url(&self, name: &str) -> Option<String> {
        let repo = self.repository().ok()?;
        let remote = repo.find_remote(name).ok()?;
        remote.url().ok().map(remote::without_credentials)
    }

    /// How `local` stands to `remote`. In a shallow clone only the commits at hand are counted.
    ///
    /// # Errors
    /// A commit is not in the repository.
    pub fn relation(&self, local: &Commit, remote: Option<&Commit>) -> Result<Relation, GitError> {
        let Some(remote) = remote else { return Ok(Relation::RemoteMissing) };
        let repo = self.repository()?;
        let counts = repo.graph_ahead_behind(oid(local)?, oid(remote)?);
        Ok(match counts.map_err(GitError::library("compare commits"))? {
            (0, 0) => Relation::Same,
            (ahead, 0) => Relation::Ahead(ahead),
            (0, behind) => Relation::Behind(behind),
            (ahead, behind) => Relation::Diverged { ahead, behind },
        })
    }

    /// The message of `commit`.
    ///
    /// # Errors
    /// The commit is not in the repository.
    pub fn message_of(&self, commit: &Commit) -> Result<String, GitError> {
        let repo = self.repository()?;
        let commit = find(&repo, commit)?;
        Ok(String::from_utf8_lossy(commit.message_bytes()).into_owned())
    }

    /// Commits reachable from `to` and not from `from`, newest first.
    ///
    /// # Errors
    /// A commit is not in the repository.
    pub fn commits_between(&self, from: &Commit, to: &Commit) -> Result<Vec<Commit>, GitError> {
        let repo = self.repository()?;
        let walk = || {
            let mut walk = repo.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL)?;
            walk.push(Oid::from_str(&to.0)?)?;
            walk.hide(Oid::from_str(&from.0)?)?;
            walk.take(COMMITS_MAX).map(|id| id.map(|id| Commit(id.to_string()))).collect::<Result<Vec<_>, _>>()
        };
        walk().map_err(GitError::library("list commits"))
    }

    /// Keeps `patterns` out of commits through git's `info/exclude`: no file of the user's is edited. Each is added once.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn exclude(&self, patterns: &[&str]) -> Result<(), GitError> {
        let repo = self.repository()?;
        // One file for all worktrees: git reads it from the common folder.
        let path = repo.commondir().join("info/exclude");
        let failed = |source| GitError::file("write", &path, source);
        let present = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let missing: Vec<&str> =
            patterns.iter().copied().filter(|pattern| !present.lines().any(|line| line.trim() == *pattern)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let gap = if present.is_empty() || present.ends_with('\n') { "" } else { "\n" };
        let mut file = fs::OpenOptions::new().append(true).create(true).open(&path).map_err(failed)?;
        file.write_all(format!("{gap}{}\n", missing.join("\n")).as_bytes()).map_err(failed)
    }

    /// Names of the user's executable hooks that concern commits and pushes.
    pub fn hooks_present(&self) -> Vec<String> {
        let Ok(repo) = self.repository() else { return vec![] };
        let configured = repo.config().and_then(|config| config.get_path("core.hooksPath"));
        // git takes a relative path from the top of the work tree.
        let folder = configured.map_or_else(|_| repo.commondir().join("hooks"), |path| self.root.join(path));
        let is_live = |name: &&str| {
            use std::os::unix::fs::PermissionsExt as _;
            folder.join(name).metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        };
        HOOKS.iter().filter(|name| is_live(name)).map(|name| (*name).to_owned()).collect()
    }

    /// What differs from a commit the user would have made by hand, one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let hooks = self.hooks_present().into_iter().filter(|hook| hook != "pre-push");
        let why = "it would see your index and files, which a fix leaves alone";
        hooks.map(|hook| format!("the `{hook}` hook is not run for fix commits: {why}")).collect()
    }

    fn repository(&self) -> Result<Repository, GitError> {
        let repo = Repository::open(&self.root).map_err(|source| GitError::opening(&self.root, source))?;
        // libgit2 does not know this variable; git, which pushes, does. Both must see one configuration.
        if let Some(global) = world::env("GIT_CONFIG_GLOBAL").map(PathBuf::from).filter(|path| path.is_file())
            && let Ok(mut config) = repo.config()
        {
            config
                .add_file(&global, git2::ConfigLevel::Global, true)
                .map_err(GitError::library("read GIT_CONFIG_GLOBAL"))?;
        }
        Ok(repo)
    }
}

fn oid(commit: &Commit) -> Result<Oid, GitError> {
    Oid::from_str(&commit.0).map_err(GitError::library("read a commit id"))
}

fn find<'repo>(repo: &'repo Repository, commit: &Commit) -> Result<git2::Commit<'repo>, GitError> {
    repo.find_commit(oid(commit)?).map_err(|_| GitError::NoSuchCommit { commit: commit.clone() })
}
