//! A control group of ours around the steps of a BuildKit build, which knows no memory limit itself.
//!
//! Below the group it is told (`--cgroup-parent`) the engine makes one for each step, in every hierarchy of the kernel.
//! Ours is there before, with the limit, and goes with all that is below it when the build is over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::LABEL;
use crate::world;

/// Where every Linux shows its control groups.
const TOP: &str = "/sys/fs/cgroup";

/// A step of a build that was cut short takes the engine a moment to end. One that takes longer is left to a later sweep.
const REMOVALS_MAX: u32 = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

/// Limits the memory of all that runs in it; removed when its handle drops.
#[derive(Debug)]
pub(super) struct Group {
    name: String,
    memory: PathBuf,
    hierarchies: Vec<PathBuf>,
}

/// How this kernel shows its control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One hierarchy with all controllers (version 2).
    Unified,
    /// One for each controller (version 1).
    Apart,
}

impl Group {
    /// Makes a group in which nothing can take more than `memory_bytes` in all; else says why there can be none.
    pub(super) fn make(memory_bytes: u64) -> Result<Self, String> {
        let top = Path::new(TOP);
        let layout = Layout::of(top)?;
        let name = format!("{}{}", prefix(std::process::id()), world::random_word(8));
        let memory = layout.memory(top);
        let group = Self { memory: memory.join(&name), hierarchies: hierarchies(top), name };
        group.limit(layout, &memory, memory_bytes).map_err(|error| format!("no control group can be made: {error}"))?;
        Ok(group)
    }

    fn limit(&self, layout: Layout, root: &Path, memory_bytes: u64) -> io::Result<()> {
        let bytes = memory_bytes.to_string();
        fs::create_dir(&self.memory)?;
        let set = |file: &str, value: &str| fs::write(self.memory.join(file), value);
        match layout {
            Layout::Unified => {
                if !self.memory.join("memory.max").exists() {
                    fs::write(root.join("cgroup.subtree_control"), "+memory")?;
                }
                set("memory.max", &bytes)?;
                // Kernels without swap have no such file.
                let _ = set("memory.swap.max", "0");
            }
            Layout::Apart => {
                // Kernels before 5.11 count what is below a group only when asked to.
                let _ = set("memory.use_hierarchy", "1");
                set("memory.limit_in_bytes", &bytes)?;
                let _ = set("memory.memsw.limit_in_bytes", &bytes);
            }
        }
        Ok(())
    }

    /// What the engine is told.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name)
    }

    /// Whether the engine has put a step here. Old ones and those elsewhere do not, and say nothing.
    pub(super) fn is_used(&self) -> bool {
        folders(&self.memory).next().is_some()
    }

    /// Whether the kernel has killed a process here for its memory, as far as it counts that: in version 2 only.
    pub(super) fn has_killed(&self) -> bool {
        let events = fs::read_to_string(self.memory.join("memory.events")).unwrap_or_default();
        events.lines().filter_map(|line| line.strip_prefix("oom_kill ")).any(|count| count.trim() != "0")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for _ in 0..REMOVALS_MAX {
            // All of them each time: none may stay because another one is still busy.
            let busy = self.hierarchies.iter().filter(|top| !is_removed(&top.join(&self.name))).count();
            if busy == 0 {
                return;
            }
            thread::sleep(REMOVAL_PAUSE);
        }
    }
}

impl Layout {
    fn of(top: &Path) -> Result<Self, String> {
        let (layout, is_root) = if top.join("cgroup.controllers").exists() {
            (Self::Unified, !top.join("cgroup.type").exists())
        } else if top.join("memory/memory.limit_in_bytes").exists() {
            (Self::Apart, top.join("memory/release_agent").exists())
        } else {
            return Err("this machine has no control groups for memory".to_owned());
        };
        // The engine counts from the kernel's root. Told a name that is ours in a container, it would take another group.
        if is_root { Ok(layout) } else { Err("this is a container with control groups of its own".to_owned()) }
    }

    /// The root of the hierarchy that limits memory.
    fn memory(self, top: &Path) -> PathBuf {
        match self {
            Self::Unified => top.to_owned(),
            Self::Apart => top.join("memory"),
        }
    }
}

/// Removes groups of processes of ours that were killed before they could.
pub(super) fn sweep() {
    for hierarchy in hierarchies(Path::new(TOP)) {
        for folder in folders(&hierarchy).filter(|folder| is_orphaned(folder)) {
            is_removed(&folder);
        }
    }
}

/// Starts the name of every group that a process makes: its number, and the namespace where that number means it.
fn prefix(pid: u32) -> String {
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{LABEL}-{space}-{pid}-")
}

fn is_orphaned(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let pid = name.rsplit('-').nth(1).and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| name.starts_with(&prefix(pid)) && !Path::new("/proc").join(pid.to_string()).exists())
}

/// The roots of all hierarchies.
fn hierarchies(top: &Path) -> Vec<PathBuf> {
    match Layout::of(top) {
        Ok(Layout::Unified) => vec![top.to_owned()],
        _ => folders(top).filter(|folder| folder.join("cgroup.procs").exists()).collect(),
    }
}

fn folders(parent: &Path) -> impl Iterator<Item = PathBuf> {
    // No links: two names may lead to one hierarchy.
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// Removes a group and those below it; the kernel keeps one that still holds a process.
fn is_removed(folder: &Path) -> bool {
    for below in folders(folder) {
        is_removed(&below);
    }
    match fs::remove_dir(folder) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str], expected: Result<Layout, &str>) {
        let top = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = top.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        assert_eq!(Layout::of(top.path()), expected.map_err(str::to_owned), "{files:?}");
    }

    #[test]
    fn a_group_is_made_only_where_the_engine_sees_the_same_root() {
        check(&["cgroup.controllers", "cgroup.procs"], Ok(Layout::Unified));
        check(&["memory/memory.limit_in_bytes", "memory/release_agent", "cpu/release_agent"], Ok(Layout::Apart));
        let contained = Err("this is a container with control groups of its own");
        check(&["cgroup.controllers", "cgroup.type"], contained);
        check(&["memory/memory.limit_in_bytes"], contained);
        // Version 2 mounted beside version 1, without the memory controller.
        check(
            &["unified/cgroup.controllers", "cpu/release_agent"],
            Err("this machine has no control groups for memory"),
        );
        check(&[], Err("this machine has no control groups for memory"));
    }

    #[test]
    fn a_group_is_left_behind_when_its_process_is_gone_and_was_one_of_here() {
        let orphaned = |name: &str| is_orphaned(&Path::new(TOP).join(name));
        let gone = u32::MAX;
        assert!(orphaned(&format!("{}abcdefgh", prefix(gone))));
        assert!(!orphaned(&format!("{}abcdefgh", prefix(std::process::id()))));
        assert!(!orphaned(&format!("{LABEL}-1-{gone}-abcdefgh")));
        assert!(!orphaned("docker"));
    }
}
