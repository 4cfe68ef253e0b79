//! `sandbox`: keeps a small Render running on loopback; and the rehearsals of `deploy --sandbox` in one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::Global;
use super::connect::TargetArgs;
use super::duration;
use super::exit::{Exit, Usage};
use super::interrupt::Signals;
use super::screen::{hand_over, may_ask};
use super::veil;
use crate::builder::{Builder, BuilderChoice};
use crate::git::Repo;
use crate::narration::{Event, Narrator};
use crate::sandbox::{Builds, Faults, Sandbox, SandboxSettings};

/// How the sandbox builds and what its service is like.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Sandbox")]
pub struct RehearsalArgs {
    /// What builds, in the sandbox and in trials
    #[arg(long, value_enum, default_value_t = BuilderArg::Auto)]
    pub builder: BuilderArg,
    /// Let plain processes build, without isolation, where neither an engine nor namespaces are to be had
    #[arg(long)]
    pub allow_unisolated: bool,
    /// The health check's path [default: what render.yaml says, else an open port is enough]
    #[arg(long, value_name = "PATH")]
    pub health_path: Option<String>,
    /// A variable of the service; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// A build's time limit
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "20m")]
    pub build_timeout: Duration,
    /// How long a start may take; stands for Render's 15 minutes
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s")]
    pub start_timeout: Duration,
    /// Keep the sandbox running after the run, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
}

/// `--builder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum BuilderArg {
    /// An engine where one answers, else namespaces
    Auto,
    /// A Docker or Podman engine
    Engine,
    /// Linux namespaces; this machine's files stand in for base images
    Namespaces,
    /// Plain processes in a folder of their own
    Plain,
    /// No builds: each commit's `fake-build.json` says how they end. For tests
    #[value(hide = true)]
    Fake,
}

/// A running sandbox and its folder, which goes with it.
pub struct Rehearsal {
    sandbox: Sandbox,
    _folder: TempDir,
}

impl Rehearsal {
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Ends it and leaves nothing behind.
    pub async fn stop(self) {
        self.sandbox.stop().await;
    }
}

/// Keep a small Render running on this machine
///
/// Prints the API address, a key, the service's id, and a git remote to push to. A push to the branch builds and deploys for
/// real. Point `domain-runner deploy --api-url`, or any client of Render's API, at it. Ctrl-C ends it and cleans up.
///
/// Example: domain-runner sandbox -C ./my-service --health-path /healthz
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {
    #[command(flatten)]
    rehearsal: RehearsalArgs,
    /// The API's port; 0 takes any
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Push the repository's branch to it at once
    #[arg(long)]
    push: bool,
    /// Faults of its API, for tests of clients: NAME[=20%|every7|first2][@SCOPE],…
    ///
    /// Of single calls: 5xx, 429, 429-bare, 429-retry-after, silence, drop, half, drip, 401, 202 and lost (orders to deploy),
    /// logs-overlap, logs-missing, unlisted and gone (deploys). Of all the time: skew=-5h, events-late=10s, socket-dies=3,
    /// scrambled, nulls, limits, plain-401. A scope is a method or a segment of the path: @POST+deploys. A running
    /// sandbox takes new ones with PUT /sandbox/faults; calls with the header x-sandbox-truth see none.
    #[arg(long, value_name = "SPEC", default_value = "", hide_short_help = true)]
    faults: String,
    /// Which calls the faults strike at random
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    seed: u64,
}

pub fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not NAME=VALUE")),
    }
}

pub async fn run(global: &Global, args: SandboxArgs) -> anyhow::Result<Exit> {
    let repo = Repo::open(&global.dir)?;
    let (narrator, _events) = Narrator::new();
    let faults = Faults::parse(&args.faults, args.seed);
    let faults = faults.map_err(|why| Usage::error(Exit::Usage, why, "see `domain-runner sandbox --help`"))?;
    let rehearsal = start_at(&args.rehearsal, &repo, &narrator, args.port, faults).await?;
    let sandbox = rehearsal.sandbox();
    if args.push {
        let branch = repo.branch()?;
        repo.push(&sandbox.remote().display().to_string(), &repo.tip(&branch)?, &branch).await?;
    }
    let exit = hold(sandbox, global.json).await?;
    rehearsal.stop().await;
    Ok(exit)
}

/// Tells how to reach the sandbox, and waits for Ctrl-C.
pub async fn hold(sandbox: &Sandbox, json: bool) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    let remote = sandbox.remote().display().to_string();
    if json {
        let document = json!({
            "v": 1, "kind": "sandbox", "api_url": sandbox.api_url(), "api_key": sandbox.api_key(),
            "service_id": sandbox.service_id(), "service_url": sandbox.service_url(), "remote": remote,
        });
        hand_over(&document.to_string());
    } else {
        hand_over(&format!(
            "sandbox is running; Ctrl-C ends it\n  RENDER_API_URL={}\n  RENDER_API_KEY={}\n  RENDER_SERVICE_ID={}\n  service  {}\n  remote   {remote}",
            sandbox.api_url(),
            sandbox.api_key(),
            sandbox.service_id(),
            sandbox.service_url(),
        ));
    }
    let asked = signals.next().await;
    Ok(if asked == Exit::Interrupted { Exit::Ok } else { asked })
}

/// A sandbox for the service of `repo`.
pub async fn start(args: &RehearsalArgs, repo: &Repo, narrator: &Narrator) -> anyhow::Result<Rehearsal> {
    start_at(args, repo, narrator, 0, Faults::default()).await
}

async fn start_at(
    args: &RehearsalArgs,
    repo: &Repo,
    narrator: &Narrator,
    port: u16,
    faults: Faults,
) -> anyhow::Result<Rehearsal> {
    let builds = builds(args, narrator).await?;
    let folder = tempfile::Builder::new().prefix("domain-runner-sandbox-").tempdir()?;
    let directory = repo.root().file_name().map_or("service".into(), |name| name.to_string_lossy().into_owned());
    let blueprint = blueprint(repo);
    let setting = |key: &str| blueprint.get(key).cloned();
    let name = setting("name").unwrap_or(directory);
    let settings = SandboxSettings {
        branch: repo.branch()?,
        health_check_path: args.health_path.clone().or_else(|| setting("healthCheckPath")),
        dockerfile_path: setting("dockerfilePath").unwrap_or_else(|| "./Dockerfile".into()),
        docker_context: setting("dockerContext").unwrap_or_else(|| ".".into()),
        root_dir: setting("rootDir").unwrap_or_else(|| repo.prefix()),
        env: args.env.iter().cloned().collect(),
        build_timeout: args.build_timeout,
        start_timeout: args.start_timeout,
        port,
        faults,
        ..SandboxSettings::new(folder.path().to_owned(), &name, builds)
    };
    Ok(Rehearsal { sandbox: Sandbox::start(settings).await?, _folder: folder })
}

async fn builds(args: &RehearsalArgs, narrator: &Narrator) -> anyhow::Result<Builds> {
    let choice = match args.builder {
        BuilderArg::Auto => BuilderChoice::Auto,
        BuilderArg::Engine => BuilderChoice::Engine,
        BuilderArg::Namespaces => BuilderChoice::Namespaces,
        BuilderArg::Plain => BuilderChoice::Plain,
        BuilderArg::Fake => return Ok(Builds::Fake),
    };
    let builder = Builder::detect(choice, args.allow_unisolated).await.map_err(|error| {
        let hint = "install Docker or Podman, or pass --allow-unisolated for code you trust";
        Usage::error(Exit::Failure, error.to_string(), hint)
    })?;
    narrator.tell(Event::Agent { agent: "sandbox", did: format!("builds with {}", builder.describe()) });
    Ok(Builds::Real(builder))
}

/// The settings of the one web service that render.yaml describes: plain `key: value` lines, nothing else of YAML.
fn blueprint(repo: &Repo) -> BTreeMap<String, String> {
    let prefix = repo.prefix();
    let path = repo.root().join(prefix).join("render.yaml");
    let text = std::fs::read_to_string(path).or_else(|_| std::fs::read_to_string(repo.root().join("render.yaml")));
    let text = text.unwrap_or_default();
    if text.matches("- type:").count() != 1 {
        return BTreeMap::new();
    }
    let wanted = ["name", "healthCheckPath", "dockerfilePath", "dockerContext", "rootDir"];
    let mut out = BTreeMap::new();
    for line in text.lines() {
        let Some((key, value)) = line.trim().trim_start_matches("- ").split_once(':') else { continue };
        let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        if wanted.contains(&key) && !value.is_empty() {
            out.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    out
}

/// On a terminal the person is asked whether uncommitted changes shall go out, too.
pub fn ask_about_changes(global: &Global, target: &mut TargetArgs) -> anyhow::Result<()> {
    if target.include_changes || target.dry_run || target.yes || !may_ask(global) {
        return Ok(());
    }
    let Ok(repo) = Repo::open(&global.dir) else { return Ok(()) };
    let dirty = repo.dirty()?;
    if dirty.is_empty() {
        return Ok(());
    }
    let question =
        format!("{} uncommitted change(s): {}. Ship them as their own commit?", dirty.len(), dirty.join(", "));
    target.include_changes = dialoguer::Confirm::new().with_prompt(veil::clean(&question)).default(false).interact()?;
    Ok(())
}
