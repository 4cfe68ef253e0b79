//! Namespaces: made once by a process that then only holds them, entered by every later step.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use super::{Act, Holder, ORDER, Order, RunOrder, on};
use crate::world;

/// Makes the namespaces and the tmpfs that takes all that is written, then waits for stdin to end.
///
/// When this process ends, mounts and files go with it: the kernel cleans up, however we were ended.
pub(super) fn hold(base: &Path, bytes_max: u64, user_namespace: bool) -> Result<u8, String> {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let mut flags = UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if user_namespace {
        flags |= UnshareFlags::NEWUSER;
    }
    unshare(flags).map_err(on("make", "namespaces"))?;
    if user_namespace {
        let map = |path: &str, text: &str| std::fs::write(path, text).map_err(on("write", path));
        // Without this the kernel refuses a group map from an ordinary user.
        map("/proc/self/setgroups", "deny")?;
        map("/proc/self/uid_map", &format!("0 {uid} 1"))?;
        map("/proc/self/gid_map", &format!("0 {gid} 1"))?;
    }
    privately()?;
    let options = format!("mode=755,size={bytes_max}");
    let options = std::ffi::CString::new(options).map_err(on("name", "options"))?;
    mount("tmpfs", base, "tmpfs", MountFlags::empty(), options.as_c_str()).map_err(on("mount", base.display()))?;
    let mut out = std::io::stdout();
    out.write_all(b"ready\n").and_then(|()| out.flush()).map_err(on("write", "stdout"))?;
    let mut rest = Vec::new();
    let _ = std::io::stdin().take(1024).read_to_end(&mut rest);
    Ok(0)
}

/// Moves this process into the namespaces that `holder` keeps.
pub(super) fn enter(holder: &Holder) -> Result<(), String> {
    let open = |name: &str| {
        let path = format!("/proc/{}/ns/{name}", holder.pid);
        File::open(&path).map_err(on("open", path))
    };
    let mut spaces = Vec::new();
    if holder.has_user_namespace {
        // First: it is what gives the right to enter the others.
        spaces.push((open("user")?, LinkNameSpaceType::User));
    }
    spaces.push((open("ipc")?, LinkNameSpaceType::InterProcessCommunication));
    spaces.push((open("uts")?, LinkNameSpaceType::HostNameAndNISDomainName));
    spaces.push((open("mnt")?, LinkNameSpaceType::Mount));
    for (file, kind) in spaces {
        move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(kind)).map_err(on("enter", "namespaces"))?;
    }
    Ok(())
}

/// Starts the first process of a new process namespace and waits for it. Control on stdin goes to it directly.
pub(super) fn run(order: &RunOrder) -> Result<u8, String> {
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWPID).map_err(on("make", "namespaces"))?;
    privately()?;
    let order = Order { within: None, act: Act::Init(order.clone()) };
    let order = serde_json::to_string(&order).map_err(on("write", "order"))?;
    let mut command = world::command("/proc/self/exe").into_std();
    command.arg(super::ARGUMENT).env(ORDER, order);
    let status = command.status().map_err(on("start", "first process"))?;
    Ok(exit_code(status))
}

/// The exit code a shell would show.
pub(super) fn exit_code(status: std::process::ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    u8::try_from(code).unwrap_or(255)
}

/// Keeps our mounts from the host and the host's later ones from us.
fn privately() -> Result<(), String> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", flags).map_err(on("make private", "/"))
}

#[expect(unsafe_code, reason = "rustix offers `unshare` as unsafe only, for the sake of `CLONE_FILES`")]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES));
    // SAFETY: only unsharing the table of file descriptors between threads is unsound. `FILES` is never among the
    // flags, and this process has a single thread.
    unsafe { unshare_unsafe(flags) }
}
