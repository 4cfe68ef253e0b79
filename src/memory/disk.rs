//! Writing files so that each is whole or absent, and saying plainly when the disk does not let us.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What the name of a file begins with until it is whole.
pub(super) const HALF_WRITTEN: &str = ".tmp-";

#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("the disk is full: `{}` cannot be written; make room and run again", path.display())]
    Full { path: PathBuf, source: io::Error },
    #[error("`{}` is on a read-only file system: run where the service's folder can be written", path.display())]
    ReadOnly { path: PathBuf, source: io::Error },
    #[error("you may not {act} `{}`: check its owner and permissions", path.display())]
    Denied { act: &'static str, path: PathBuf, source: io::Error },
    #[error("failed to {act} `{}`", path.display())]
    Disk { act: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` leads out of the project, to `{}`: replace the link by a folder", path.display(), leads_to.display())]
    LeavesProject { path: PathBuf, leads_to: PathBuf },
    #[error("`{id}` is no session id: up to 64 letters, digits, `.`, `_` and `-`, not starting with `.`")]
    BadSessionId { id: String },
    #[error("`{name}` is no plain file name")]
    BadName { name: String },
    #[error("too many sessions began at once in `{}`", path.display())]
    TooManySessions { path: PathBuf },
    #[error("`{}` cannot be written as JSON", path.display())]
    NotJson { path: PathBuf, source: serde_json::Error },
    #[error("`{}` is damaged at line {line}", path.display())]
    Damaged { path: PathBuf, line: usize, source: serde_json::Error },
}

impl MemoryError {
    pub(super) fn disk(act: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path, source },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            ErrorKind::PermissionDenied => Self::Denied { act, path, source },
            _ => Self::Disk { act, path, source },
        }
    }
}

/// Makes `bytes` the content of `path` in one step that survives a crash: a reader sees the old content or the new.
///
/// # Errors
/// The disk refuses; `path` is then as it was.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), MemoryError> {
    let failed = |source| MemoryError::disk("write", path, source);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| MemoryError::disk("create", folder, source))?;
    // The umask takes its share, as with any file the user makes.
    let permissions = fs::Permissions::from_mode(0o666);
    let mut file =
        tempfile::Builder::new().prefix(HALF_WRITTEN).permissions(permissions).tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder).map_err(failed)
}

/// `value` as indented JSON with a line end.
pub(super) fn to_json(path: &Path, value: &impl serde::Serialize) -> Result<Vec<u8>, MemoryError> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|source| MemoryError::NotJson { path: path.to_owned(), source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Makes a rename in `folder` survive a power cut. Some network file systems cannot, and need not be asked twice.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(&folder.path().join("a")), ["b.json"]);
    }

    #[test]
    fn a_link_is_replaced_and_never_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (outside, path) = (folder.path().join("outside"), folder.path().join("x.json"));
        fs::write(&outside, "mine").unwrap();
        std::os::unix::fs::symlink(&outside, &path).unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"mine");
    }

    #[test]
    fn what_the_disk_says_becomes_a_sentence_with_a_next_step() {
        for (kind, expected) in [
            (ErrorKind::StorageFull, "the disk is full: `x` cannot be written; make room and run again"),
            (
                ErrorKind::ReadOnlyFilesystem,
                "`x` is on a read-only file system: run where the service's folder can be written",
            ),
            (ErrorKind::PermissionDenied, "you may not write `x`: check its owner and permissions"),
        ] {
            assert_eq!(MemoryError::disk("write", Path::new("x"), kind.into()).to_string(), expected);
        }
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        // root may write anywhere.
        if !rustix::process::geteuid().is_root() {
            let error = write_atomic(&folder.path().join("x"), b"x").unwrap_err();
            assert!(matches!(error, MemoryError::Denied { .. }));
        }
    }

    #[test]
    fn a_full_or_read_only_disk_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let options = c"size=64k";
        // Needs the right to mount; without it there is no small disk to fill.
        if mount("none", folder.path(), "tmpfs", MountFlags::empty(), Some(options)).is_err() {
            return;
        }
        let path = folder.path().join("x.json");
        write_atomic(&path, b"old").unwrap();
        let full = write_atomic(&path, &[b'x'; 100_000]);
        let after_full = (fs::read(&path).unwrap(), names(folder.path()));
        let remounted = rustix::mount::mount_remount(folder.path(), MountFlags::RDONLY, "");
        let read_only = write_atomic(&path, b"new");
        let after_read_only = fs::read(&path).unwrap();
        unmount(folder.path(), UnmountFlags::DETACH).unwrap();
        assert!(matches!(full, Err(MemoryError::Full { .. })));
        assert_eq!(after_full, (b"old".to_vec(), vec!["x.json".to_owned()]));
        if remounted.is_ok() {
            assert!(matches!(read_only, Err(MemoryError::ReadOnly { .. })));
            assert_eq!(after_read_only, b"old");
        }
    }
}
