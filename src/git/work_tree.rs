//! Writing a file of the work tree, in one step and never through a link.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Repo;
use super::tree::BLOCKED;
use crate::workspace::{Content, File};

/// Of a folder: what is made in it belongs to its group.
const SET_GROUP_ID: u32 = 0o2000;
/// No file is in the making for as long: a run that was killed has left it.
const LEFT_AFTER: Duration = Duration::from_secs(600);

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
        let mut file = tempfile::Builder::new().permissions(fresh).tempfile_in(self.workshop(&folder)?)?;
        file.write_all(bytes)?;
        let of_folder = fs::metadata(&folder)?;
        if of_folder.mode() & SET_GROUP_ID != 0 {
            // As a file that is made there.
            chown(file.path(), None, Some(of_folder.gid()))?;
        }
        if let Some(mode) = had {
            // Whoever may read it may run it.
            let mode = if executable { mode & 0o777 | (mode & 0o444) >> 2 } else { mode & 0o666 };
            file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        }
        file.as_file().sync_all()?;
        file.persist(&full)?;
        Ok(())
    }

    /// Where what is meant for `folder` is made, to be moved there whole: in git's folder, where what a killed run leaves is in
    /// nobody's way; in `folder` itself where git's is on another file system.
    pub(super) fn workshop(&self, folder: &Path) -> io::Result<PathBuf> {
        let git = self.repository().map_err(io::Error::other)?.path().to_owned();
        if fs::metadata(&git)?.dev() != fs::metadata(folder)?.dev() {
            return Ok(folder.to_owned());
        }
        let workshop = git.join("domain-runner");
        fs::create_dir_all(&workshop)?;
        let is_left = |entry: &fs::DirEntry| {
            let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
            age.is_some_and(|age| age > LEFT_AFTER)
        };
        for left in fs::read_dir(&workshop)?.flatten().filter(is_left) {
            // What stays is tried again the next time.
            let _ = fs::remove_file(left.path());
        }
        Ok(workshop)
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
