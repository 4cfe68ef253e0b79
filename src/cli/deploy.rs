//! `deploy`: the branch head is what shall be live.

use super::Global;
use super::connect::TargetArgs;
use super::exit::Exit;
use super::run::{self, Act, OnFailure, Scene, Shape};
use super::sandbox::{self, RehearsalArgs};

/// Deploy the branch head; find out why it fails, fix it, until it is healthy
///
/// Head live and healthy: nothing is done. Head not pushed: it is pushed, and the deploy that follows is watched. Head failed:
/// the failure is diagnosed from the platform's logs and your files, the smallest safe edit is committed and pushed, and so on.
/// Fixes are commits on the service's branch; nothing is ever forced, and your uncommitted changes stay as they are.
///
/// Example: RENDER_API_KEY=rnd_… domain-runner deploy --service my-api
#[derive(Debug, clap::Args)]
pub struct DeployArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// What becomes of a service that cannot be healed
    #[arg(long, value_enum, value_name = "WHAT", default_value = "keep")]
    on_failure: OnFailure,
    /// Rehearse on this machine: a small Render on loopback, a real git remote, real builds
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    rehearsal: RehearsalArgs,
}

pub async fn run(global: &Global, mut args: DeployArgs) -> anyhow::Result<Exit> {
    sandbox::ask_about_changes(global, &mut args.target)?;
    let shape =
        Shape { command: "deploy", with_phases: true, simple: false, act: Act::Heal { on_failure: args.on_failure } };
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
