//! Root folders for stages: copy-on-write views of this machine's own system folders.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};
use serde::{Deserialize, Serialize};

use super::{LayFrom, LayOrder, Prefix, files, on, python, say, slim};

/// What a base image would hold. Homes, data and other top folders of the host stay out of sight.
const SYSTEM_FOLDERS: &[&str] =
    &["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var", "opt", "nix", "snap"];

/// Every root has these, empty at first.
const EMPTY_FOLDERS: &[&str] =
    &["dev", "proc", "sys", "run", "tmp", "mnt", "media", "root", "home", "srv", "boot", "var/tmp"];

/// A folder that cannot be overlaid (something is mounted in it) is made by hand and its own folders are laid, down to
/// here; `/var/lib/docker` is the deepest usual case.
const DEPTH_MAX: usize = 4;

/// Files with secrets that a folder of tools may hold.
const SECRETS: &[&str] = &["credentials", "credentials.toml", "token", ".env"];

/// One overlay of a root.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Layer {
    /// The folder as the root shows it.
    at: PathBuf,
    /// Top first, as the kernel wants them.
    lowers: Vec<PathBuf>,
}

/// A stage's root while it is being made.
struct Laying<'a> {
    order: &'a LayOrder,
    root: PathBuf,
    layers: Vec<Layer>,
}

/// Makes the root of a stage at `base/root-STAGE`.
pub(super) fn lay(order: &LayOrder) -> Result<u8, String> {
    let root = super::super::ground::root_of(&order.base, order.stage);
    fs::create_dir_all(&root).map_err(on("make", root.display()))?;
    let mut laying = Laying { order, root, layers: Vec::new() };
    match order.from {
        LayFrom::Nothing => {}
        LayFrom::Host => laying.lay_host(),
        LayFrom::Stage(stage) => laying.lay_stage(stage)?,
    }
    for folder in EMPTY_FOLDERS {
        let folder = laying.root.join(folder);
        // `/var/tmp` may exist already, or its parent be read-only to us.
        let _ = fs::create_dir_all(&folder);
    }
    for folder in ["tmp", "var/tmp"] {
        let _ = files::set_mode(&laying.root.join(folder), 0o1777);
    }
    if order.from == LayFrom::Host {
        laying.name_servers();
    }
    let record = serde_json::to_vec(&laying.layers).map_err(on("write", "layers"))?;
    fs::write(record_of(&order.base, order.stage), record).map_err(on("write", "layers"))?;
    Ok(0)
}

fn record_of(base: &Path, stage: usize) -> PathBuf {
    base.join(format!("layers-{stage}.json"))
}

impl Laying<'_> {
    fn lay_host(&mut self) {
        for name in SYSTEM_FOLDERS {
            let folder = Path::new("/").join(name);
            match fs::symlink_metadata(&folder) {
                Ok(kind) if kind.is_symlink() => {
                    let _ = files::copy_link(&folder, &self.root.join(name));
                }
                Ok(kind) if kind.is_dir() => self.folder(&folder, 1),
                _ => {}
            }
        }
        // An ordinary user cannot change root's folders, not even their copies.
        if self.order.is_slim
            && !self.order.has_user_namespace
            && let Err(error) = slim::forget_tools(&self.root, self.order.is_hosts_python)
        {
            say(&error);
        }
        if let Some(prefix) = &self.order.prefix
            && let Err(error) = self.prefix(prefix)
        {
            say(&error);
        }
        for tools in &self.order.tools {
            self.folder(tools, 1);
            for secret in SECRETS {
                let _ = fs::remove_file(self.shown(tools).join(secret));
            }
        }
    }

    /// Shows an installation as `/usr/local`, as official images have it.
    fn prefix(&mut self, prefix: &Prefix) -> Result<(), String> {
        let at = Path::new("/usr/local");
        if !self.overlay(at, vec![prefix.folder.clone(), at.to_owned()]) {
            return Err(format!("failed to lay `{}`", prefix.folder.display()));
        }
        let Some(python) = &prefix.python else { return Ok(()) };
        let packages = self.order.base.join(format!("packages-{}", self.order.stage));
        python::packages(&prefix.folder, python, &packages)?;
        self.overlay(&at.join(python::site_packages(python)), vec![packages]);
        python::programs(&self.shown(at), &prefix.folder, python)
    }

    /// Lays one folder, or makes it by hand and lays what is in it.
    fn folder(&mut self, folder: &Path, depth: usize) {
        if self.overlay(folder, vec![folder.to_owned()]) || depth >= DEPTH_MAX {
            return;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                self.folder(&entry.path(), depth + 1);
            } else {
                // Unreadable files are missing, as they would be unreadable.
                let _ = files::copy_entry(&entry.path(), &self.shown(&entry.path()));
            }
        }
    }

    fn lay_stage(&mut self, stage: usize) -> Result<(), String> {
        let base = &self.order.base;
        let record = fs::read(record_of(base, stage)).map_err(on("read", "layers"))?;
        let layers: Vec<Layer> = serde_json::from_slice(&record).map_err(on("read", "layers"))?;
        for (index, layer) in layers.into_iter().enumerate() {
            let mut lowers = vec![upper_of(base, stage, index)];
            lowers.extend(layer.lowers);
            if !self.overlay(&layer.at, lowers) {
                return Err(format!("failed to lay `{}` of an earlier stage", layer.at.display()));
            }
        }
        // What no overlay covers lies in the earlier root itself.
        let earlier = super::super::ground::root_of(base, stage);
        files::copy_uncovered(&earlier, &self.root)
    }

    /// Whether the kernel took it.
    fn overlay(&mut self, at: &Path, lowers: Vec<PathBuf>) -> bool {
        let index = self.layers.len();
        let target = self.shown(at);
        let (upper, work) = (upper_of(&self.order.base, self.order.stage, index), self.work_of(index));
        if [&target, &upper, &work].iter().any(|folder| fs::create_dir_all(folder).is_err()) {
            return false;
        }
        let lower: Vec<String> = lowers.iter().map(|lower| escaped(lower)).collect();
        let own_attributes = if self.order.has_user_namespace { ",userxattr" } else { "" };
        let options = format!(
            "lowerdir={},upperdir={},workdir={}{own_attributes}",
            lower.join(":"),
            escaped(&upper),
            escaped(&work)
        );
        let Ok(options) = CString::new(options) else { return false };
        if mount("overlay", &target, "overlay", MountFlags::empty(), options.as_c_str()).is_err() {
            return false;
        }
        self.layers.push(Layer { at: at.to_owned(), lowers });
        true
    }

    fn work_of(&self, index: usize) -> PathBuf {
        self.order.base.join(format!("work-{}-{index}", self.order.stage))
    }

    fn shown(&self, at: &Path) -> PathBuf {
        self.root.join(at.strip_prefix("/").unwrap_or(at))
    }

    /// Puts the host's name servers where a link to a running service's file would dangle.
    fn name_servers(&self) {
        let path = self.root.join("etc/resolv.conf");
        let is_link = fs::symlink_metadata(&path).is_ok_and(|kind| kind.is_symlink());
        if is_link && let Ok(servers) = fs::read("/etc/resolv.conf") {
            let replaced = fs::remove_file(&path).and_then(|()| fs::write(&path, servers));
            if let Err(error) = replaced {
                say(&format!("no name servers: {error}"));
            }
        }
    }
}

fn upper_of(base: &Path, stage: usize, index: usize) -> PathBuf {
    base.join(format!("upper-{stage}-{index}"))
}

/// A path as overlay options need it.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
}
