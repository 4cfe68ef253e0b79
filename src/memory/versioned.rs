//! Documents that outlive a program version: older ones are read, newer ones left alone, damaged ones set aside before
//! anything is written in their place.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::disk::{MemoryError, to_json, write_atomic};
use crate::world;

/// The format of a document that does not say: the specification's own.
const FORMAT_UNSAID: u64 = 1;

/// More than this is no document of ours; the largest stays under 1 MB.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;

/// A document whose `format` field says which version of the program can write it.
///
/// Fields that came later carry `#[serde(default)]`, so that older documents can be read.
pub trait Versioned: Serialize + DeserializeOwned {
    const FORMAT: u32;
}

/// What was found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    Nothing,
    Read(T),
    /// It cannot be understood. It was left as it is: only who writes sets it aside.
    Damaged {
        why: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("`{}` has format {format}, this program knows up to {known}: use a newer domain-runner, it was left as it is", path.display())]
    Newer { path: PathBuf, format: u64, known: u32 },
    #[error("`{}` is larger than {limit} bytes: it was left as it is", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// The document at `path`.
///
/// # Errors
/// It is newer than this program, or the disk refuses.
pub fn read_versioned<T: Versioned>(path: &Path) -> Result<Found<T>, ReadError> {
    let Some(bytes) = bytes(path)? else { return Ok(Found::Nothing) };
    let parsed = serde_json::from_slice::<Value>(&bytes).and_then(|value| {
        // A list would read as a document, field by field.
        if !value.is_object() {
            return Err(serde::de::Error::custom("it is no JSON object"));
        }
        let format = format_of(&value);
        if format > u64::from(T::FORMAT) { Ok(Err(format)) } else { serde_json::from_value(value).map(Ok) }
    });
    match parsed {
        Ok(Ok(value)) => Ok(Found::Read(value)),
        Ok(Err(format)) => Err(ReadError::Newer { path: path.to_owned(), format, known: T::FORMAT }),
        Err(error) => Ok(Found::Damaged { why: error.to_string() }),
    }
}

/// Writes `value` to `path` with its `format`. Returns where a damaged predecessor was moved to, if there was one.
///
/// # Errors
/// What is there is newer than this program, or the disk refuses. It is then as it was.
pub fn write_versioned<T: Versioned>(path: &Path, value: &T) -> Result<Option<PathBuf>, ReadError> {
    let not_json = |source| MemoryError::NotJson { path: path.to_owned(), source };
    let mut json = serde_json::to_value(value).map_err(not_json)?;
    if let Value::Object(fields) = &mut json {
        fields.insert("format".to_owned(), T::FORMAT.into());
    }
    let aside = match read_versioned::<T>(path)? {
        Found::Damaged { .. } => Some(set_aside(path)?),
        Found::Nothing | Found::Read(_) => None,
    };
    write_atomic(path, &to_json(path, &json)?)?;
    Ok(aside)
}

fn format_of(value: &Value) -> u64 {
    value.get("format").and_then(Value::as_u64).unwrap_or(FORMAT_UNSAID)
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    let read = || -> io::Result<Option<Vec<u8>>> {
        if fs::metadata(path)?.len() > DOCUMENT_BYTES_MAX { Ok(None) } else { fs::read(path).map(Some) }
    };
    match read() {
        Ok(Some(bytes)) => Ok(Some(bytes)),
        Ok(None) => Err(ReadError::TooLarge { path: path.to_owned(), limit: DOCUMENT_BYTES_MAX }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(MemoryError::disk("read", path, source).into()),
    }
}

/// Moves a damaged document out of the way, to a name that nothing has yet.
///
/// # Errors
/// The disk refuses.
pub fn set_aside(path: &Path) -> Result<PathBuf, MemoryError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = format!("{name}.damaged-{}", world::now().as_second());
    let mut aside = path.with_file_name(&stem);
    let mut attempt = 1;
    while aside.symlink_metadata().is_ok() {
        attempt += 1;
        aside = path.with_file_name(format!("{stem}-{attempt}"));
    }
    fs::rename(path, &aside).map_err(|source| MemoryError::disk("set aside", path, source))?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
    struct Learned {
        total: u32,
        #[serde(default)]
        later: Vec<String>,
    }

    impl Versioned for Learned {
        const FORMAT: u32 = 2;
    }

    #[test]
    fn an_older_document_is_read_and_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/x.json");
        assert_eq!(read_versioned::<Learned>(&path).unwrap(), Found::Nothing);
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(&path, r#"{"total": 3}"#).unwrap();
        let expected = Learned { total: 3, later: vec![] };
        assert_eq!(read_versioned(&path).unwrap(), Found::Read(expected.clone()));
        assert_eq!(write_versioned(&path, &expected).unwrap(), None);
        assert!(fs::read_to_string(&path).unwrap().contains("\"format\": 2"));
        assert_eq!(read_versioned(&path).unwrap(), Found::Read(expected));
    }

    #[test]
    fn a_newer_document_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let text = r#"{"format": 3, "total": "many"}"#;
        fs::write(&path, text).unwrap();
        assert!(matches!(read_versioned::<Learned>(&path), Err(ReadError::Newer { format: 3, known: 2, .. })));
        let write = write_versioned(&path, &Learned { total: 1, later: vec![] });
        assert!(matches!(write, Err(ReadError::Newer { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_damaged_document_is_set_aside_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        for damage in ["", "{\"total\": 3", "[]", "{\"total\": \"x\"}", "\0\0\0"] {
            fs::write(&path, damage).unwrap();
            assert!(matches!(read_versioned::<Learned>(&path).unwrap(), Found::Damaged { .. }), "{damage} was read");
            assert_eq!(fs::read_to_string(&path).unwrap(), damage, "who only reads changes nothing");
            let aside = set_aside(&path).unwrap();
            assert_eq!(fs::read_to_string(aside).unwrap(), damage);
            assert!(!path.exists());
        }
        fs::write(&path, "{").unwrap();
        let aside = write_versioned(&path, &Learned { total: 1, later: vec![] }).unwrap().unwrap();
        assert_eq!(fs::read_to_string(aside).unwrap(), "{");
    }
}
