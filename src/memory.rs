//! Memory: the files the program leaves below the service's folder, each with one writer.
//!
//! `memory/swarm/*.json` are the agents' documents, `memory/sessions/<id>/` holds what a run did and decided,
//! `artifacts/deploy_learning_state.json` what was learned. A file is whole or absent, whenever the program dies.

mod disk;
mod document;
mod lock;
mod session;
mod versioned;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use disk::{MemoryError, write_atomic};
pub use document::Document;
pub use lock::{Holder, Lock, LockError};
pub use session::{Session, SessionId};
pub use versioned::{Found, ReadError, Versioned, read_versioned, set_aside, write_versioned};

/// How many sessions may begin within one second.
const SESSIONS_PER_SECOND_MAX: u32 = 1_000;

/// The folder of a service, as far as the program writes to it.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Paths, relative to the service's folder, that belong in no commit and no image.
    pub const PATHS: [&'static str; 4] =
        ["memory/swarm/", "memory/sessions/", "memory/.lock", "artifacts/deploy_learning_state.json"];

    /// The store below `root`, the service's folder. Creates nothing yet.
    ///
    /// # Errors
    /// `root` is no folder, or `memory` or `artifacts` lead out of it.
    pub fn open(root: &Path) -> Result<Self, MemoryError> {
        let root = root.canonicalize().map_err(|source| MemoryError::disk("open", root, source))?;
        let store = Self { root };
        for path in ["memory", "memory/swarm", "memory/sessions", "memory/.lock", "artifacts"] {
            store.inside(path)?;
        }
        Ok(store)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where agent `name` writes, such as `analyzer`.
    pub fn swarm_path(&self, name: &str) -> PathBuf {
        self.root.join(format!("memory/swarm/{name}_output.json"))
    }

    /// Where the learning state is.
    pub fn learning_path(&self) -> PathBuf {
        self.root.join("artifacts/deploy_learning_state.json")
    }

    /// Where `serve` keeps its answers.
    pub fn answers_path(&self) -> PathBuf {
        self.root.join("artifacts/serve.sqlite3")
    }

    /// A new session named after `now`, with a folder nobody else has.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn begin(&self, now: Timestamp) -> Result<Session, MemoryError> {
        let parent = self.inside("memory/sessions")?;
        fs::create_dir_all(&parent).map_err(|source| MemoryError::disk("create", &parent, source))?;
        for attempt in 1..=SESSIONS_PER_SECOND_MAX {
            let id = SessionId::at(now, attempt);
            let dir = parent.join(id.as_str());
            match fs::create_dir(&dir) {
                Ok(()) => return Ok(Session::new(id, dir)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(MemoryError::disk("create", &dir, source)),
            }
        }
        Err(MemoryError::TooManySessions { path: parent })
    }

    /// The session `id`, made if there is none: for an id the user chose, and to pick up a run that was cut short.
    ///
    /// # Errors
    /// The folder cannot be made, or leads out of the project.
    pub fn session(&self, id: &SessionId) -> Result<Session, MemoryError> {
        let dir = self.inside(&format!("memory/sessions/{id}"))?;
        fs::create_dir_all(&dir).map_err(|source| MemoryError::disk("create", &dir, source))?;
        Ok(Session::new(id.clone(), dir))
    }

    /// The session `id`, if there was one. For those who only look.
    pub fn past_session(&self, id: &SessionId) -> Option<Session> {
        let dir = self.inside(&format!("memory/sessions/{id}")).ok()?;
        dir.is_dir().then(|| Session::new(id.clone(), dir))
    }

    /// All sessions, newest first.
    pub fn sessions(&self) -> Vec<SessionId> {
        let folders = fs::read_dir(self.root.join("memory/sessions")).into_iter().flatten().flatten();
        let mut found: Vec<_> = folders
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| {
                let id: SessionId = entry.file_name().to_str()?.parse().ok()?;
                let meta = entry.metadata().ok()?;
                let begun = id.begun().or_else(|| {
                    let time = meta.created().or_else(|_| meta.modified()).ok()?;
                    Some((Timestamp::try_from(time).ok()?.as_second(), 1))
                });
                Some((begun, id))
            })
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Removes what a killed run left half written. Only for who holds the lock: to others it may still be of use.
    pub fn sweep(&self) {
        let sessions = self.sessions().into_iter().map(|id| self.root.join(format!("memory/sessions/{id}")));
        let folders = [self.root.join("memory/swarm"), self.root.join("artifacts")].into_iter().chain(sessions);
        for entry in folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(disk::HALF_WRITTEN) {
                // What stays is in nobody's way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// `path` below the root, refused when a link leads out of the project.
    fn inside(&self, path: &str) -> Result<PathBuf, MemoryError> {
        let full = self.root.join(path);
        // The nearest folder that exists decides where the rest will be made.
        let nearest = full.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok()).unwrap_or(&self.root);
        match nearest.canonicalize() {
            Ok(real) if real.starts_with(&self.root) => Ok(full),
            Ok(real) => Err(MemoryError::LeavesProject { path: nearest.to_owned(), leads_to: real }),
            Err(source) => Err(MemoryError::disk("follow", nearest, source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_one_second_have_folders_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let second = |second| Timestamp::from_second(second).unwrap();
        let begun: Vec<String> = [900, 1_000, 1_000, 1_000]
            .map(|at| store.begin(second(at)).unwrap().id().to_string())
            .into_iter()
            .collect();
        assert_eq!(begun, ["auto-deploy-900", "auto-deploy-1000", "auto-deploy-1000-2", "auto-deploy-1000-3"]);
        let listed: Vec<String> = store.sessions().iter().map(ToString::to_string).collect();
        assert_eq!(listed, ["auto-deploy-1000-3", "auto-deploy-1000-2", "auto-deploy-1000", "auto-deploy-900"]);
    }

    #[test]
    fn a_session_can_be_picked_up_by_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let id = "mine".parse().unwrap();
        assert!(store.past_session(&id).is_none());
        store.session(&id).unwrap().write_json("final_state.json", &7).unwrap();
        let again = store.past_session(&id).unwrap();
        assert_eq!(again.read_json("final_state.json").unwrap(), Some(7));
        assert_eq!(again.read_json::<u8>("deployment_plan.json").unwrap(), None);
    }

    #[test]
    fn a_link_out_of_the_project_is_refused() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(folder.path()).unwrap();
        let id = "mine".parse().unwrap();
        for link in ["memory", "artifacts"] {
            let link = folder.path().join(link);
            std::os::unix::fs::symlink(outside.path(), &link).unwrap();
            assert!(matches!(Store::open(folder.path()), Err(MemoryError::LeavesProject { .. })));
            fs::remove_file(link).unwrap();
        }
        fs::create_dir_all(folder.path().join("memory/sessions")).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("memory/sessions/mine")).unwrap();
        assert!(matches!(store.session(&id), Err(MemoryError::LeavesProject { .. })));
        std::os::unix::fs::symlink("nowhere", folder.path().join("artifacts")).unwrap();
        assert!(Store::open(folder.path()).is_err(), "a dangling link decides nothing");
    }

    #[test]
    fn a_link_within_the_project_is_the_users_choice() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("var")).unwrap();
        std::os::unix::fs::symlink("var", folder.path().join("memory")).unwrap();
        assert!(Store::open(folder.path()).unwrap().begin(Timestamp::UNIX_EPOCH).is_ok());
    }
}
