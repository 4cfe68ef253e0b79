//! Builds and runs through a Docker or Podman engine, with its own command-line client.
//!
//! The client is asked rather than the engine's socket, so that contexts, TLS and BuildKit sessions work as set up on
//! this machine, and the log reads exactly as people know it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use super::child::{Act, Order};
use super::stand_in::Leftover;
use super::{BuildEnd, BuildSpec, BuilderError, Exit, Image, LogSink, Runner};
use crate::dockerfile::Dockerfile;
use crate::world;

mod container;
mod group;

use group::Group;

pub(super) use container::Container;

/// An engine that works answers at once; one that hangs must not hold up the choice of another builder.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// Removing an image of many layers takes seconds on slow disks.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(60);

/// The label on everything we make, so that it can be told from the machine's own.
const LABEL: &str = "domain-runner";

/// The label that says which process made it.
const OWNER: &str = "domain-runner.owner";

/// Stable frontends only give what the engine's built-in one knows too, and pulling them fails where Docker Hub is out
/// of reach; other frontends (labs, third-party) are left alone.
const BUILT_IN_FRONTENDS: [&str; 2] = ["docker/dockerfile:1", "docker.io/docker/dockerfile:1"];

/// A reachable engine and how to talk to it.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    runner: Runner,
    client: &'static str,
    name: String,
    version: String,
    buildkit: bool,
    /// The engine lacks its default bridge network: build and run on the host's.
    host_network: bool,
    /// Runs on this machine: its processes and addresses are ours to look at.
    local: bool,
}

impl Engine {
    /// The first engine that answers, Docker before Podman.
    pub(super) async fn detect(runner: &Runner) -> Option<Self> {
        for client in ["docker", "podman"] {
            if let Some(engine) = Self::ask(runner, client).await {
                engine.sweep().await;
                return Some(engine);
            }
        }
        None
    }

    async fn ask(runner: &Runner, client: &'static str) -> Option<Self> {
        let format = if client == "docker" { "{{json .}}" } else { "json" };
        let answer = query(client, &["version", "--format", format]).await?;
        let answer: serde_json::Value = serde_json::from_str(answer.trim()).ok()?;
        let text = |pointer: &str| answer.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned);
        // Podman without a service runs containers itself and reports no server.
        let version = match client {
            "podman" => text("/Server/Version").or_else(|| text("/Client/Version"))?,
            _ => text("/Server/Version")?,
        };
        let components = answer.pointer("/Server/Components").map(ToString::to_string).unwrap_or_default();
        let is_podman = client == "podman" || components.contains("Podman");
        let client_major = text("/Client/Version").and_then(|version| major(&version)).unwrap_or(0);
        let buildkit = !is_podman && (client_major < 23 || query(client, &["buildx", "version"]).await.is_some());
        let host_network = !is_podman && query(client, &["network", "inspect", "bridge"]).await.is_none();
        let remote = world::env("DOCKER_HOST").is_some_and(|host| !host.starts_with("unix://"));
        let name = if is_podman { "Podman" } else { "Docker" }.to_owned();
        let runner = runner.clone();
        Some(Self { runner, client, name, version, buildkit, host_network, local: !remote })
    }

    pub(super) fn describe(&self) -> String {
        let short: Vec<&str> = self.version.split('.').take(2).collect();
        let how = match (self.name.as_str(), self.buildkit) {
            ("Podman", _) => "",
            (_, true) => " (BuildKit)",
            (_, false) => " (classic builder)",
        };
        format!("{} {}{how}", self.name, short.join("."))
    }

    /// Builds with the engine's own builder; its log is passed on untouched.
    pub(super) async fn build(&self, spec: &BuildSpec, log: &LogSink) -> Result<BuildEnd, BuilderError> {
        tokio::fs::create_dir_all(&spec.scratch).await.map_err(BuilderError::on("make", &spec.scratch))?;
        let _copy = Leftover::below(&spec.scratch, &["dockerfile"]);
        let dockerfile = self.dockerfile(spec).await?;
        let group = self.group(spec.memory_bytes, log);
        // Through a helper, so that the client and its plugins end with us whatever happens to us.
        let helper =
            self.runner.start(&Order { within: None, act: self.build_act(spec, &dockerfile, group.as_ref()) })?;
        let mut out_of_memory = false;
        let mut untried = group.as_ref();
        // Not a limit for the helper: the steps are the engine's processes.
        let built = helper.watch(u64::MAX, |line| {
            out_of_memory |= tells_of_memory(&line);
            if let Some(group) = untried.take_if(|_| is_output_of_a_step(&line))
                && !group.is_used()
            {
                say_unlimited(log, "the engine runs them in another control group");
            }
            // The reader may be gone; the build still matters.
            let _ = log.send(line);
        });
        match tokio::time::timeout(spec.timeout, built).await {
            Err(_) => Ok(BuildEnd::TimedOut),
            Ok(Exit { code: 0, .. }) => Ok(BuildEnd::Built(Image { tag: spec.tag.clone() })),
            Ok(_) if out_of_memory || group.is_some_and(|group| group.has_killed()) => Ok(BuildEnd::OutOfMemory),
            Ok(Exit { code, .. }) => Ok(BuildEnd::Failed { exit_code: code }),
        }
    }

    /// What limits the memory of a build where the builder cannot; a build without says so in its log.
    fn group(&self, memory_bytes: u64, log: &LogSink) -> Option<Group> {
        if !self.buildkit {
            return None;
        }
        let group = match self.local {
            true => Group::make(memory_bytes),
            false => Err("the engine is on another machine".to_owned()),
        };
        group.map_err(|why| say_unlimited(log, &why)).ok()
    }

    fn build_act(&self, spec: &BuildSpec, dockerfile: &Path, group: Option<&Group>) -> Act {
        let memory = spec.memory_bytes.to_string();
        let mut argv = vec![self.client, "build", "--tag", &spec.tag, "--label", LABEL, "--label"];
        let (owner, group_path) = (owner_label(), group.map(Group::path));
        argv.push(&owner);
        let mut env = BTreeMap::new();
        if self.buildkit {
            env.insert("DOCKER_BUILDKIT".to_owned(), "1".to_owned());
            argv.push("--progress=plain");
            argv.extend(group_path.iter().flat_map(|path| ["--cgroup-parent", path]));
        } else {
            env.insert("DOCKER_BUILDKIT".to_owned(), "0".to_owned());
            argv.extend(["--force-rm", "--memory", &memory, "--memory-swap", &memory]);
        }
        if self.host_network {
            argv.push("--network=host");
        }
        let mut argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
        argv.extend(["--file".to_owned(), dockerfile.to_string_lossy().into_owned()]);
        by_name(&mut argv, &mut env, "--build-arg", &spec.build_args);
        argv.push(spec.context.to_string_lossy().into_owned());
        Act::Guard { argv, env }
    }

    /// The Dockerfile to name to the client: the project's own, or a copy without its `# syntax=` line.
    async fn dockerfile(&self, spec: &BuildSpec) -> Result<PathBuf, BuilderError> {
        let original = spec.context.join(&spec.dockerfile);
        let Ok(text) = tokio::fs::read_to_string(&original).await else { return Ok(original) };
        let parsed = Dockerfile::parse(&text);
        let built_in = |value: &str| BUILT_IN_FRONTENDS.iter().any(|known| value.starts_with(known));
        let directive = parsed.directives().iter().find(|each| each.name == "syntax" && built_in(&each.value));
        let Some(directive) = directive.filter(|each| self.buildkit && !each.value.contains("labs")) else {
            return Ok(original);
        };
        let mut kept: Vec<&str> = text.split('\n').collect();
        if let Some(line) = kept.get_mut(directive.line - 1) {
            // Still a directive, if an unknown one: later lines keep their number, later directives their force.
            *line = "# frontend=builtin";
        }
        let folder = spec.scratch.join("dockerfile");
        tokio::fs::create_dir_all(&folder).await.map_err(BuilderError::on("make", &folder))?;
        let name = original.file_name().unwrap_or("Dockerfile".as_ref());
        let copy = folder.join(name);
        tokio::fs::write(&copy, kept.join("\n")).await.map_err(BuilderError::on("write", &copy))?;
        let ignore = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(".dockerignore");
            PathBuf::from(name)
        };
        // BuildKit looks for this one beside the Dockerfile.
        if tokio::fs::try_exists(ignore(&original)).await.unwrap_or(false) {
            let to = ignore(&copy);
            tokio::fs::copy(ignore(&original), &to).await.map_err(BuilderError::on("write", &to))?;
        }
        Ok(copy)
    }

    /// Removes what a process of ours left behind that was killed before it could clean up.
    async fn sweep(&self) {
        group::sweep();
        let filter = format!("label={LABEL}");
        let label = format!("{{{{.ID}}}} {{{{.Label \"{OWNER}\"}}}}");
        let containers = query(self.client, &["ps", "--all", "--filter", &filter, "--format", &label]).await;
        for id in orphans(&containers.unwrap_or_default()) {
            let _ = self.run(&["rm", "--force", "--volumes", &id], SWEEP_TIMEOUT).await;
        }
        let images = query(self.client, &["images", "--quiet", "--filter", &filter]).await.unwrap_or_default();
        let format = format!("{{{{.Id}}}} {{{{index .Config.Labels \"{OWNER}\"}}}}");
        for id in images.split_whitespace() {
            let label = query(self.client, &["image", "inspect", "--format", &format, id]).await;
            for id in orphans(&label.unwrap_or_default()) {
                let _ = self.run(&["image", "rm", "--force", &id], SWEEP_TIMEOUT).await;
            }
        }
    }

    /// Removes the image, if there is one.
    pub(super) async fn discard(&self, image: &Image) {
        let _ = self.run(&["image", "rm", "--force", &image.tag], SWEEP_TIMEOUT).await;
    }

    /// Runs the client to its end; `None` when it cannot be started or takes too long.
    async fn run(&self, arguments: &[&str], limit: Duration) -> Option<Output> {
        run(self.client, arguments, limit).await
    }
}

async fn run(client: &str, arguments: &[&str], limit: Duration) -> Option<Output> {
    let mut command = world::command(client);
    command.args(arguments).stdin(Stdio::null());
    tokio::time::timeout(limit, command.output()).await.ok()?.ok()
}

/// The answer of a client that succeeded.
async fn query(client: &str, arguments: &[&str]) -> Option<String> {
    let output = run(client, arguments, ANSWER_TIMEOUT).await.filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Passes variables by name, so that no value shows in the list of processes.
fn by_name(
    argv: &mut Vec<String>,
    env: &mut BTreeMap<String, String>,
    option: &str,
    variables: &BTreeMap<String, String>,
) {
    for (name, value) in variables {
        argv.push(option.to_owned());
        let is_the_clients = name == "PATH" || name == "HOME" || name.starts_with("DOCKER_");
        if is_the_clients {
            argv.push(format!("{name}={value}"));
        } else {
            env.insert(name.clone(), value.clone());
            argv.push(name.clone());
        }
    }
}

/// The ids in lines of id and owner whose owner is gone.
fn orphans(told: &str) -> Vec<String> {
    let pairs = told.lines().filter_map(|line| line.split_once(' '));
    pairs.filter(|(_, owner)| is_orphaned(owner.trim())).map(|(id, _)| id.to_owned()).collect()
}

/// Says which process made a thing, so that a later one can tell what was left behind.
fn owner_label() -> String {
    format!("{OWNER}={}@{}", std::process::id(), place())
}

/// Where process ids mean the same as here: this machine since it was started, and this process namespace.
fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{}-{}", boot.trim(), space.display())
}

/// Whether an owner's label names a process of this machine that is gone.
fn is_orphaned(owner: &str) -> bool {
    let Some((pid, machine)) = owner.split_once('@') else { return false };
    let is_number = pid.parse::<u32>().is_ok();
    is_number && machine == place() && !Path::new("/proc").join(pid).exists()
}

/// Whether a line of a build log says that the kernel killed a step for its memory.
fn tells_of_memory(line: &str) -> bool {
    line.ends_with("did not complete successfully: exit code: 137")
        || line.ends_with("returned a non-zero code: 137")
        || line.ends_with("]: exit code: 137")
        || line.contains("ResourceExhausted")
}

/// Whether a line of BuildKit's log comes from a command that it runs: `#7 0.443 Collecting flask`.
fn is_output_of_a_step(line: &str) -> bool {
    let mut words = line.split(' ');
    let step = words.next().and_then(|word| word.strip_prefix('#')).is_some_and(|number| number.parse::<u32>().is_ok());
    // Downloads of layers tell their time at the end.
    step && words.next().is_some_and(|time| time.contains('.') && time.parse::<f64>().is_ok())
}

fn say_unlimited(log: &LogSink, why: &str) {
    let _ = log.send(format!("{LABEL}: nothing limits the memory of this build's steps: {why}"));
}
