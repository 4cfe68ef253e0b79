//! Writing a file of the work tree, in one step and never through a link.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::Repo;
use super::tree::BLOCKED;
use crate::workspace::{Content, File};

impl Repo {
    /// Makes `file` what stands at `path` of the work tree: its bytes, and whether it is executable. The other permissions stay.
    ///
    /// # Errors
    /// A folder above it is a link, it is no ordinary file, or the disk refuses. It is then as it was.
    pub fn write_file(&self, path: &str, file: &File) -> io::Result<()> {
        match &file.content {
            Content::Bytes(bytes) => self.put(path, bytes, file.executable),
            _ => Err(io::Error::other("it is no file that can be written")),
        }
    }

    /// Puts `bytes` to `path` in one step: with the permissions that were there, or those of a file the user makes.
    pub(super) fn put(&self, path: &str, bytes: &[u8], executable: bool) -> io::Result<()> {
        let (full, folder) = self.folder_for(path)?;
        let had = fs::symlink_metadata(&full).ok().filter(fs::Metadata::is_file).map(|meta| meta.permissions().mode());
        // The umask takes its share of these.
        let fresh = fs::Permissions::from_mode(if executable { 0o777 } else { 0o666 });
        let mut file = tempfile::Builder::new().prefix(".domain-runner-").permissions(fresh).tempfile_in(folder)?;
        file.write_all(bytes)?;
        if let Some(mode) = had {
            // Whoever may read it may run it.
            let mode = if executable { mode & 0o777 | (mode & 0o444) >> 2 } else { mode & 0o666 };
            file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        }
        file.as_file().sync_all()?;
        file.persist(&full)?;
        Ok(())
    }

    /// Where `path` is in the file system, and its folder, which is there afterwards.
    pub(super) fn folder_for(&self, path: &str) -> io::Result<(PathBuf, PathBuf)> {
        if !self.has_plain_parents(path) {
            return Err(io::Error::other(BLOCKED));
        }
        let full = self.root.join(path);
        let folder = full.parent().unwrap_or(&self.root).to_owned();
        fs::create_dir_all(&folder)?;
        Ok((full, folder))
    }
}
