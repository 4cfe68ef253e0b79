//! Why git could not do what was asked, and what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use git2::ErrorCode;

use crate::service::Commit;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("`{}` is not a git repository: run this inside your project's clone, or start one with `git init`", path.display())]
    NotARepository { path: PathBuf },
    #[error("`{}` is a bare repository, it has no files to work on: clone it and run this inside the clone", path.display())]
    Bare { path: PathBuf },
    #[error("`{}` belongs to another user: `git config --global --add safe.directory '{}'` if you trust it", path.display(), path.display())]
    Distrusted { path: PathBuf },
    #[error("`{}` uses a storage format that cannot be read here, such as reftable: clone it with `--ref-format=files`", path.display())]
    Unsupported { path: PathBuf, source: git2::Error },
    #[error("failed to open the git repository of `{}`", path.display())]
    Unreadable { path: PathBuf, source: git2::Error },
    #[error("no branch is checked out (detached HEAD): `git switch BRANCH` first")]
    Detached,
    #[error("`{branch}` has no commit yet: commit your files first")]
    Unborn { branch: String },
    #[error("there is no local branch `{branch}`: `git fetch` and `git switch {branch}` first")]
    NoSuchBranch { branch: String },
    #[error("commit `{}` is not in this repository: `git fetch` first", commit.short())]
    NoSuchCommit { commit: Commit },
    #[error("the repository has no remote to push to: `git remote add origin URL` first")]
    NoRemote,
    #[error("there is no remote `{name}`: `git remote -v` lists those there are")]
    NoSuchRemote { name: String },
    #[error("there are several remotes (`{names}`): name one with `--remote`")]
    ManyRemotes { names: String },
    #[error("branch `{branch}` moved from `{}` to `{}` meanwhile: nothing was changed", expected.short(), found.short())]
    BranchMoved { branch: String, expected: Commit, found: Commit },
    #[error("branch `{branch}` has commits that `{}` lacks: `git rebase` them yourself; nothing was changed", to.short())]
    NotForward { branch: String, to: Commit },
    #[error("branch `{branch}` is checked out in another work tree, `{}`: nothing was changed", path.display())]
    CheckedOutElsewhere { branch: String, path: PathBuf },
    #[error("a {what} is in progress: finish or abort it first")]
    Busy { what: &'static str },
    #[error("`{path}` reads differently in commit `{}`: nothing was committed", commit.short())]
    FileMoved { path: String, commit: Commit },
    #[error("`{path}` cannot be committed: {why}")]
    Uncommittable { path: String, why: &'static str },
    #[error(
        "your configuration asks for signed commits (`commit.gpgsign`), and git could not sign the fix: unlock your key, or `git config commit.gpgsign false` in this repository\n{words}"
    )]
    Unsigned { words: String },
    #[error("nothing to commit")]
    NothingToCommit,
    #[error("the repository has more than {limit} files")]
    TooManyFiles { limit: usize },
    #[error("failed to {act} `{}`", path.display())]
    File { act: &'static str, path: PathBuf, source: io::Error },
    #[error("failed to {act}")]
    Library { act: &'static str, source: git2::Error },
    #[error("failed to start `git`: is it installed and in PATH?")]
    NoProgram { source: io::Error },
    #[error("`git {act}` was still not done after {seconds} s")]
    TimedOut { act: &'static str, seconds: u64 },
    #[error("`{remote}` does not exist or does not accept your credentials: try `git {act}` once by hand\n{words}")]
    Denied { act: &'static str, remote: String, words: String },
    #[error("`{remote}` refused the push\n{words}")]
    Refused { remote: String, words: String },
    #[error("your pre-push hook refused the push\n{words}")]
    HookRefused { words: String },
    #[error("failed to reach `{remote}`\n{words}")]
    Unreachable { remote: String, words: String },
    #[error("`git {act}` failed\n{words}")]
    Failed { act: &'static str, words: String },
}

impl GitError {
    /// The same act may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Unreachable { .. })
    }

    pub(super) fn library(act: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Library { act, source }
    }

    pub(super) fn file(act: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { act, path: path.to_owned(), source }
    }

    pub(super) fn opening(path: &Path, source: git2::Error) -> Self {
        let path = path.to_owned();
        match source.code() {
            ErrorCode::NotFound => Self::NotARepository { path },
            ErrorCode::Owner => Self::Distrusted { path },
            _ if source.message().contains("unsupported extension") => Self::Unsupported { path, source },
            _ => Self::Unreadable { path, source },
        }
    }
}
