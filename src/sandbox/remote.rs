//! The git remote that stands for the connected repository: bare, on this machine's disk.

use std::path::{Path, PathBuf};

use git2::build::{CheckoutBuilder, TreeUpdateBuilder};
use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryInitOptions, TreeWalkMode, TreeWalkResult};
use jiff::Timestamp;

use super::deploy::CommitInfo;

/// What went wrong with git.
#[derive(Debug, thiserror::Error)]
#[error("failed to {act} in `{}`", path.display())]
pub struct RemoteError {
    act: String,
    path: PathBuf,
    source: git2::Error,
}

/// A bare repository. Its calls block: use `spawn_blocking`.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    path: PathBuf,
}

impl Remote {
    /// Opens the repository, and makes it first if need be.
    pub(super) fn create(path: PathBuf, branch: &str) -> Result<Self, RemoteError> {
        let remote = Self { path };
        let mut options = RepositoryInitOptions::new();
        options.bare(true).mkpath(true).initial_head(branch);
        Repository::init_opts(&remote.path, &options).map_err(|e| remote.error("create a repository", e))?;
        Ok(remote)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The newest commit of a branch; `None` while nobody has pushed it.
    pub(super) fn head(&self, branch: &str) -> Result<Option<CommitInfo>, RemoteError> {
        let act = format!("read branch `{branch}`");
        let repository = self.open(&act)?;
        match repository.find_reference(&format!("refs/heads/{branch}")) {
            Ok(reference) => {
                let commit = reference.peel_to_commit().map_err(|e| self.error(&act, e))?;
                Ok(Some(info(&commit)))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.error(&act, error)),
        }
    }

    /// A commit by its full hash; `None` if the remote does not have it.
    pub(super) fn commit(&self, id: &str) -> Result<Option<CommitInfo>, RemoteError> {
        let act = format!("read commit `{id}`");
        let repository = self.open(&act)?;
        let Ok(oid) = Oid::from_str(id) else { return Ok(None) };
        Ok(repository.find_commit(oid).ok().map(|commit| info(&commit)))
    }

    /// Writes a commit's files into an empty folder, byte for byte and with their exec bits. Submodules are empty folders,
    /// as they are on Render where it has no access to them.
    pub(super) fn check_out(&self, id: &str, folder: &Path) -> Result<(), RemoteError> {
        let act = format!("check out `{id}`");
        let repository = self.open(&act)?;
        let checked = (|| {
            let whole = repository.find_commit(Oid::from_str(id)?)?.tree()?;
            let modules = submodules(&whole)?;
            // A bare repository has no place for submodules, and libgit2 refuses the whole tree for one.
            let mut plain = TreeUpdateBuilder::new();
            for module in &modules {
                plain.remove(module.as_str());
            }
            let tree = repository.find_tree(plain.create_updated(&repository, &whole)?)?;
            let mut checkout = CheckoutBuilder::new();
            // A build must see the committed bytes, whatever line endings this machine prefers.
            checkout.target_dir(folder).force().update_index(false).disable_filters(true).recreate_missing(true);
            repository.checkout_tree(tree.as_object(), Some(&mut checkout))?;
            Ok(modules)
        })();
        let modules = checked.map_err(|e| self.error(&act, e))?;
        for module in modules {
            let made = std::fs::create_dir_all(folder.join(&module));
            made.map_err(|e| self.error(&act, git2::Error::from_str(&e.to_string())))?;
        }
        Ok(())
    }

    fn open(&self, act: &str) -> Result<Repository, RemoteError> {
        Repository::open_bare(&self.path).map_err(|e| self.error(act, e))
    }

    fn error(&self, act: &str, source: git2::Error) -> RemoteError {
        RemoteError { act: act.to_owned(), path: self.path.clone(), source }
    }
}

fn submodules(tree: &git2::Tree<'_>) -> Result<Vec<String>, git2::Error> {
    let mut modules = vec![];
    tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        if let (Some(ObjectType::Commit), Ok(name)) = (entry.kind(), entry.name()) {
            modules.push(format!("{folder}{name}"));
        }
        TreeWalkResult::Ok
    })?;
    Ok(modules)
}

fn info(commit: &git2::Commit<'_>) -> CommitInfo {
    CommitInfo {
        id: commit.id().to_string(),
        message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        created_at: Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}
