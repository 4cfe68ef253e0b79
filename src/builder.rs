//! Trial builds and runs: one interface over a Docker engine, Linux namespaces, and plain processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

/// Receives the output of a build or a container, a line at a time, as it is printed.
pub type LogSink = UnboundedSender<String>;

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildSpec {
    pub context: PathBuf,
    /// Absolute, or relative to `context`.
    pub dockerfile: PathBuf,
    pub build_args: BTreeMap<String, String>,
    /// Names the image: unique per deploy, lower case.
    pub tag: String,
    pub timeout: Duration,
    pub memory_bytes: u64,
    /// Folder for the builder's own files; emptied by `Builder::discard`.
    pub scratch: PathBuf,
}

/// How a build ended. Why it failed stands in its log.
#[derive(Debug, Clone)]
pub enum BuildEnd {
    Built(Image),
    Failed { exit_code: i64 },
    TimedOut,
    OutOfMemory,
}

/// Something that can be started.
#[derive(Debug, Clone)]
pub struct Image {
    pub tag: String,
}

/// How to start an image.
#[derive(Debug, Clone)]
pub struct RunSpec {
    pub env: BTreeMap<String, String>,
    /// What `PORT` says; the process should listen there.
    pub port: u16,
    pub memory_bytes: u64,
    /// Replaces the image's command; run by `/bin/sh -c`.
    pub command: Option<String>,
}

/// How a container or process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    pub code: i64,
    pub out_of_memory: bool,
}

/// A port on which a running instance listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The port as the process sees it.
    pub port: u16,
    /// Bound to the loopback address only: the platform would not find it.
    pub loopback_only: bool,
    /// Where this machine reaches it.
    pub reach: SocketAddr,
}
