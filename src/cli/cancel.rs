//! `cancel`: stop the deploy that is running.

use serde_json::json;

use super::Global;
use super::connect;
use super::exit::{Exit, Usage};
use super::screen::{answer, answer_json};
use crate::git::Repo;

/// Deploys looked at: those that run are the newest.
const DEPLOYS_LISTED: usize = 20;

/// Stop the deploy that is running; what served before goes on serving
///
/// Touches no file, and may be used while another `domain-runner` watches that deploy: it will say that somebody canceled it.
///
/// Example: domain-runner cancel --service my-api
#[derive(Debug, clap::Args)]
pub struct CancelArgs {
    /// The service, by id (`srv-…`) or name; found by the repository's address when not given
    #[arg(long, env = "RENDER_SERVICE_ID", value_name = "ID|NAME")]
    service: Option<String>,
    /// Render's API, with scheme and `/v1`; RENDER_HOST is read as Render's own CLI does
    #[arg(long, env = "RENDER_API_URL", value_name = "URL")]
    api_url: Option<String>,
    /// Only this deploy; the one that runs when not given
    #[arg(value_name = "DEPLOY")]
    deploy: Option<String>,
}

pub async fn run(global: &Global, args: CancelArgs) -> anyhow::Result<Exit> {
    let render = connect::platform(args.api_url.as_deref())?.client()?;
    let service = match args.service.as_deref().filter(|wanted| !wanted.is_empty()) {
        Some(wanted) => render.find_service(wanted).await?,
        None => connect::service_of(&render, &Repo::open(&global.dir)?, None).await?,
    };
    let deploys = render.deploys(&service.id, DEPLOYS_LISTED).await?;
    let mut running = deploys.into_iter().filter(|deploy| !deploy.status.is_terminal());
    let running = running.find(|deploy| args.deploy.as_ref().is_none_or(|wanted| deploy.id.0 == *wanted));
    let Some(running) = running else {
        let words = match &args.deploy {
            Some(deploy) => format!("`{deploy}` is no running deploy of `{}`", service.name),
            None => format!("no deploy of `{}` is running", service.name),
        };
        return Err(Usage::error(Exit::NotFound, words, "there is nothing to stop"));
    };
    let ended = render.cancel_deploy(&service.id, &running.id).await?;
    if global.json {
        answer_json(
            &json!({"v": 1, "kind": "cancel", "service_id": service.id, "deploy_id": ended.id, "status": ended.status}),
        );
    } else {
        answer(&format!("{} of `{}` is {}", ended.id, service.name, ended.status));
    }
    Ok(Exit::Ok)
}
