//! Deploys and what starts, ends or repeats them (contract §4, §9).

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, body, known};
use crate::sandbox::answer::{Answer, ApiError, answer, empty, ok};
use crate::sandbox::deploy::{CommitInfo, DeployRequest, Trigger};
use crate::sandbox::faults::{Fault, Struck};
use crate::sandbox::hub::Hub;
use crate::sandbox::query::Params;
use crate::sandbox::state::Triggered;
use crate::service::{DeployStatus, ServiceType};

/// Newest first.
pub(super) async fn list(State(hub): Api, Path(service): Path<String>, params: Params, struck: Struck) -> Answer {
    known(&hub, &service)?;
    let statuses = params.many("status");
    let unlisted = usize::from(struck.by(Fault::Unlisted));
    let mut items = Vec::new();
    for deploy in hub.read(|platform| platform.deploys().to_vec()).into_iter().rev().skip(unlisted) {
        let wanted = statuses.is_empty() || statuses.iter().any(|status| status == deploy.status.as_str());
        if wanted
            && params.within("created", Some(deploy.created_at))?
            && params.within("updated", Some(deploy.updated_at))?
            && params.within("finished", deploy.finished_at)?
        {
            items.push((deploy.id.clone(), deploy.wire(hub.faults().nulls)));
        }
    }
    ok(&params.page("deploy", items)?)
}

pub(super) async fn retrieve(State(hub): Api, Path((service, deploy)): Path<(String, String)>) -> Answer {
    known(&hub, &service)?;
    ok(&wire(&hub, &deploy)?)
}

pub(super) async fn create(State(hub): Api, Path(service): Path<String>, bytes: Bytes) -> Answer {
    known(&hub, &service)?;
    let body = body(&bytes)?;
    let bad = |text: &str| Err(ApiError::BadRequest(text.to_owned()));
    let clear_cache = match body["clearCache"].as_str() {
        None | Some("do_not_clear") => false,
        Some("clear") => true,
        Some(_) => return bad("invalid clearCache"),
    };
    if body["imageUrl"].is_string() {
        return bad("imageUrl is only valid for image-backed services");
    }
    if body["commitId"].is_string() && hub.read(|platform| platform.service.service_type == ServiceType::CronJob) {
        return bad("commitId is not valid for cron jobs");
    }
    let last_good =
        hub.read(|platform| platform.last_good().map(|good| (good.id.clone(), good.request.commit.clone())));
    let (commit, reuse) = match (body["deployMode"].as_str(), last_good) {
        (None | Some("build_and_deploy"), _) => (commit(&hub, body["commitId"].as_str()).await?, None),
        (Some("deploy_only"), _) if body["commitId"].is_string() || body["clearCache"].is_string() => {
            return bad("deployMode deploy_only takes neither commitId, imageUrl nor clearCache");
        }
        (Some("deploy_only"), Some((id, commit))) => (commit, Some(id)),
        (Some("deploy_only"), None) => return bad("no successful build to deploy"),
        (Some(_), _) => return bad("invalid deployMode"),
    };
    begin(&hub, DeployRequest { commit, trigger: Trigger::Api, clear_cache, reuse })
}

/// Only what is in progress can be canceled; else 400, as Render has no 409 here in its document.
pub(super) async fn cancel(State(hub): Api, Path((service, deploy)): Path<(String, String)>) -> Answer {
    known(&hub, &service)?;
    wire(&hub, &deploy)?;
    let canceled = hub.change(|platform, now| {
        let cancelable = platform.deploy(&deploy).is_some_and(|deploy| deploy.is_in_progress());
        cancelable && platform.cancel(&deploy, None, now)
    });
    if canceled { ok(&wire(&hub, &deploy)?) } else { Err(ApiError::BadRequest("deploy is not in progress".to_owned())) }
}

pub(super) async fn roll_back(State(hub): Api, Path(service): Path<String>, bytes: Bytes) -> Answer {
    known(&hub, &service)?;
    let body = body(&bytes)?;
    let target = body["deployId"].as_str().ok_or_else(|| ApiError::BadRequest("deployId is required".to_owned()))?;
    let deploy = hub.read(|platform| platform.deploy(target).cloned());
    let deploy = deploy.ok_or_else(|| ApiError::NotFound(target.to_owned()))?;
    if !matches!(deploy.status, DeployStatus::Live | DeployStatus::Deactivated) {
        return Err(ApiError::BadRequest("deploy was never live".to_owned()));
    }
    let trigger = Trigger::Rollback { target: deploy.id.clone() };
    begin(&hub, DeployRequest { trigger, clear_cache: false, reuse: Some(deploy.id), commit: deploy.request.commit })
}

/// The deploy hook: its key is in the address, its answers are shorter.
pub(super) async fn hook(State(hub): Api, Path(service): Path<String>, params: Params) -> Answer {
    known(&hub, &service)?;
    if params.one("key") != Some(hub.hook_key.as_str()) {
        return Err(ApiError::Unauthorized { plain: hub.faults().plain_unauthorized });
    }
    if params.one("imgURL").is_some() {
        return Err(ApiError::BadRequest("imgURL is only valid for image-backed services".to_owned()));
    }
    let commit = commit(&hub, params.one("ref")).await?;
    let request = DeployRequest { commit, trigger: Trigger::DeployHook, clear_cache: false, reuse: None };
    match hub.change(|platform, now| platform.trigger(request, now)) {
        Triggered::Started(id) => ok(&json!({"deploy": {"id": id}})),
        Triggered::Queued(_) => empty(StatusCode::ACCEPTED),
        Triggered::Suspended => Err(suspended()),
    }
}

fn begin(hub: &Hub, request: DeployRequest) -> Answer {
    let triggered = hub.change(|platform, now| match platform.trigger(request, now) {
        Triggered::Started(id) => Ok(platform.deploy(&id).map(|deploy| deploy.wire(hub.faults().nulls))),
        Triggered::Queued(_) => Ok(None),
        Triggered::Suspended => Err(suspended()),
    });
    match triggered? {
        Some(deploy) => Ok(answer(StatusCode::CREATED, &deploy)),
        // No body and no id: the caller has to find the deploy by itself.
        None => empty(StatusCode::ACCEPTED),
    }
}

fn suspended() -> ApiError {
    ApiError::Conflict("service is suspended".to_owned())
}

fn wire(hub: &Hub, deploy: &str) -> Result<Value, ApiError> {
    let wire = hub.read(|platform| platform.deploy(deploy).map(|deploy| deploy.wire(hub.faults().nulls)));
    wire.ok_or_else(|| ApiError::NotFound(deploy.to_owned()))
}

/// The wanted commit, or the branch's newest.
async fn commit(hub: &Hub, id: Option<&str>) -> Result<CommitInfo, ApiError> {
    let remote = hub.remote.clone();
    let branch = hub.read(|platform| platform.service.branch.clone());
    let wanted = id.map(str::to_owned);
    let missing = wanted.clone().map_or_else(|| format!("branch {branch}"), |id| format!("commit {id}"));
    let found = tokio::task::spawn_blocking(move || match &wanted {
        Some(id) => remote.commit(id),
        None => remote.head(&branch),
    });
    match found.await {
        Ok(Ok(Some(commit))) => Ok(commit),
        Ok(Ok(None)) => Err(ApiError::NotFound(missing)),
        Ok(Err(error)) => Err(ApiError::Internal(error.to_string())),
        Err(error) => Err(ApiError::Internal(error.to_string())),
    }
}
