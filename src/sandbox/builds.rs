//! Where builds and runs come from: the builder room, or scripts in the commits.

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::fake::{self, FakeEnd, FakeInstance, Script};
use crate::builder::{BuildEnd, BuildSpec, Builder, BuilderChoice, Exit, Image, Instance, Listening, LogSink, RunSpec};

/// `PORT` where every instance has a network of its own (contract §8).
const PORT_DEFAULT: u16 = 10_000;

/// Who builds and runs.
#[derive(Debug)]
pub enum Builds {
    Real(Builder),
    /// A commit scripts its own outcome in `fake-build.json`; see the `fake` module.
    Fake,
}

/// Something that can be started.
#[derive(Debug, Clone)]
pub(super) enum BuiltImage {
    Real(Image),
    Fake(Box<Script>),
}

impl BuiltImage {
    /// Two deploys of one image have the same tag.
    pub(super) fn tag(&self) -> &str {
        match self {
            Self::Real(image) => &image.tag,
            Self::Fake(_) => "",
        }
    }
}

/// How a build ended.
#[derive(Debug)]
pub(super) enum Built {
    Image(BuiltImage),
    Failed,
    TimedOut,
    OutOfMemory,
}

/// A running instance; dropping it kills it.
#[derive(Debug)]
pub(super) enum Running {
    Real(Box<Instance>),
    Fake(FakeInstance),
}

impl Builds {
    pub(super) async fn build(&self, spec: &BuildSpec, sink: &LogSink) -> Result<Built, String> {
        match self {
            Self::Real(builder) => match builder.build(spec, sink).await {
                Ok(BuildEnd::Built(image)) => Ok(Built::Image(BuiltImage::Real(image))),
                Ok(BuildEnd::Failed { .. }) => Ok(Built::Failed),
                Ok(BuildEnd::TimedOut) => Ok(Built::TimedOut),
                Ok(BuildEnd::OutOfMemory) => Ok(Built::OutOfMemory),
                Err(error) => Err(with_causes(&error)),
            },
            Self::Fake => Ok(match fake::build(spec, sink).await {
                FakeEnd::Built(script) => Built::Image(BuiltImage::Fake(script)),
                FakeEnd::Failed => Built::Failed,
                FakeEnd::TimedOut => Built::TimedOut,
                FakeEnd::OutOfMemory => Built::OutOfMemory,
            }),
        }
    }

    pub(super) async fn start(&self, image: &BuiltImage, run: &RunSpec, sink: LogSink) -> Result<Running, String> {
        match (self, image) {
            (Self::Real(builder), BuiltImage::Real(image)) => {
                let started = builder.start(image, run, sink).await;
                started.map(|instance| Running::Real(Box::new(instance))).map_err(|error| with_causes(&error))
            }
            (Self::Real(_), BuiltImage::Fake(_)) | (Self::Fake, BuiltImage::Real(_)) => {
                Err("the image comes from another builder".to_owned())
            }
            (Self::Fake, BuiltImage::Fake(script)) => {
                FakeInstance::start(script, run, &sink).await.map(Running::Fake).map_err(|error| error.to_string())
            }
        }
    }

    /// Runs a command on an instance of its own, to its end.
    pub(super) async fn run(&self, image: &BuiltImage, run: &RunSpec, sink: LogSink) -> Result<Exit, String> {
        match (self, image) {
            (Self::Fake, BuiltImage::Fake(script)) => Ok(script.prepare(&sink)),
            _ => {
                let mut running = self.start(image, run, sink).await?;
                loop {
                    if let Some(exit) = running.exited() {
                        return Ok(exit);
                    }
                    tokio::time::sleep(super::POLL).await;
                }
            }
        }
    }

    pub(super) async fn discard(&self, image: &BuiltImage) {
        if let (Self::Real(builder), BuiltImage::Real(image)) = (self, image) {
            builder.discard(image).await;
        }
    }

    /// The port an instance is told: the wanted one, or a free one where instances share this machine's network.
    ///
    /// Without an engine they always do; with one they do on machines that lack a bridge, and there the old
    /// instance holds the port that the new one would want.
    pub(super) fn port(&self, wanted: Option<u16>) -> u16 {
        match self {
            Self::Real(builder) if builder.kind() == BuilderChoice::Engine => {
                free_port(Some(wanted.unwrap_or(PORT_DEFAULT)))
            }
            Self::Real(_) => free_port(wanted),
            Self::Fake => wanted.unwrap_or(PORT_DEFAULT),
        }
    }
}

impl Running {
    pub(super) async fn listening(&self) -> Vec<Listening> {
        match self {
            Self::Real(instance) => instance.listening().await,
            Self::Fake(instance) => instance.listening(),
        }
    }

    pub(super) fn exited(&mut self) -> Option<Exit> {
        match self {
            Self::Real(instance) => instance.exited(),
            Self::Fake(instance) => instance.exited(),
        }
    }

    pub(super) async fn stop(self, grace: Duration) {
        match self {
            Self::Real(mut instance) => {
                instance.stop(grace).await;
            }
            Self::Fake(instance) => drop(instance),
        }
    }
}

/// A port that nobody listens on now: `wanted` if it is one.
fn free_port(wanted: Option<u16>) -> u16 {
    let free = |port: u16| {
        let listener = std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).ok()?;
        listener.local_addr().ok().map(|address| address.port())
    };
    wanted.and_then(free).or_else(|| free(0)).unwrap_or(PORT_DEFAULT)
}

/// An error and its causes in one line, as a build log has it.
fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
