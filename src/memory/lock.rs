//! One run at a time: an operating-system lock that ends with the process that holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk::{MemoryError, to_json};
use super::{SessionId, Store};

/// Enough for a holder's words; more is not ours.
const HOLDER_BYTES_MAX: u64 = 4_096;

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub session: SessionId,
    pub pid: u32,
    pub since: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// `holder` is missing until the other has chosen its session.
    #[error("another session is at work here{}: wait for it, or end it", holder.as_ref().map(who).unwrap_or_default())]
    Held { holder: Option<Holder> },
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

fn who(holder: &Holder) -> String {
    format!(" (`{}`, pid {}, since {})", holder.session, holder.pid, holder.since)
}

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of `store`.
    ///
    /// # Errors
    /// `Held`, with the holder's session and process.
    pub fn take(store: &Store) -> Result<Self, LockError> {
        let path = path(store);
        let failed = |source| MemoryError::disk("lock", &path, source);
        store.inside("memory/.lock")?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| MemoryError::disk("create", folder, source))?;
        }
        // Not truncated: it may be another's.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { holder: read(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(failed(source).into()),
        }
        file.set_len(0).map_err(failed)?;
        Ok(Self { file, path })
    }

    /// Lets others read that `session` holds it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn announce(&mut self, session: &SessionId, now: Timestamp) -> Result<(), MemoryError> {
        let failed = |source| MemoryError::disk("write", &self.path, source);
        let holder = Holder { session: session.clone(), pid: std::process::id(), since: now };
        self.file.rewind().and_then(|()| self.file.set_len(0)).map_err(failed)?;
        self.file.write_all(&to_json(&self.path, &holder)?).map_err(failed)?;
        self.file.sync_all().map_err(failed)
    }

    /// Who holds the lock of `store` now, if anyone does.
    pub fn holder(store: &Store) -> Option<Holder> {
        let mut file = File::open(path(store)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read(&mut file),
            _ => None,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file stays: removing it would let two processes lock two files of one name.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn path(store: &Store) -> PathBuf {
    store.root().join(Path::new("memory/.lock"))
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(HOLDER_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_run_hears_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let (first, second) = ("first".parse().unwrap(), "second".parse().unwrap());
        let mut lock = Lock::take(&store).unwrap();
        assert!(matches!(Lock::take(&store), Err(LockError::Held { holder: None })));
        lock.announce(&second, now).unwrap();
        lock.announce(&first, now).unwrap();
        let Err(LockError::Held { holder: Some(holder) }) = Lock::take(&store) else {
            panic!("the lock was taken twice");
        };
        assert_eq!(holder, Holder { session: first, pid: std::process::id(), since: now });
        assert_eq!(Lock::holder(&store), Some(holder));
        drop(lock);
        assert_eq!(Lock::holder(&store), None);
        assert!(Lock::take(&store).is_ok());
    }

    #[test]
    fn a_lock_left_by_a_crash_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("memory")).unwrap();
        std::fs::write(
            folder.path().join("memory/.lock"),
            r#"{"session":"dead","pid":1,"since":"2026-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(Lock::holder(&store), None);
        assert!(Lock::take(&store).is_ok());
    }
}
