//! COPY and ADD: files into a root, by Docker's rules and without ever leaving it through a link.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{init, on};

/// The kernel follows as many links in one path.
const LINKS_MAX: u32 = 40;

/// One COPY or ADD.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::builder) struct CopyOrder {
    /// Where sources are looked up: the context, or another root.
    pub(in crate::builder) from: PathBuf,
    pub(in crate::builder) sources: Vec<String>,
    /// Texts that stand in the Dockerfile itself, by file name.
    pub(in crate::builder) texts: Vec<(String, String)>,
    pub(in crate::builder) root: PathBuf,
    /// Absolute in the root; a trailing `/` makes it a folder.
    pub(in crate::builder) to: String,
    pub(in crate::builder) chown: Option<String>,
    pub(in crate::builder) chmod: Option<u32>,
    /// A user namespace holds one user only, so owners cannot be set.
    pub(in crate::builder) keeps_owner: bool,
}

/// Owner and mode that every copied file gets.
struct Dress {
    owner: Option<(u32, u32)>,
    mode: Option<u32>,
}

pub(super) fn copy(order: &CopyOrder) -> Result<(), String> {
    let owner = match &order.chown {
        Some(owner) if !order.keeps_owner => Some(init::ids_in(&order.root, owner)?),
        // COPY makes root the owner, whoever owns the file outside.
        None if !order.keeps_owner => Some((0, 0)),
        _ => None,
    };
    let dress = Dress { owner, mode: order.chmod };
    let mut sources = Vec::new();
    for source in &order.sources {
        sources.extend(matches_of(&order.from, source)?);
    }
    let target = resolve(&order.root, &order.to)?;
    let into_folder = order.to.ends_with('/') || sources.len() + order.texts.len() > 1 || target.is_dir();
    for source in &sources {
        let kind = fs::metadata(source).or_else(|_| fs::symlink_metadata(source)).map_err(on("read", shown(source)))?;
        if kind.is_dir() {
            make_folder(&order.root, &order.to)?;
            copy_folder(&order.root, source, &order.to, &dress)?;
        } else {
            let to = if into_folder { join(&order.to, &name_of(source)) } else { order.to.clone() };
            copy_file(&order.root, source, &to, &dress)?;
        }
    }
    for (name, text) in &order.texts {
        let to = if into_folder { join(&order.to, name) } else { order.to.clone() };
        let path = free_place(&order.root, &to)?;
        fs::write(&path, text).map_err(on("write", path.display()))?;
        set_mode(&path, 0o644)?;
        dress.put_on(&path)?;
    }
    Ok(())
}

impl Dress {
    fn put_on(&self, path: &Path) -> Result<(), String> {
        if let Some((uid, gid)) = self.owner {
            lchown(path, Some(uid), Some(gid)).map_err(on("give away", path.display()))?;
        }
        let is_link = fs::symlink_metadata(path).is_ok_and(|kind| kind.is_symlink());
        match self.mode {
            Some(mode) if !is_link => set_mode(path, mode),
            _ => Ok(()),
        }
    }
}

fn copy_folder(root: &Path, source: &Path, to: &str, dress: &Dress) -> Result<(), String> {
    for entry in fs::read_dir(source).map_err(on("read", shown(source)))? {
        let entry = entry.map_err(on("read", shown(source)))?;
        let kind = entry.file_type().map_err(on("read", shown(&entry.path())))?;
        let to = join(to, &name_of(&entry.path()));
        if kind.is_dir() {
            let made = make_folder(root, &to)?;
            let mode = entry.metadata().map_or(0o755, |kind| kind.mode() & 0o7777);
            set_mode(&made, mode)?;
            dress.put_on(&made)?;
            copy_folder(root, &entry.path(), &to, dress)?;
        } else {
            copy_file(root, &entry.path(), &to, dress)?;
        }
    }
    Ok(())
}

fn copy_file(root: &Path, source: &Path, to: &str, dress: &Dress) -> Result<(), String> {
    let path = free_place(root, to)?;
    copy_entry(source, &path).map_err(|error| format!("failed to copy `{}`: {error}", shown(source)))?;
    dress.put_on(&path)
}

/// Where a file `to` goes: its folder exists, and nothing but a folder is in its place.
fn free_place(root: &Path, to: &str) -> Result<PathBuf, String> {
    let (parent, name) = to.trim_end_matches('/').rsplit_once('/').unwrap_or(("", to));
    let path = make_folder(root, if parent.is_empty() { "/" } else { parent })?.join(name);
    match fs::symlink_metadata(&path) {
        Ok(kind) if kind.is_dir() => Err(format!("cannot copy to non-directory: {to}")),
        Ok(_) => fs::remove_file(&path).map(|()| path.clone()).map_err(on("replace", path.display())),
        Err(_) => Ok(path),
    }
}

/// Copies a file with its mode, or a link as it is. Sockets and devices are left out.
pub(super) fn copy_entry(source: &Path, to: &Path) -> std::io::Result<()> {
    let kind = fs::symlink_metadata(source)?;
    if kind.is_symlink() {
        return copy_link(source, to);
    }
    if kind.is_file() { fs::copy(source, to).map(|_| ()) } else { Ok(()) }
}

pub(super) fn copy_link(source: &Path, to: &Path) -> std::io::Result<()> {
    symlink(fs::read_link(source)?, to)
}

pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), String> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(on("set the mode of", path.display()))
}

/// Copies what lies in `from` itself and not in something mounted there.
pub(super) fn copy_uncovered(from: &Path, to: &Path) -> Result<(), String> {
    let device = fs::metadata(from).map_err(on("read", from.display()))?.dev();
    copy_on_device(from, to, device)
}

fn copy_on_device(from: &Path, to: &Path, device: u64) -> Result<(), String> {
    for entry in fs::read_dir(from).map_err(on("read", from.display()))?.flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let Ok(kind) = entry.metadata() else { continue };
        if !kind.is_dir() {
            if fs::symlink_metadata(&target).is_err() {
                copy_entry(&source, &target).map_err(on("copy", source.display()))?;
                let _ = lchown(&target, Some(kind.uid()), Some(kind.gid()));
            }
        } else if kind.dev() == device {
            fs::create_dir_all(&target).map_err(on("make", target.display()))?;
            copy_on_device(&source, &target, device)?;
            set_mode(&target, kind.mode() & 0o7777)?;
            let _ = chown(&target, Some(kind.uid()), Some(kind.gid()));
        }
    }
    Ok(())
}

/// Makes a folder and its parents in `root`; returns where it really is.
pub(super) fn make_folder(root: &Path, path: &str) -> Result<PathBuf, String> {
    let folder = resolve(root, path)?;
    match fs::create_dir_all(&folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(format!("failed to mkdir {path}: mkdir {path}: not a directory"))
        }
        Err(error) => Err(format!("failed to mkdir {path}: {error}")),
        Ok(()) => Ok(folder),
    }
}

/// Follows links of `path` as if `root` were the root, so that none leads outside.
fn resolve(root: &Path, path: &str) -> Result<PathBuf, String> {
    let mut links = 0;
    let mut at = root.to_owned();
    let mut rest: Vec<PathBuf> = segments(Path::new(path));
    while let Some(segment) = rest.pop() {
        if segment.as_os_str() == ".." {
            if at != root {
                at.pop();
            }
            continue;
        }
        let next = at.join(&segment);
        let Ok(target) = fs::read_link(&next) else {
            at = next;
            continue;
        };
        links += 1;
        if links > LINKS_MAX {
            return Err(format!("too many links in {path}"));
        }
        if target.is_absolute() {
            root.clone_into(&mut at);
        }
        rest.extend(segments(&target));
    }
    Ok(at)
}

/// The segments of a path, last first.
fn segments(path: &Path) -> Vec<PathBuf> {
    let kept = |part: Component| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    };
    path.components().rev().filter_map(kept).collect()
}

/// The files that a source names, wildcards expanded.
fn matches_of(from: &Path, source: &str) -> Result<Vec<PathBuf>, String> {
    let clean: Vec<PathBuf> = segments(Path::new(source)).into_iter().filter(|part| part.as_os_str() != "..").collect();
    let mut found = vec![from.to_owned()];
    for pattern in clean.iter().rev() {
        let pattern = pattern.to_string_lossy();
        let has_wildcard = pattern.contains(['*', '?', '[']);
        found = found.iter().flat_map(|folder| candidates(folder, &pattern, has_wildcard)).collect();
    }
    if found.is_empty() {
        let path = format!("/{}", source.trim_start_matches("./").trim_start_matches('/'));
        return Err(format!("\"{path}\": not found"));
    }
    found.sort();
    Ok(found)
}

fn candidates(folder: &Path, pattern: &str, has_wildcard: bool) -> Vec<PathBuf> {
    if !has_wildcard {
        let path = folder.join(pattern);
        return if fs::symlink_metadata(&path).is_ok() { vec![path] } else { Vec::new() };
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let pattern: Vec<char> = pattern.chars().collect();
    let fits = |name: &str| fits(&pattern, &name.chars().collect::<Vec<_>>());
    entries.filter(|entry| fits(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
}

/// Whether a name fits a pattern of `*`, `?` and `[a-z]`.
fn fits(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['*', rest @ ..], _) => fits(rest, name) || (!name.is_empty() && fits(pattern, &name[1..])),
        (['?', rest @ ..], [_, others @ ..]) => fits(rest, others),
        (['[', rest @ ..], [first, others @ ..]) => {
            let Some(end) = rest.iter().position(|each| *each == ']') else { return false };
            let (negated, set) = match &rest[..end] {
                ['^', set @ ..] => (true, set),
                set => (false, set),
            };
            in_set(set, *first) != negated && fits(&rest[end + 1..], others)
        }
        (['\\', literal, rest @ ..], [first, others @ ..]) | ([literal, rest @ ..], [first, others @ ..]) => {
            literal == first && fits(rest, others)
        }
        _ => false,
    }
}

fn in_set(set: &[char], character: char) -> bool {
    match set {
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&character) || in_set(rest, character),
        [each, rest @ ..] => *each == character || in_set(rest, character),
        [] => false,
    }
}

fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_as_docker_has_them() {
        let check =
            |pattern: &str, name: &str| fits(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>());
        assert!(check("package*.json", "package-lock.json"));
        assert!(check("re[a-q]uirements.tx?", "requirements.txt"));
        assert!(!check("*.json", "package.js"));
        assert!(check("[^a]b", "cb") && !check("[^a]b", "ab"));
    }

    #[test]
    fn a_link_never_leads_out_of_the_root() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink("/etc", folder.path().join("app")).expect("a link");
        symlink("../../..", folder.path().join("up")).expect("a link");
        assert_eq!(resolve(folder.path(), "/app/x"), Ok(folder.path().join("etc/x")));
        assert_eq!(resolve(folder.path(), "/up/x"), Ok(folder.path().join("x")));
    }
}
