//! Builds without an engine: this host stands in for base images.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::executor::{self, Launch, Outcome};
use super::ground::Ground;
use super::process::Runner;
use super::{BuildEnd, BuildSpec, BuilderChoice, BuilderError, Image, Instance, LogSink, RunSpec};
use crate::world;

/// The builder for machines without an engine.
#[derive(Debug)]
pub(super) struct StandIn {
    runner: Runner,
    is_plain: bool,
    /// By tag. They end with the builder.
    images: Mutex<BTreeMap<String, Built>>,
}

/// An image: a root that is kept, and what to run in it.
#[derive(Debug, Clone)]
struct Built {
    ground: Arc<Ground>,
    launch: Launch,
    _leftover: Arc<Leftover>,
}

/// What we put into a build's scratch folder.
const FOLDERS: &[&str] = &["context", "plain"];

/// Files that are removed when this drops: at the end of a failed build, a dropped one too, or with the image.
#[derive(Debug)]
pub(super) struct Leftover {
    folders: Vec<PathBuf>,
}

impl Leftover {
    pub(super) fn below(scratch: &Path, folders: &[&str]) -> Self {
        Self { folders: folders.iter().map(|folder| scratch.join(folder)).collect() }
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        for folder in &self.folders {
            // Most are not there: only plain builds and ignored files need them.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl StandIn {
    /// Tries whether the kernel lets us.
    pub(super) async fn in_namespaces(runner: &Runner) -> Result<Self, String> {
        let ground = Ground::in_namespaces(runner, &[]).await?;
        ground.try_out().await?;
        Ok(Self { runner: runner.clone(), is_plain: false, images: Mutex::default() })
    }

    pub(super) fn plain(runner: &Runner) -> Self {
        Self { runner: runner.clone(), is_plain: true, images: Mutex::default() }
    }

    /// Shows `programs` in every root made from now on.
    pub(super) fn offer(&mut self, programs: BTreeMap<String, PathBuf>) {
        self.runner.programs = programs;
    }

    pub(super) fn describe(&self) -> &'static str {
        if self.is_plain {
            "plain processes (not isolated; the host stands in for base images)"
        } else {
            "Linux namespaces (the host stands in for base images)"
        }
    }

    pub(super) fn kind(&self) -> BuilderChoice {
        if self.is_plain { BuilderChoice::Plain } else { BuilderChoice::Namespaces }
    }

    pub(super) async fn build(&self, spec: &BuildSpec, log: &LogSink) -> Result<BuildEnd, BuilderError> {
        let leftover = Leftover::below(&spec.scratch, FOLDERS);
        let ground = match self.is_plain {
            true => Ground::plain(&self.runner, &spec.scratch),
            false => Ground::in_namespaces(&self.runner, &[&spec.context, &spec.scratch])
                .await
                .map_err(|said| BuilderError::Refused { said })?,
        };
        let outcome = match tokio::time::timeout(spec.timeout, executor::build(&ground, spec, log)).await {
            Err(_) => {
                let _ = log.send("ERROR: failed to solve: Canceled: context canceled".to_owned());
                return Ok(BuildEnd::TimedOut);
            }
            Ok(outcome) => outcome?,
        };
        Ok(match outcome {
            // BuildKit's client exits with 1, whatever the step said.
            Outcome::Failed => BuildEnd::Failed { exit_code: 1 },
            Outcome::OutOfMemory => BuildEnd::OutOfMemory,
            Outcome::Built(launch) => {
                let built = Built { ground: Arc::new(ground), launch, _leftover: Arc::new(leftover) };
                self.images.lock().unwrap_or_else(PoisonError::into_inner).insert(spec.tag.clone(), built);
                BuildEnd::Built(Image { tag: spec.tag.clone() })
            }
        })
    }

    pub(super) fn start(&self, image: &Image, run: &RunSpec, log: LogSink) -> Result<Instance, BuilderError> {
        let built = self.images.lock().unwrap_or_else(PoisonError::into_inner).get(&image.tag).cloned();
        let built = built.ok_or_else(|| BuilderError::UnknownImage { tag: image.tag.clone() })?;
        let helper = built.ground.start(built.launch.step(run)?)?;
        let helper_pid = helper.pid;
        let (control, exit) = helper.watch_apart(run.memory_bytes, move |line| {
            let _ = log.send(line);
        });
        let id = format!("domain-runner-{}", world::random_word(12));
        Ok(Instance::of_process(id, helper_pid, control, exit, built.ground))
    }

    pub(super) fn discard(&self, image: &Image) {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).remove(&image.tag);
    }
}
