//! `demo`: a broken service heals before your eyes; no account, no network, no Docker needed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::Global;
use super::connect::{Platform, TargetArgs, TopologyArg};
use super::counsel::CounselArgs;
use super::exit::Exit;
use super::place::GoingOnArgs;
use super::run::{self, Act, OnFailure, Scene, Shape};
use super::sandbox::BuilderArg;
use super::screen::say;
use super::trial::TrialArgs;
use crate::builder::{Builder, BuilderChoice, Image};
use crate::git::Repo;
use crate::sandbox::{Builds, Sandbox, SandboxSettings};

pub mod guestbook;
mod service;

/// The first, broken deploy has to fail within this time.
const FIRST_FAILURE_TIMEOUT: Duration = Duration::from_secs(60);

/// Watch a broken service heal, on this machine alone
///
/// Writes a small service with three faults into a temporary folder, starts a small Render on loopback, pushes the service, and
/// runs the real `deploy` on it, from the first failure to live. Uses a Docker engine where one answers, else Linux namespaces,
/// else plain processes. The folder with the session is kept for reading.
///
/// Example: domain-runner demo
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// What builds
    #[arg(long, value_enum, default_value_t = BuilderArg::Auto)]
    builder: BuilderArg,
}

pub async fn run(global: &Global, args: DemoArgs) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let folder = tempfile::Builder::new().prefix("domain-runner-demo-").tempdir()?.keep();
    let service = folder.join("guestbook");
    service::write(&service)?;
    let builder = builder(args.builder).await?;
    say(&format!("a guestbook with three faults: {}", service.display()));
    say(&format!("a small Render on loopback, building with {}", builder.describe()));
    let engine = builder.kind() == BuilderChoice::Engine;
    let settings = SandboxSettings {
        health_check_path: Some("/healthz".into()),
        start_timeout: Duration::from_secs(6),
        ..SandboxSettings::new(folder.join("sandbox"), "guestbook", Builds::Real(builder))
    };
    let sandbox = Sandbox::start(settings).await?;
    let result = heal(global, &service, &sandbox).await;
    let url = sandbox.service_url();
    let checked = match &result {
        Ok(Exit::Ok) => check(&url).await,
        _ => Ok(()),
    };
    sandbox.stop().await;
    let _ = std::fs::remove_dir_all(folder.join("sandbox"));
    if engine && let Ok(engine) = Builder::detect(BuilderChoice::Engine, false).await {
        engine.discard(&Image { tag: service::BASE_IMAGE.to_owned() }).await;
    }
    let exit = result?;
    checked?;
    if exit == Exit::Ok {
        say(&format!("what it serves was checked; {:.0} s in all", began.elapsed().as_secs_f64()));
        say(&format!("read what happened:  git -C {} log -p", service.display()));
        say(&format!("                     domain-runner -C {} sessions show", service.display()));
    }
    Ok(exit)
}

/// The builder, with the demo's base image in it. An engine that cannot take the image is passed over.
async fn builder(choice: BuilderArg) -> anyhow::Result<Builder> {
    let choices = match choice {
        BuilderArg::Auto => vec![BuilderChoice::Engine, BuilderChoice::Namespaces, BuilderChoice::Plain],
        BuilderArg::Engine => vec![BuilderChoice::Engine],
        BuilderArg::Namespaces => vec![BuilderChoice::Namespaces],
        BuilderArg::Plain => vec![BuilderChoice::Plain],
        BuilderArg::Fake => bail!("the demo builds for real"),
    };
    let programs = BTreeMap::from([(guestbook::PROGRAM.to_owned(), std::env::current_exe()?)]);
    let mut refused = None;
    for choice in choices {
        // The demo's own service may run without isolation: it is ours.
        let ready = async {
            let mut builder = Builder::detect(choice, true).await?;
            builder.offer(service::BASE_IMAGE, &programs).await?;
            Ok::<_, anyhow::Error>(builder)
        };
        match ready.await {
            Ok(builder) => return Ok(builder),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| anyhow::anyhow!("nothing to build with")))
}

/// Pushes the broken service, waits for its failure, and heals it.
async fn heal(global: &Global, service: &Path, sandbox: &Sandbox) -> anyhow::Result<Exit> {
    let remote = sandbox.remote().display().to_string();
    service::connect(service, &remote)?;
    let repo = Repo::open(service)?;
    let head = repo.head()?;
    repo.push("origin", &head, "main").await?;
    let platform = Platform::of(sandbox);
    say("pushed; its first deploy fails. Now: domain-runner deploy\n");
    let limit = Instant::now() + FIRST_FAILURE_TIMEOUT;
    let render = platform.client()?;
    loop {
        let deploys = render.deploys(sandbox.service_id(), 1).await?;
        match deploys.first() {
            Some(deploy) if deploy.status.is_failure() => break,
            Some(deploy) if deploy.status.is_terminal() => bail!("the broken service did not fail"),
            _ if Instant::now() > limit => bail!("the first deploy did not end"),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    let global = Global { dir: service.to_owned(), ..global.clone() };
    let shape =
        Shape { command: "demo", with_phases: true, simple: false, act: Act::Heal { on_failure: OnFailure::Keep } };
    let finished = run::run(&global, &target(), Scene::At(platform), shape).await?;
    Ok(finished.exit)
}

/// `deploy` with its defaults, at the pace of a sandbox.
fn target() -> TargetArgs {
    TargetArgs {
        service: None,
        api_url: None,
        remote: None,
        max_iterations: 8,
        topology: TopologyArg::Auto,
        session_id: None,
        poll_interval: None,
        cooldown: None,
        stabilise: None,
        adoption_timeout: Duration::from_secs(60),
        request_timeout: Duration::from_secs(30),
        timeout: Duration::from_secs(120),
        deadline: Duration::from_secs(300),
        dry_run: false,
        detailed_exitcode: false,
        include_changes: false,
        yes: true,
        trial: TrialArgs::off(),
        counsel: CounselArgs::default(),
        going_on: GoingOnArgs::default(),
    }
}

/// Whether the healed service does what a guestbook is for.
async fn check(url: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let page = client.get(url).send().await?.error_for_status()?.text().await?;
    if !page.contains("Guestbook") {
        bail!("the healed service serves another page");
    }
    let note = "the demo was here";
    client.post(format!("{url}/entries")).body(note).send().await?.error_for_status()?;
    let entries = client.get(format!("{url}/entries")).send().await?.error_for_status()?.text().await?;
    if !entries.contains(note) {
        bail!("the healed guestbook forgets its entries");
    }
    Ok(())
}
