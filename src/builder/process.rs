//! Starting this program as its own helper, and watching over it: output, memory, end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, ChildStdin};
use tokio::sync::watch;

use super::child::{ARGUMENT, ORDER, Order};
use super::{BuilderError, Exit, lines, procfs};
use crate::world;

/// Short enough that nothing grows by gigabytes between two looks; a look costs a millisecond or two.
const MEMORY_LOOK: Duration = Duration::from_millis(200);

/// What a process killed by the kernel's or our memory limit exits with.
const KILLED: i64 = 137;

/// The program that carries out orders: this one, unless a test says otherwise.
#[derive(Debug, Clone)]
pub struct Runner {
    pub exe: PathBuf,
    /// Programs that every stood-in base image shows, by the names they are called.
    pub programs: BTreeMap<String, PathBuf>,
}

impl Runner {
    /// The running program itself. The link stays valid when the file is replaced, as an update does.
    pub fn this_program() -> Self {
        Self { exe: PathBuf::from("/proc/self/exe"), programs: BTreeMap::new() }
    }

    /// Starts a helper. It ends when the handle is dropped, and takes all its processes with it.
    pub(super) fn start(&self, order: &Order) -> Result<Helper, BuilderError> {
        let text =
            serde_json::to_string(order).map_err(|source| BuilderError::on("write", &self.exe)(source.into()))?;
        let mut command = world::command(&self.exe);
        // Not killed but told by the end of its stdin, so that it can end its own processes first.
        command.kill_on_drop(false).arg(ARGUMENT).env(ORDER, text).stdin(Stdio::piped());
        let output = lines::join(&mut command).map_err(BuilderError::on("start", &self.exe))?;
        let mut child = command.spawn().map_err(BuilderError::on("start", &self.exe))?;
        let control = Control { stdin: child.stdin.take() };
        Ok(Helper { pid: child.id().unwrap_or(0), child, output, control })
    }

    /// Carries out an order that answers only when something is wrong.
    pub(super) async fn carry_out(&self, order: &Order) -> Result<(), String> {
        let helper = self.start(order).map_err(|error| error.to_string())?;
        let mut said = Vec::new();
        let exit = helper.watch(u64::MAX, |line| said.push(line)).await;
        if exit.code == 0 { Ok(()) } else { Err(said.join("\n")) }
    }
}

/// A running helper.
pub(super) struct Helper {
    pub(super) pid: u32,
    child: Child,
    output: Receiver,
    pub(super) control: Control,
}

/// The helper's stdin: its life line.
#[derive(Debug)]
pub(super) struct Control {
    stdin: Option<ChildStdin>,
}

impl Control {
    /// Asks the command to end.
    pub(super) async fn ask_to_end(&mut self) {
        if let Some(stdin) = &mut self.stdin {
            // A helper that is gone already has nothing left to end.
            let _ = stdin.write_all(b"t").await;
        }
    }

    /// Kills the command and everything it started.
    pub(super) fn cut(&mut self) {
        self.stdin = None;
    }
}

impl Helper {
    /// Hands on the output until the helper ends; kills its processes when they take more than `memory_bytes`.
    pub(super) async fn watch(self, memory_bytes: u64, each: impl FnMut(String)) -> Exit {
        let Self { pid, child, output, control: _control } = self;
        watch(pid, child, output, memory_bytes, each).await
    }

    /// The same in the background, with control kept by the caller.
    pub(super) fn watch_apart(
        self,
        memory_bytes: u64,
        each: impl FnMut(String) + Send + 'static,
    ) -> (Control, watch::Receiver<Option<Exit>>) {
        let Self { pid, child, output, control } = self;
        let (tell, exit) = watch::channel(None);
        tokio::spawn(async move {
            let exit = watch(pid, child, output, memory_bytes, each).await;
            let _ = tell.send(Some(exit));
        });
        (control, exit)
    }

    /// Waits for the helper's first line.
    pub(super) async fn first_line(&mut self) -> Option<String> {
        use tokio::io::AsyncReadExt;
        let mut line = Vec::new();
        loop {
            match self.output.read_u8().await {
                Ok(b'\n') => return Some(String::from_utf8_lossy(&line).into_owned()),
                Ok(byte) => line.push(byte),
                Err(_) if line.is_empty() => return None,
                Err(_) => return Some(String::from_utf8_lossy(&line).into_owned()),
            }
        }
    }
}

async fn watch(pid: u32, mut child: Child, output: Receiver, memory_bytes: u64, each: impl FnMut(String)) -> Exit {
    let mut out_of_memory = false;
    let relayed = lines::relay(output, each);
    let guarded = async {
        loop {
            tokio::time::sleep(MEMORY_LOOK).await;
            let family = procfs::family(pid);
            if procfs::memory_bytes(&family) > memory_bytes {
                out_of_memory = true;
                kill_below(&family);
            }
        }
    };
    tokio::select! {
        () = relayed => {}
        () = guarded => {}
    }
    let code = child.wait().await.ok().and_then(|status| status.code()).map_or(-1, i64::from);
    Exit { code: if out_of_memory { KILLED } else { code }, out_of_memory }
}

/// Kills all but the first, the helper itself: it stays to tell the end.
fn kill_below(family: &[u32]) {
    for pid in family.iter().skip(1).filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
