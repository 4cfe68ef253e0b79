//! One run: its id, its folder, its logs, and the journal that lets it be picked up after a crash.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::disk::{MemoryError, sync_folder, to_json, write_atomic};
use super::versioned::set_aside;

const ID_CHARS_MAX: usize = 64;

/// A log that has grown past this begins anew, and the old one stays as `<name>.1`: a session keeps to some 10 MB.
const LOG_BYTES_MAX: u64 = 5 << 20;

const JOURNAL: &str = "journal.jsonl";

/// `auto-deploy-<unix seconds>`, or what the user chose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

impl SessionId {
    /// The id of the `attempt`th session (from 1) that begins in the second of `now`.
    pub(super) fn at(now: Timestamp, attempt: u32) -> Self {
        let second = now.as_second();
        Self(if attempt <= 1 { format!("auto-deploy-{second}") } else { format!("auto-deploy-{second}-{attempt}") })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The second and the attempt that an id of ours names.
    pub(super) fn begun(&self) -> Option<(i64, u32)> {
        let rest = self.0.strip_prefix("auto-deploy-")?;
        let (second, attempt) = rest.split_once('-').unwrap_or((rest, "1"));
        Some((second.parse().ok()?, attempt.parse().ok()?))
    }
}

impl FromStr for SessionId {
    type Err = MemoryError;

    fn from_str(id: &str) -> Result<Self, MemoryError> {
        if id.len() <= ID_CHARS_MAX && is_plain(id) {
            Ok(Self(id.to_owned()))
        } else {
            Err(MemoryError::BadSessionId { id: id.chars().take(ID_CHARS_MAX).collect() })
        }
    }
}

impl TryFrom<String> for SessionId {
    type Error = MemoryError;

    fn try_from(id: String) -> Result<Self, MemoryError> {
        id.parse()
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct Session {
    id: SessionId,
    dir: PathBuf,
}

impl Session {
    pub(super) fn new(id: SessionId, dir: PathBuf) -> Self {
        Self { id, dir }
    }

    pub fn id(&self) -> &SessionId {
        &self.id
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds `line` to log `name`; a line end within it is written as `\n`, so that one call is one line.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn append_log(&self, name: &str, line: &str) -> Result<(), MemoryError> {
        let path = self.path(name)?;
        let failed = |source| MemoryError::disk("write", &path, source);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX) {
            fs::rename(&path, self.dir.join(format!("{name}.1"))).map_err(failed)?;
        }
        let line = format!("{}\n", line.trim_end_matches(['\r', '\n']).replace('\r', "").replace('\n', "\\n"));
        // One write call: two writers' lines are never mixed.
        let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(failed)?;
        file.write_all(line.as_bytes()).and_then(|()| file.flush()).map_err(failed)
    }

    /// # Errors
    /// The disk refuses.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), MemoryError> {
        let path = self.path(name)?;
        write_atomic(&path, &to_json(&path, value)?)
    }

    /// # Errors
    /// The disk refuses.
    pub fn write_text(&self, name: &str, text: &str) -> Result<(), MemoryError> {
        write_atomic(&self.path(name)?, text.as_bytes())
    }

    /// What stands in file `name`, such as `final_state.json`; `None` when there is none.
    ///
    /// # Errors
    /// The file cannot be read, or is not such a value.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, MemoryError> {
        let path = self.path(name)?;
        let Some(text) = self.read_text(name)? else { return Ok(None) };
        let parsed = serde_json::from_str(&text);
        parsed.map(Some).map_err(|source| MemoryError::Damaged { path, line: source.line(), source })
    }

    /// # Errors
    /// The file cannot be read.
    pub fn read_text(&self, name: &str) -> Result<Option<String>, MemoryError> {
        let path = self.path(name)?;
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(MemoryError::disk("read", &path, source)),
        }
    }

    /// Adds `entry` to the journal. When this returns, it is on disk.
    ///
    /// # Errors
    /// The disk refuses. What was written of the entry then does not count.
    pub fn append(&self, entry: &impl Serialize) -> Result<(), MemoryError> {
        let path = self.dir.join(JOURNAL);
        let failed = |source| MemoryError::disk("write", &path, source);
        let mut line =
            serde_json::to_vec(entry).map_err(|source| MemoryError::NotJson { path: path.clone(), source })?;
        line.push(b'\n');
        let is_new = !path.exists();
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let whole = whole_bytes(&mut file).map_err(failed)?;
        // A line without an end was cut short by a crash and never confirmed to anyone.
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        file.write_all(&line).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        if is_new { sync_folder(&self.dir).map_err(failed) } else { Ok(()) }
    }

    /// The journal's entries, oldest first. A torn last line is left out: it was never confirmed.
    ///
    /// # Errors
    /// The journal cannot be read, or a line within it is damaged.
    pub fn journal<E: DeserializeOwned>(&self) -> Result<Vec<E>, MemoryError> {
        let path = self.dir.join(JOURNAL);
        let text = self.read_text(JOURNAL)?.unwrap_or_default();
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let entry = |(at, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|source| MemoryError::Damaged {
                path: path.clone(),
                line: at + 1,
                source,
            })
        };
        whole.lines().enumerate().map(entry).collect()
    }

    /// Begins the session anew under its old name: it has not ended, and a journal that cannot be read is set aside.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn reopen(&self, journal_is_readable: bool) -> Result<(), MemoryError> {
        let state = self.path("final_state.json")?;
        match fs::remove_file(&state) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(MemoryError::disk("remove", &state, source));
            }
            _ => {}
        }
        if !journal_is_readable {
            set_aside(&self.dir.join(JOURNAL))?;
        }
        Ok(())
    }

    fn path(&self, name: &str) -> Result<PathBuf, MemoryError> {
        if is_plain(name) { Ok(self.dir.join(name)) } else { Err(MemoryError::BadName { name: name.to_owned() }) }
    }
}

/// How many bytes of the file are whole lines. Reads backwards, entries are short.
fn whole_bytes(file: &mut fs::File) -> std::io::Result<u64> {
    const STEP_BYTES: u64 = 4_096;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(STEP_BYTES);
        let mut chunk = vec![];
        file.seek(SeekFrom::Start(start))?;
        (&mut *file).take(end - start).read_to_end(&mut chunk)?;
        if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(folder: &Path) -> Session {
        Session::new("test".parse().unwrap(), folder.to_owned())
    }

    #[test]
    fn an_id_is_a_plain_name() {
        for good in ["auto-deploy-1700000000", "a", "A.b_c-d", &"x".repeat(64)] {
            assert!(good.parse::<SessionId>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "ä", "a\n", &"x".repeat(65)] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<SessionId>("\"../x\"").is_err());
    }

    #[test]
    fn one_call_is_one_line_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path());
        session.append_log("swarm_output.log", "one\r\ntwo\n").unwrap();
        session.append_log("swarm_output.log", "three").unwrap();
        assert_eq!(session.read_text("swarm_output.log").unwrap().unwrap(), "one\\ntwo\nthree\n");
        assert!(session.append_log("../escape.log", "x").is_err());
    }

    #[test]
    fn a_log_keeps_to_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path());
        let big = vec![b'x'; usize::try_from(LOG_BYTES_MAX).unwrap() + 1];
        fs::write(folder.path().join("swarm_output.log"), big).unwrap();
        session.append_log("swarm_output.log", "next").unwrap();
        assert_eq!(session.read_text("swarm_output.log").unwrap().unwrap(), "next\n");
        assert!(folder.path().join("swarm_output.log.1").exists());
    }

    #[test]
    fn a_torn_last_line_never_happened() {
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path());
        session.append(&1).unwrap();
        session.append(&2).unwrap();
        for torn in ["{\"step\":", "3", &"x".repeat(10_000)] {
            let mut file = OpenOptions::new().append(true).open(folder.path().join(JOURNAL)).unwrap();
            file.write_all(torn.as_bytes()).unwrap();
            assert_eq!(session.journal::<u32>().unwrap(), [1, 2]);
        }
        session.append(&4).unwrap();
        assert_eq!(session.journal::<u32>().unwrap(), [1, 2, 4]);
    }

    #[test]
    fn damage_within_the_journal_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(JOURNAL), "1\nx\n3\n").unwrap();
        let found = session(folder.path()).journal::<u32>();
        assert!(matches!(found, Err(MemoryError::Damaged { line: 2, .. })));
    }
}
