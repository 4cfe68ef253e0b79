//! Carries out a Dockerfile without an engine: instruction by instruction, with the log of a real build.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::child::{CopyOrder, LayFrom};
use super::ground::{Ground, Step};
use super::understudy::{self, Prefix, Understudy};
use super::{BuildSpec, BuilderError, Exit, LogSink};
use crate::dockerfile::{Dockerfile, Instruction, Stage, StageBase};
use crate::world;

mod context;
mod launch;
mod progress;
mod step;

pub(super) use launch::Launch;
use progress::{Place, Progress, Vertex};

/// How a build without an engine ended.
pub(super) enum Outcome {
    Built(Launch),
    Failed,
    OutOfMemory,
}

/// What stops a build.
enum Stop {
    /// The project's fault; all is said in the log.
    Failed,
    OutOfMemory,
    /// Ours.
    Broken(BuilderError),
}

impl From<BuilderError> for Stop {
    fn from(error: BuilderError) -> Self {
        Self::Broken(error)
    }
}

/// One build.
struct Build<'a> {
    ground: &'a Ground,
    spec: &'a BuildSpec,
    dockerfile: Dockerfile,
    /// The Dockerfile's name in the log.
    name: String,
    /// Where COPY takes from.
    context: PathBuf,
    progress: Progress,
    /// What plays each base image.
    understudies: BTreeMap<String, Understudy>,
}

/// Builds `spec` on `ground`. Dropping the future ends every process of the build.
pub(super) async fn build(ground: &Ground, spec: &BuildSpec, log: &LogSink) -> Result<Outcome, BuilderError> {
    let driver = if ground.is_plain() { "plain processes" } else { "namespaces" };
    let mut progress = Progress::new(log, driver);
    let path = spec.context.join(&spec.dockerfile);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let vertex = progress.step(format!("[internal] load build definition from {name}"));
    let Ok(text) = tokio::fs::read_to_string(&path).await else {
        let error = format!("failed to read dockerfile: open {name}: no such file or directory");
        progress.failed(Some(&vertex), None, &error);
        return Ok(Outcome::Failed);
    };
    vertex.note(&format!("transferring dockerfile: {}B done", text.len()));
    vertex.done();
    let dockerfile = Dockerfile::parse(&text);
    let mut build = Build {
        ground,
        spec,
        dockerfile,
        name,
        context: spec.context.clone(),
        progress,
        understudies: BTreeMap::new(),
    };
    match build.run().await {
        Ok(()) => {
            let prefix = build.dockerfile.stages().last().and_then(|stage| build.prefix(stage));
            Ok(Outcome::Built(Launch::of(&build.dockerfile, &spec.build_args, prefix)))
        }
        Err(Stop::Failed) => Ok(Outcome::Failed),
        Err(Stop::OutOfMemory) => Ok(Outcome::OutOfMemory),
        Err(Stop::Broken(error)) => Err(error),
    }
}

impl Build<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        if let Some(problem) = self.dockerfile.problems().first() {
            let text = self.dockerfile.text();
            let found = self.dockerfile.at_line(problem.line).map(|(_, each)| Place::of(&self.name, text, each));
            let line = Place { name: &self.name, text, first: problem.line, last: problem.line };
            let error = format!("dockerfile parse error on line {}: {}", problem.line, problem.message);
            self.progress.failed(None, Some(found.unwrap_or(line)), &error);
            return Err(Stop::Failed);
        }
        let stages = self.needed();
        for stage in &stages {
            if let StageBase::Image(image) = &stage.base {
                let understudy = understudy::of(image).await;
                let note = Some(understudy.note.clone());
                self.progress.told(format!("[internal] load metadata for {}", full_name(image)), note);
                self.understudies.insert(image.clone(), understudy);
            }
        }
        if self.ground.is_plain() {
            self.progress.say("");
            self.progress.say("WARNING: plain processes: the build is not isolated from this machine");
        }
        self.stage_context().await?;
        for stage in &stages {
            self.stage(stage, self.dockerfile.stages().len() > 1).await?;
        }
        let image = self.progress.step("exporting to image");
        image.note(&format!("naming to {} done", self.spec.tag));
        image.done();
        Ok(())
    }

    async fn stage_context(&mut self) -> Result<(), Stop> {
        let (context, scratch) = (self.spec.context.clone(), self.spec.scratch.clone());
        let absolute = context.join(&self.spec.dockerfile);
        let dockerfile = absolute.strip_prefix(&context).unwrap_or(&absolute).to_string_lossy().into_owned();
        let staged = tokio::task::spawn_blocking(move || context::stage(&context, &dockerfile, &scratch))
            .await
            .map_err(|_| BuilderError::Refused { said: "reading the context was cut short".to_owned() })??;
        let note = |bytes: u64| Some(format!("transferring context: {bytes}B done"));
        self.progress.told("[internal] load .dockerignore", note(staged.ignore_bytes as u64));
        self.progress.told("[internal] load build context", note(staged.bytes));
        self.context = staged.folder;
        Ok(())
    }

    /// The stages that the last one needs; BuildKit leaves out the others too.
    fn needed(&self) -> Vec<Stage> {
        let stages = self.dockerfile.stages();
        let mut needed: BTreeSet<usize> = stages.len().checked_sub(1).into_iter().collect();
        for stage in stages.iter().rev() {
            if !needed.contains(&stage.index) {
                continue;
            }
            if let StageBase::Stage(base) = stage.base {
                needed.insert(base);
            }
            for instruction in &self.dockerfile.instructions()[stage.instructions.clone()] {
                let mounts = instruction.flags.iter().filter(|flag| flag.name == "mount");
                let mounted = mounts.filter_map(|flag| step::mount_field(flag.value.as_deref()?, "from"));
                let froms = instruction.flag("from").into_iter().chain(mounted);
                needed.extend(froms.filter_map(|from| self.dockerfile.stage_named(from, stage.index)));
            }
        }
        stages.into_iter().filter(|stage| needed.contains(&stage.index)).collect()
    }

    async fn stage(&mut self, stage: &Stage, is_one_of_many: bool) -> Result<(), Stop> {
        let is_step = |keyword: &str| matches!(keyword, "RUN" | "COPY" | "ADD" | "WORKDIR");
        let instructions = self.dockerfile.instructions()[stage.instructions.clone()].to_vec();
        let total = 1 + instructions.iter().filter(|each| is_step(&each.keyword)).count();
        let prefix = match (&stage.name, is_one_of_many) {
            (_, false) => String::new(),
            (Some(name), true) => format!("{name} "),
            (None, true) => format!("stage-{} ", stage.index),
        };
        let from = match &stage.base {
            StageBase::Image(image) => {
                self.progress.told(format!("[{prefix}1/{total}] FROM {}", full_name(image)), None);
                LayFrom::Host
            }
            StageBase::Stage(base) => LayFrom::Stage(*base),
            StageBase::Scratch => LayFrom::Nothing,
        };
        self.ground
            .lay(stage.index, from, self.understudy(stage).unwrap_or_default())
            .await
            .map_err(|said| BuilderError::Refused { said })?;
        let mut number = 1;
        for (index, instruction) in stage.instructions.clone().zip(&instructions) {
            if is_step(&instruction.keyword) {
                number += 1;
                let vertex = self.progress.step(format!("[{prefix}{number}/{total}] {}", shown(instruction)));
                self.step(stage, index, instruction, vertex).await?;
            }
        }
        Ok(())
    }

    async fn step(
        &mut self,
        stage: &Stage,
        index: usize,
        instruction: &Instruction,
        vertex: Vertex,
    ) -> Result<(), Stop> {
        match instruction.keyword.as_str() {
            "WORKDIR" => {
                let folder = self.expanded(index, &instruction.args);
                let folder = absolute(&self.dockerfile.workdir_at(index), &folder);
                let made = self.ground.make_folder(stage.index, &folder).await;
                self.settled(made, instruction, vertex)
            }
            "RUN" => self.run_step(stage, index, instruction, vertex).await,
            _ => self.copy_step(stage, index, instruction, vertex).await,
        }
    }

    /// What plays the base image that a stage builds on in the end.
    fn understudy(&self, stage: &Stage) -> Option<Understudy> {
        match &stage.base {
            StageBase::Image(image) => self.understudies.get(image).cloned(),
            StageBase::Stage(base) => self.understudy(self.dockerfile.stages().get(*base)?),
            StageBase::Scratch => None,
        }
    }

    fn prefix(&self, stage: &Stage) -> Option<Prefix> {
        self.understudy(stage)?.prefix
    }

    /// Ends a step that either went well or has an error to show.
    fn settled(&self, done: Result<(), String>, instruction: &Instruction, vertex: Vertex) -> Result<(), Stop> {
        let Err(error) = done else {
            vertex.done();
            return Ok(());
        };
        let (error, solved) = if error.ends_with(": not found") {
            let error = format!("failed to calculate checksum of ref {}: {error}", reference());
            (error.clone(), format!("failed to compute cache key: {error}"))
        } else {
            (error.clone(), error)
        };
        vertex.error(&error);
        self.show_failed(&vertex, instruction, &solved);
        Err(Stop::Failed)
    }

    fn show_failed(&self, vertex: &Vertex, instruction: &Instruction, error: &str) {
        let place = Place::of(&self.name, self.dockerfile.text(), instruction);
        self.progress.failed(Some(vertex), Some(place), error);
    }

    fn expanded(&self, index: usize, text: &str) -> String {
        self.dockerfile.expand(index, text, &self.spec.build_args)
    }
}

/// A step as BuildKit names it.
fn shown(instruction: &Instruction) -> String {
    let flags = instruction.flags.iter().map(|flag| match &flag.value {
        Some(value) => format!("--{}={value} ", flag.name),
        None => format!("--{} ", flag.name),
    });
    format!("{} {}{}", instruction.keyword, flags.collect::<String>(), instruction.args)
}

/// An image reference with registry, folder and tag.
fn full_name(image: &str) -> String {
    let has_registry = image.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    let registry = match (has_registry, image.contains('/')) {
        (true, _) => "",
        (false, true) => "docker.io/",
        (false, false) => "docker.io/library/",
    };
    let last = image.rsplit('/').next().unwrap_or(image);
    let tag = if last.contains([':', '@']) { "" } else { ":latest" };
    format!("{registry}{image}{tag}")
}

/// `path` seen from `from`; a trailing slash is kept, since it means a folder.
fn absolute(from: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{from}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let is_folder = whole.ends_with('/') || whole.ends_with("/.");
    format!("/{}{}", parts.join("/"), if is_folder && !parts.is_empty() { "/" } else { "" })
}

/// What BuildKit calls a snapshot: it means nothing, but log readers know its form.
fn reference() -> String {
    let word = world::random_word;
    format!("{}-{}-{}-{}-{}::{}", word(8), word(4), word(4), word(4), word(12), word(25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_are_completed_as_docker_does() {
        assert_eq!(full_name("python:3.11-slim"), "docker.io/library/python:3.11-slim");
        assert_eq!(full_name("bitnami/redis"), "docker.io/bitnami/redis:latest");
        assert_eq!(full_name("ghcr.io/astral-sh/uv:0.4"), "ghcr.io/astral-sh/uv:0.4");
    }

    #[test]
    fn a_destination_keeps_what_makes_it_a_folder() {
        assert_eq!(absolute("/app", "."), "/app/");
        assert_eq!(absolute("/app", "src/"), "/app/src/");
        assert_eq!(absolute("/app", "../x"), "/x");
        assert_eq!(absolute("/app", "/"), "/");
    }
}
