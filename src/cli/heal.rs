//! `heal`: the swarm without the phase engine, or the simple loop.

use super::Global;
use super::connect::TargetArgs;
use super::exit::Exit;
use super::run::{self, Act, OnFailure, Scene, Shape};
use super::sandbox::{self, RehearsalArgs};

/// Heal a failing deploy with the swarm alone, or with the simple loop
///
/// The same observation, diagnosis and fixes as `deploy`, without its phases. `--simple` uses one thread and no agents.
///
/// Example: domain-runner heal --simple --service my-api
#[derive(Debug, clap::Args)]
pub struct HealArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// One thread, one thing after the other
    #[arg(long)]
    simple: bool,
    /// Rehearse on this machine
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    rehearsal: RehearsalArgs,
}

pub async fn run(global: &Global, mut args: HealArgs) -> anyhow::Result<Exit> {
    let shape = Shape {
        command: "heal",
        with_phases: false,
        simple: args.simple,
        act: Act::Heal { on_failure: OnFailure::Keep },
    };
    args.target.trial.beside(&args.rehearsal, args.sandbox);
    let scene = if args.sandbox { Scene::Rehearsal(&args.rehearsal) } else { Scene::Render };
    let finished = run::run(global, &args.target, scene, shape).await?;
    if let Some(rehearsal) = finished.rehearsal {
        if args.rehearsal.keep {
            sandbox::hold(rehearsal.sandbox(), global.json).await?;
        }
        rehearsal.stop().await;
    }
    Ok(finished.exit)
}
