//! The build context on disk: what arrives at the builder, without what `.dockerignore` leaves out.

use std::fs;
use std::path::{Path, PathBuf};

use crate::builder::BuilderError;
use crate::context::Context;
use crate::workspace::{Content, File, Workspace};

/// A context of more files is a mistake (a home folder, a disk), and listing it would take minutes.
const FILES_MAX: usize = 500_000;

/// The folder to copy from: the context itself, or a copy without the ignored files.
pub(super) struct Staged {
    pub(super) folder: PathBuf,
    pub(super) bytes: u64,
    pub(super) ignore_bytes: usize,
}

/// Lists the context and leaves out what is ignored. `dockerfile` is relative to the context.
pub(super) fn stage(context: &Path, dockerfile: &str, scratch: &Path) -> Result<Staged, BuilderError> {
    let workspace = listed(context)?;
    let seen = Context::of(&workspace, "", dockerfile);
    let ignore_bytes = seen.ignore_file().and_then(|path| workspace.bytes(path)).map_or(0, <[u8]>::len);
    let size = |path: &str| match workspace.file(path).map(|file| &file.content) {
        Some(Content::Unread { size_bytes }) => *size_bytes,
        Some(Content::Bytes(bytes)) => bytes.len() as u64,
        _ => 0,
    };
    let bytes = seen.paths().map(size).sum();
    if seen.paths().count() == workspace.paths().count() {
        return Ok(Staged { folder: context.to_owned(), bytes, ignore_bytes });
    }
    let folder = scratch.join("context");
    fs::create_dir_all(&folder).map_err(BuilderError::on("make", &folder))?;
    for path in seen.paths() {
        let (from, to) = (context.join(path), folder.join(path));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(BuilderError::on("make", parent))?;
        }
        let link = fs::read_link(&from);
        let copied = match link {
            Ok(target) => std::os::unix::fs::symlink(target, &to),
            Err(_) => fs::copy(&from, &to).map(|_| ()),
        };
        copied.map_err(BuilderError::on("copy", &from))?;
    }
    Ok(Staged { folder, bytes, ignore_bytes })
}

/// Every file of a folder. Only ignore files are read.
fn listed(context: &Path) -> Result<Workspace, BuilderError> {
    let mut workspace = Workspace::default();
    let mut folders = vec![context.to_owned()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(BuilderError::on("read", &folder))? {
            let entry = entry.map_err(BuilderError::on("read", &folder))?;
            let path = entry.path();
            let Some(name) = path.strip_prefix(context).ok().and_then(Path::to_str) else { continue };
            let kind = entry.metadata().map_err(BuilderError::on("read", &path))?;
            let content = if kind.is_dir() {
                folders.push(path.clone());
                continue;
            } else if kind.is_symlink() {
                Content::Link(String::new())
            } else if !kind.is_file() {
                continue;
            } else if name.ends_with(".dockerignore") {
                Content::Bytes(fs::read(&path).map_err(BuilderError::on("read", &path))?)
            } else {
                Content::Unread { size_bytes: kind.len() }
            };
            count += 1;
            if count > FILES_MAX {
                return Err(BuilderError::Refused { said: format!("the context holds more than {FILES_MAX} files") });
            }
            workspace.insert(name, File { content, executable: false });
        }
    }
    Ok(workspace)
}
