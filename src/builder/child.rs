//! This program as its own helper: started again with a hidden argument, it does what needs a process of its own.
//!
//! The order comes in a variable (other users cannot read it, unlike arguments), control comes on stdin: a `t` asks the
//! command to end, the end of the stream kills it. A parent that dies closes the stream, so nothing outlives it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::understudy::Prefix;
use crate::world;

mod confined;
mod files;
mod init;
mod python;
mod roots;
mod slim;
mod spaces;

pub(super) use files::CopyOrder;

/// The hidden first argument.
pub(super) const ARGUMENT: &str = "__namespace-init";

/// The variable that holds the order.
pub(super) const ORDER: &str = "DOMAIN_RUNNER_ORDER";

/// What `docker run` exits with when it is at fault itself; no command of a build does.
const OWN_FAULT: u8 = 125;

/// The process whose namespaces an order is carried out in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) has_user_namespace: bool,
}

/// One thing to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// `None`: right here.
    pub(super) within: Option<Holder>,
    pub(super) act: Act,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Act {
    /// Make namespaces with a tmpfs at `base`, say `ready`, and keep them until stdin ends.
    Hold {
        base: PathBuf,
        bytes_max: u64,
        user_namespace: bool,
    },
    /// Make the root folder of a stage.
    Lay(LayOrder),
    Copy(CopyOrder),
    /// Make a folder and its parents in a root.
    Folder {
        root: PathBuf,
        path: String,
    },
    /// Run a command in a root, in a process namespace of its own.
    Run(RunOrder),
    /// The first process of that namespace.
    Init(RunOrder),
    /// Run a command without namespaces.
    RunConfined(ConfinedOrder),
    /// Run a program of this machine with these variables added; its family ends with us.
    Guard {
        argv: Vec<String>,
        env: BTreeMap<String, String>,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LayOrder {
    pub(super) base: PathBuf,
    pub(super) stage: usize,
    pub(super) from: LayFrom,
    pub(super) has_user_namespace: bool,
    /// Folders with tools outside the system's own ones, shown as well.
    pub(super) tools: Vec<PathBuf>,
    /// Shown as `/usr/local`, on top of the host's.
    pub(super) prefix: Option<Prefix>,
    /// Whether compilers and other tools are left out.
    pub(super) is_slim: bool,
    /// Whether the host's own Python is what the image is there for, and stays.
    pub(super) is_hosts_python: bool,
}

/// What a stage's root starts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum LayFrom {
    Host,
    Stage(usize),
    Nothing,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunOrder {
    pub(super) root: PathBuf,
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) workdir: String,
    /// `name`, `uid` or `uid:gid`, as USER says it.
    pub(super) user: Option<String>,
    pub(super) has_user_namespace: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ConfinedOrder {
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) workdir: PathBuf,
    /// The only folder that may be written to, where the kernel knows Landlock.
    pub(super) writable: PathBuf,
}

/// Carries out an order, when this process was started for one. `main` asks this before anything else.
///
/// No thread may run yet: the kernel lets only single-threaded processes change their user namespace.
pub fn main_if_asked() -> Option<ExitCode> {
    if std::env::args_os().nth(1)? != ARGUMENT {
        return None;
    }
    let order = world::env(ORDER).and_then(|text| serde_json::from_str::<Order>(&text).ok());
    Some(match order.ok_or_else(|| "no order given".to_owned()).and_then(carry_out) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            say(&message);
            ExitCode::from(OWN_FAULT)
        }
    })
}

fn carry_out(order: Order) -> Result<u8, String> {
    if let Some(holder) = &order.within {
        spaces::enter(holder)?;
    }
    match order.act {
        Act::Hold { base, bytes_max, user_namespace } => spaces::hold(&base, bytes_max, user_namespace),
        Act::Lay(order) => roots::lay(&order),
        Act::Copy(order) => files::copy(&order).map(|()| 0),
        Act::Folder { root, path } => files::make_folder(&root, &path).map(|_| 0),
        Act::Run(order) => spaces::run(&order),
        Act::Init(order) => init::run(&order),
        Act::RunConfined(order) => confined::run(&order),
        Act::Guard { argv, env } => confined::guard(&argv, &env),
    }
}

/// Writes a line where the parent reads it.
fn say(message: &str) {
    // Nobody is left to tell when even this fails.
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Turns an error into a sentence that starts with what was tried.
fn on<E: std::fmt::Display>(act: &str, object: impl std::fmt::Display) -> impl FnOnce(E) -> String {
    let start = format!("failed to {act} `{object}`");
    move |error| format!("{start}: {error}")
}
