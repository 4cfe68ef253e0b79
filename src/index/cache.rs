//! Answers kept on disk, so that a second run, or one without a network, need not ask again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::world;

/// Raised whenever the shape of what is kept changes; entries of another format are asked for anew.
const FORMAT: u32 = 1;

/// How long a list of versions holds: new ones appear daily, and a rule wants today's.
const LIST_HOURS_MAX: i64 = 24;

/// How long something may be believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// Lists of versions: a day.
    Day,
    /// What belongs to one published version: registries do not let it change.
    Forever,
}

#[derive(Serialize, Deserialize)]
struct Entry<T> {
    format: u32,
    /// In full, because file names are hashes and those may collide.
    key: String,
    at: Timestamp,
    value: T,
}

pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, key: &str, shelf: Shelf) -> Option<T> {
        let text = std::fs::read(self.path(key)).ok()?;
        let entry: Entry<T> = serde_json::from_slice(&text).ok()?;
        let age = world::now().duration_since(entry.at);
        let fresh = shelf == Shelf::Forever
            || (age >= SignedDuration::ZERO && age <= SignedDuration::from_hours(LIST_HOURS_MAX));
        (entry.format == FORMAT && entry.key == key && fresh).then_some(entry.value)
    }

    /// Keeps `value`; a full or read-only disk only costs the next run a request.
    pub(super) fn write<T: Serialize>(&self, key: &str, value: &T) {
        let entry = Entry { format: FORMAT, key: key.to_owned(), at: world::now(), value };
        if let Err(error) = write_atomically(&self.folder, &self.path(key), &entry) {
            tracing::debug!("an index answer could not be kept: {error}");
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.folder.join(format!("{:016x}.json", hasher.finish()))
    }
}

fn write_atomically<T: Serialize>(folder: &Path, path: &Path, entry: &Entry<T>) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(std::io::BufWriter::new(file.as_file()), entry)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_under_its_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        cache.write("a", &vec![1, 2]);
        assert_eq!(cache.read::<Vec<u8>>("a", Shelf::Day), Some(vec![1, 2]));
        assert_eq!(cache.read::<Vec<u8>>("b", Shelf::Forever), None);
    }

    #[test]
    fn a_list_older_than_a_day_is_forgotten_but_metadata_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let entry = Entry { format: FORMAT, key: "a".to_owned(), at: Timestamp::UNIX_EPOCH, value: 7 };
        write_atomically(folder.path(), &cache.path("a"), &entry).unwrap();
        assert_eq!(cache.read::<u8>("a", Shelf::Day), None);
        assert_eq!(cache.read::<u8>("a", Shelf::Forever), Some(7));
    }
}
