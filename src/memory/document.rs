//! A typed JSON document with one writer and any number of readers that wake when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use super::disk::{MemoryError, to_json, write_atomic};
use crate::observation::redaction::Redactor;

/// The writer's end. There is one for each document; readers hold what [`Document::subscribe`] gives.
#[derive(Debug)]
pub struct Document<T> {
    path: PathBuf,
    redactor: Redactor,
    sender: watch::Sender<Option<Arc<T>>>,
}

impl<T: Serialize> Document<T> {
    /// A document kept at `path`. Nobody has written it yet in this run, whatever an earlier run left there.
    pub fn new(path: PathBuf) -> Self {
        Self { path, redactor: Redactor::default(), sender: watch::Sender::new(None) }
    }

    /// The same document; what `redactor` knows is not written to disk. Readers in this process get the value whole.
    pub fn redacted_by(mut self, redactor: &Redactor) -> Self {
        self.redactor = redactor.clone();
        self
    }

    /// Writes `value` to disk, then wakes the readers.
    ///
    /// # Errors
    /// The disk refuses. Readers then keep what they have.
    pub fn write(&mut self, value: T) -> Result<Arc<T>, MemoryError> {
        // Disk first: a reader must never act on what a crash would forget.
        let not_json = |source| MemoryError::NotJson { path: self.path.clone(), source };
        let written = self.redactor.redact_value(serde_json::to_value(&value).map_err(not_json)?);
        write_atomic(&self.path, &to_json(&self.path, &written)?)?;
        let value = Arc::new(value);
        self.sender.send_replace(Some(Arc::clone(&value)));
        Ok(value)
    }

    /// A reader's end; it sees the latest value and wakes on each newer one. Values in between may be skipped.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<T>>> {
        self.sender.subscribe()
    }

    pub fn latest(&self) -> Option<Arc<T>> {
        self.sender.borrow().clone()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_wakes_after_the_disk_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("swarm/x.json");
        let mut document = Document::new(path.clone());
        let mut reader = document.subscribe();
        let waiting = tokio::spawn(async move {
            reader.changed().await.unwrap();
            (reader.borrow().clone(), std::fs::read_to_string(&path).unwrap())
        });
        document.write(vec![1, 2]).unwrap();
        let (seen, on_disk) = waiting.await.unwrap();
        assert_eq!(seen.as_deref(), Some(&vec![1, 2]));
        assert_eq!(on_disk, "[\n  1,\n  2\n]\n");
    }

    #[tokio::test]
    async fn a_reader_hears_nothing_of_what_could_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("swarm"), "a file in the way").unwrap();
        let mut document = Document::new(folder.path().join("swarm/x.json"));
        let reader = document.subscribe();
        assert!(document.write(1).is_err());
        assert!(!reader.has_changed().unwrap());
        assert_eq!(document.latest(), None);
    }
}
