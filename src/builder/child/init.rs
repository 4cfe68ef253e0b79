//! The first process of a process namespace: sees the root, starts the command in it, reaps what is left behind.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_remount, unmount};
use rustix::process::{Pid, Signal, WaitOptions, chdir, kill_process, pivot_root, wait};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

use super::{RunOrder, on, say};
use crate::world;

/// What Docker leaves to the root of a container, without making device files: those would reach the host's disks.
const CAPABILITIES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::AUDIT_WRITE);

/// Harmless device files, as every container has them.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// Users that base images bring and this host may not have: the command then runs as root, which is told.
const USERS_OF_BASE_IMAGES: &[&str] =
    &["node", "nginx", "postgres", "redis", "app", "bun", "deno", "nonroot", "gradle", "rails"];

/// As which user to run.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    uid: u32,
    gid: u32,
}

/// Runs the command to its end. When this process ends, the kernel ends all others of the namespace.
pub(super) fn run(order: &RunOrder) -> Result<u8, String> {
    see_root(&order.root)?;
    let owner = match &order.user {
        Some(user) => owner(user, order.has_user_namespace)?,
        None => None,
    };
    limit_capabilities();
    let Some((program, arguments)) = order.argv.split_first() else { return Err("no command specified".to_owned()) };
    fs::create_dir_all(&order.workdir).map_err(on("make", &order.workdir))?;
    let mut command = command_of(program, arguments, order);
    if let Some(owner) = &owner {
        command.uid(owner.uid).gid(owner.gid);
    }
    match command.spawn() {
        Ok(child) => Ok(attend(child.id())),
        Err(error) => Ok(refused(program, &error)),
    }
}

fn command_of(program: &str, arguments: &[String], order: &RunOrder) -> Command {
    let mut command = world::command(program).into_std();
    command.args(arguments).env_clear().envs(&order.env).current_dir(&order.workdir).stdin(Stdio::null());
    command
}

/// Says why a command does not start, in a runtime's words, and gives the exit code a container would have.
pub(super) fn refused(program: &str, error: &std::io::Error) -> u8 {
    let (reason, code) = match error.kind() {
        std::io::ErrorKind::NotFound if program.contains('/') => ("no such file or directory", 127),
        std::io::ErrorKind::NotFound => ("executable file not found in $PATH", 127),
        std::io::ErrorKind::PermissionDenied => ("permission denied", 126),
        _ => {
            say(&format!("exec: \"{program}\": {error}"));
            return 126;
        }
    };
    say(&format!("runc run failed: unable to start container process: exec: \"{program}\": {reason}"));
    code
}

/// Waits for the command, reaps orphans, and obeys control on stdin meanwhile.
fn attend(id: u32) -> u8 {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    std::thread::spawn(move || obey(pid, kill_process));
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if Some(ended) == pid => {
                let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
                return code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255);
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return 255,
        }
    }
}

/// Reads control: a `t` asks the process to end; when the stream ends, the parent is gone and so must it be.
pub(super) fn obey(pid: Option<Pid>, send: impl Fn(Pid, Signal) -> rustix::io::Result<()>) {
    let Some(pid) = pid else { return };
    let mut byte = [0];
    while matches!(std::io::stdin().read(&mut byte), Ok(1)) {
        let _ = send(pid, Signal::TERM);
    }
    let _ = send(pid, Signal::KILL);
}

/// Makes `root` the root: with its own `/proc` and few devices, and without a way back to the host's.
fn see_root(root: &Path) -> Result<(), String> {
    mount_bind_recursive(root, root).map_err(on("bind", root.display()))?;
    let none = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if mount("proc", root.join("proc"), "proc", none, None).is_err() {
        // Inside a container the kernel refuses a new one; the host's shows too much, but programs need it.
        mount_bind_recursive("/proc", root.join("proc")).map_err(on("bind", "/proc"))?;
    }
    let sys = root.join("sys");
    if mount("sysfs", &sys, "sysfs", none | MountFlags::RDONLY, None).is_err() {
        // Needs a network namespace of one's own when unprivileged; without it only a few programs miss something.
        let _ = mount_bind_recursive("/sys", &sys);
    }
    devices(&root.join("dev"))?;
    chdir(root).map_err(on("enter", root.display()))?;
    // Puts the old root on top of the new one; taking it away leaves the new one only.
    pivot_root(".", ".").map_err(on("change root to", root.display()))?;
    unmount(".", UnmountFlags::DETACH).map_err(on("leave", "host's root"))?;
    chdir("/").map_err(on("enter", "/"))
}

fn devices(dev: &Path) -> Result<(), String> {
    mount("tmpfs", dev, "tmpfs", MountFlags::NOSUID, Some(c"mode=755,size=64m")).map_err(on("mount", dev.display()))?;
    for name in DEVICES {
        let target = dev.join(name);
        File::create(&target).map_err(on("make", target.display()))?;
        let _ = mount_bind(Path::new("/dev").join(name), &target);
    }
    let links = [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")];
    for (name, target) in links {
        symlink(target, dev.join(name)).map_err(on("link", name))?;
    }
    let shm = dev.join("shm");
    fs::create_dir(&shm).map_err(on("make", shm.display()))?;
    mount("tmpfs", &shm, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=1777,size=64m"))
        .map_err(on("mount", shm.display()))?;
    let pts = dev.join("pts");
    fs::create_dir(&pts).map_err(on("make", pts.display()))?;
    let options = Some(c"newinstance,ptmxmode=0666,mode=620");
    if mount("devpts", &pts, "devpts", MountFlags::NOSUID | MountFlags::NOEXEC, options).is_ok() {
        let _ = symlink("pts/ptmx", dev.join("ptmx"));
    }
    // Nothing but the shared memory and terminals is to be written here.
    let _ = mount_remount(dev, MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID, c"");
    Ok(())
}

/// Keeps the command's root from what a container's root may not do either.
fn limit_capabilities() {
    for capability in CapabilitySet::all().difference(CAPABILITIES).iter() {
        // Older kernels do not know the newest ones.
        let _ = remove_capability_from_bounding_set(capability);
    }
}

/// Finds the user of a USER instruction in the root's own files. `None` stays what we are.
fn owner(user: &str, has_user_namespace: bool) -> Result<Option<Owner>, String> {
    let (name, group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let found = match find(&passwd, &groups, name, group) {
        Ok(found) => found,
        Err(_) if USERS_OF_BASE_IMAGES.contains(&name) => {
            say(&format!("domain-runner: this host has no user `{name}`; runs as root"));
            return Ok(None);
        }
        Err(message) => return Err(message),
    };
    // A user namespace made by an ordinary user holds one user only.
    Ok((!has_user_namespace).then_some(found))
}

fn find(passwd: &str, groups: &str, name: &str, group: Option<&str>) -> Result<Owner, String> {
    let entry = |text: &str, name: &str| -> Option<Vec<String>> {
        let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
        text.lines().map(fields).find(|fields| fields.first().is_some_and(|first| first == name))
    };
    let number = |fields: &Vec<String>, at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok());
    let (uid, own_gid) = match (name.parse::<u32>(), entry(passwd, name)) {
        (_, Some(fields)) => (number(&fields, 2), number(&fields, 3)),
        (Ok(uid), None) => (Some(uid), Some(0)),
        (Err(_), None) => (None, None),
    };
    let uid = uid.ok_or_else(|| format!("unable to find user {name}: no matching entries in passwd file"))?;
    let gid = match group {
        None => own_gid,
        Some(group) => group.parse().ok().or_else(|| number(&entry(groups, group)?, 2)),
    };
    let group = group.unwrap_or_default();
    let gid = gid.ok_or_else(|| format!("unable to find group {group}: no matching entries in group file"))?;
    Ok(Owner { uid, gid })
}

/// The ids that `--chown=` names, looked up in a root.
pub(super) fn ids_in(root: &Path, owner: &str) -> Result<(u32, u32), String> {
    let (name, group) = owner.split_once(':').map_or((owner, None), |(name, group)| (name, Some(group)));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    match find(&read("etc/passwd"), &read("etc/group"), name, group) {
        Ok(found) => Ok((found.uid, found.gid)),
        Err(_) if USERS_OF_BASE_IMAGES.contains(&name) => Ok((0, 0)),
        Err(message) => Err(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let (passwd, group) = ("root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n", "ops:x:50:\n");
        assert_eq!(find(passwd, group, "web", None), Ok(Owner { uid: 1000, gid: 1001 }));
        assert_eq!(find(passwd, group, "web", Some("ops")), Ok(Owner { uid: 1000, gid: 50 }));
        assert_eq!(find(passwd, group, "7", None), Ok(Owner { uid: 7, gid: 0 }));
        let message = "unable to find user ghost: no matching entries in passwd file";
        assert_eq!(find(passwd, group, "ghost", None), Err(message.to_owned()));
    }
}
