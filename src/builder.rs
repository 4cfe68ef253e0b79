//! Trial builds and runs: one interface over a Docker engine, Linux namespaces, and plain processes.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

mod child;
mod engine;
mod executor;
mod ground;
mod instance;
mod lines;
mod offer;
mod plain;
mod process;
mod procfs;
mod stand_in;
mod understudy;

pub use child::main_if_asked;
pub use instance::Instance;
pub use process::Runner;

use engine::Engine;
use stand_in::StandIn;

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

/// Which builder a person asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BuilderChoice {
    #[default]
    Auto,
    Engine,
    Namespaces,
    Plain,
}

impl FromStr for BuilderChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "engine" => Ok(Self::Engine),
            "namespaces" => Ok(Self::Namespaces),
            "plain" => Ok(Self::Plain),
            other => Err(format!("`{other}` is none of auto, engine, namespaces, plain")),
        }
    }
}

impl fmt::Display for BuilderChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Engine => "engine",
            Self::Namespaces => "namespaces",
            Self::Plain => "plain",
        })
    }
}

/// No builder can be used here.
#[derive(Debug, thiserror::Error)]
pub enum NoBuilder {
    #[error("no Docker or Podman engine answers; install one (https://docs.docker.com/engine/install) or start it")]
    Engine,
    #[error("the kernel refuses namespaces ({said}); run as root, or set `sysctl kernel.unprivileged_userns_clone=1`")]
    Namespaces { said: String },
    #[error("building without isolation must be allowed explicitly")]
    Unisolated,
    #[error(
        "nothing to build with: no Docker or Podman engine answers, and the kernel refuses namespaces ({said}); \
         install Docker (https://docs.docker.com/engine/install), start it, or allow building without isolation"
    )]
    Nothing { said: String },
}

/// A builder could not do its own part. What is wrong with the project is no such error; see [`BuildEnd`].
#[derive(Debug, thiserror::Error)]
pub enum BuilderError {
    #[error("failed to {act} `{object}`")]
    Io { act: &'static str, object: String, source: std::io::Error },
    #[error("the builder refuses: {said}")]
    Refused { said: String },
    #[error("image `{tag}` was not built here")]
    UnknownImage { tag: String },
}

impl BuilderError {
    fn on(act: &'static str, object: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let object = object.display().to_string();
        move |source| Self::Io { act, object, source }
    }
}

/// Builds images and starts them.
#[derive(Debug)]
pub struct Builder {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Engine(Engine),
    StandIn(StandIn),
}

impl Builder {
    /// Finds a builder that works here; every candidate is really tried.
    pub async fn detect(choice: BuilderChoice, allow_unisolated: bool) -> Result<Self, NoBuilder> {
        Self::detect_with(choice, allow_unisolated, Runner::this_program()).await
    }

    /// The same with another program as helper, which must call [`main_if_asked`].
    pub async fn detect_with(choice: BuilderChoice, allow_unisolated: bool, runner: Runner) -> Result<Self, NoBuilder> {
        let engine = || async { Engine::detect(&runner).await.map(Kind::Engine) };
        let namespaces = || async { StandIn::in_namespaces(&runner).await.map(Kind::StandIn) };
        let plain = || Kind::StandIn(StandIn::plain(&runner));
        let kind = match choice {
            BuilderChoice::Engine => engine().await.ok_or(NoBuilder::Engine)?,
            BuilderChoice::Namespaces => namespaces().await.map_err(|said| NoBuilder::Namespaces { said })?,
            BuilderChoice::Plain if !allow_unisolated => return Err(NoBuilder::Unisolated),
            BuilderChoice::Plain => plain(),
            BuilderChoice::Auto => match engine().await {
                Some(engine) => engine,
                None => match namespaces().await {
                    Ok(namespaces) => namespaces,
                    Err(_) if allow_unisolated => plain(),
                    Err(said) => return Err(NoBuilder::Nothing { said }),
                },
            },
        };
        Ok(Self { kind })
    }

    /// What builds, in words for a person: "Docker 26.1 (BuildKit)".
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Engine(engine) => engine.describe(),
            Kind::StandIn(stand_in) => stand_in.describe().to_owned(),
        }
    }

    /// The builder's kind; never `Auto`.
    pub fn kind(&self) -> BuilderChoice {
        match &self.kind {
            Kind::Engine(_) => BuilderChoice::Engine,
            Kind::StandIn(stand_in) => stand_in.kind(),
        }
    }

    /// Builds an image. A dropped future ends the build and all its processes.
    pub async fn build(&self, spec: &BuildSpec, log: &LogSink) -> Result<BuildEnd, BuilderError> {
        match &self.kind {
            Kind::Engine(engine) => engine.build(spec, log).await,
            Kind::StandIn(stand_in) => stand_in.build(spec, log).await,
        }
    }

    /// Starts an image. Its output goes to `log` until it ends.
    pub async fn start(&self, image: &Image, run: &RunSpec, log: LogSink) -> Result<Instance, BuilderError> {
        match &self.kind {
            Kind::Engine(engine) => engine.start(image, run, log).await,
            Kind::StandIn(stand_in) => stand_in.start(image, run, log),
        }
    }

    /// Removes an image and its scratch files. Its instances should have been stopped.
    pub async fn discard(&self, image: &Image) {
        match &self.kind {
            Kind::Engine(engine) => engine.discard(image).await,
            Kind::StandIn(stand_in) => stand_in.discard(image),
        }
    }
}
