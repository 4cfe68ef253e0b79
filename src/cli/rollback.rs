//! `rollback`: back to a deploy that worked.

use super::Global;
use super::connect::TargetArgs;
use super::exit::Exit;
use super::run::{self, Act, Scene, Shape};

/// Go back to a deploy that worked, and wait until it serves
///
/// Without `--to`: to the newest deploy of another commit that was live. Nothing is committed or pushed, and auto-deploy stays as
/// it is: the next push deploys the branch head again, with the commit you went back from. Asks first; unattended it needs
/// `--yes`.
///
/// Example: domain-runner rollback --service my-api --to dep-cph1rs3idesc73a2b2mg
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The deploy to go back to
    #[arg(long, value_name = "DEPLOY")]
    to: Option<String>,
}

pub async fn run(global: &Global, args: RollbackArgs) -> anyhow::Result<Exit> {
    let act = Act::RollBack { to: args.to.as_deref() };
    let shape = Shape { command: "rollback", with_phases: false, simple: false, act };
    Ok(run::run(global, &args.target, Scene::Render, shape).await?.exit)
}
