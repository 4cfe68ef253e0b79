//! `/services`, `/owners`, `/users`: the service, its variables and its workspace (contract §3, §5).

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, body, known};
use crate::sandbox::answer::{Answer, ApiError, empty, ok};
use crate::sandbox::deploy::micros;
use crate::sandbox::hub::{Hub, Order};
use crate::sandbox::query::Params;
use crate::sandbox::service::{ServiceRecord, env_value, is_env_key};
use crate::sandbox::state::EMAIL;

pub(super) async fn list(State(hub): Api, params: Params) -> Answer {
    let nulls = hub.faults().nulls;
    let (id, wire) = hub.read(|platform| (platform.service.id.clone(), platform.service.wire(nulls)));
    let details = &wire["serviceDetails"];
    let filters = [
        ("name", &wire["name"]),
        ("type", &wire["type"]),
        ("ownerId", &wire["ownerId"]),
        ("suspended", &wire["suspended"]),
        ("environmentId", &wire["environmentId"]),
        ("env", &details["env"]),
        ("region", &details["region"]),
    ];
    let mut wanted = filters.iter().all(|(name, value)| {
        let values = params.many(name);
        values.is_empty() || values.iter().any(|wanted| Some(wanted.as_str()) == value.as_str())
    });
    let (created, updated) = hub.read(|platform| (platform.service.created_at, platform.service.updated_at));
    wanted &= params.within("created", Some(created))? && params.within("updated", Some(updated))?;
    let items = if wanted { vec![(id, wire)] } else { Vec::new() };
    ok(&params.page("service", items)?)
}

pub(super) async fn retrieve(State(hub): Api, Path(service): Path<String>) -> Answer {
    known(&hub, &service)?;
    ok(&hub.read(|platform| platform.service.wire(hub.faults().nulls)))
}

/// Changes settings. Deploys nothing.
pub(super) async fn update(State(hub): Api, Path(service): Path<String>, bytes: Bytes) -> Answer {
    known(&hub, &service)?;
    let body = body(&bytes)?;
    let patched = hub.change(|platform, now| {
        let service = platform.service.patched(&body)?;
        platform.patch(service, now);
        Ok(platform.service.wire(hub.faults().nulls))
    });
    ok(&patched.map_err(ApiError::BadRequest)?)
}

pub(super) async fn restart(State(hub): Api, Path(service): Path<String>) -> Answer {
    known(&hub, &service)?;
    if hub.read(|platform| platform.service.suspended) {
        return Err(ApiError::Conflict("service is suspended".to_owned()));
    }
    hub.order(Order::Restart);
    empty(StatusCode::OK)
}

pub(super) async fn suspend(State(hub): Api, Path(service): Path<String>) -> Answer {
    known(&hub, &service)?;
    hub.change(|platform, now| platform.suspend(now));
    hub.order(Order::Suspend);
    empty(StatusCode::ACCEPTED)
}

pub(super) async fn resume(State(hub): Api, Path(service): Path<String>) -> Answer {
    known(&hub, &service)?;
    hub.change(|platform, now| platform.resume(now));
    empty(StatusCode::ACCEPTED)
}

pub(super) async fn instances(State(hub): Api, Path(service): Path<String>) -> Answer {
    known(&hub, &service)?;
    let instance = hub.read(|platform| platform.instance().cloned());
    ok(&instance.into_iter().map(|(id, born)| json!({"id": id, "createdAt": micros(born)})).collect())
}

pub(super) async fn env_list(State(hub): Api, Path(service): Path<String>, params: Params) -> Answer {
    known(&hub, &service)?;
    ok(&env_page(&hub, &params)?)
}

/// Replaces the whole set: what is not sent is gone. Deploys nothing.
pub(super) async fn env_replace(State(hub): Api, Path(service): Path<String>, bytes: Bytes) -> Answer {
    known(&hub, &service)?;
    let body = body(&bytes)?;
    let replaced = hub.change(|platform, now| {
        platform.service.env = ServiceRecord::env_from(&body, &mut platform.ids)?;
        platform.service.updated_at = now;
        Ok(())
    });
    replaced.map_err(ApiError::BadRequest)?;
    // The whole new set, on one page.
    let all = Params(vec![("limit".to_owned(), "100".to_owned())]);
    ok(&env_page(&hub, &all)?)
}

pub(super) async fn env_retrieve(State(hub): Api, Path((service, key)): Path<(String, String)>) -> Answer {
    known(&hub, &service)?;
    let value = hub.read(|platform| platform.service.env.get(&key).cloned());
    let value = value.ok_or_else(|| ApiError::NotFound(key.clone()))?;
    ok(&json!({"key": key, "value": value}))
}

pub(super) async fn env_put(State(hub): Api, Path((service, key)): Path<(String, String)>, bytes: Bytes) -> Answer {
    known(&hub, &service)?;
    if !is_env_key(&key) {
        return Err(ApiError::BadRequest(format!("invalid environment variable key: {key}")));
    }
    let body = body(&bytes)?;
    let value = hub.change(|platform, _| {
        let value = env_value(&body, &mut platform.ids)?;
        platform.service.env.insert(key.clone(), value.clone());
        Ok(value)
    });
    ok(&json!({"key": key, "value": value.map_err(ApiError::BadRequest)?}))
}

pub(super) async fn env_delete(State(hub): Api, Path((service, key)): Path<(String, String)>) -> Answer {
    known(&hub, &service)?;
    match hub.change(|platform, _| platform.service.env.remove(&key)) {
        Some(_) => empty(StatusCode::NO_CONTENT),
        None => Err(ApiError::NotFound(key)),
    }
}

pub(super) async fn owners(State(hub): Api, params: Params) -> Answer {
    let (id, wire) = owner_wire(&hub);
    let wanted = ["name", "email"].iter().all(|name| {
        let values = params.many(name);
        values.is_empty() || values.iter().any(|value| Some(value.as_str()) == wire[*name].as_str())
    });
    let items = if wanted { vec![(id, wire)] } else { Vec::new() };
    ok(&params.page("owner", items)?)
}

/// A workspace; a user's id gives that user's own workspace.
pub(super) async fn owner(State(hub): Api, Path(owner): Path<String>) -> Answer {
    let (id, wire) = owner_wire(&hub);
    let is_user = hub.read(|platform| platform.service.user == owner);
    if owner == id || is_user { ok(&wire) } else { Err(ApiError::NotFound(owner)) }
}

pub(super) async fn user(State(hub): Api) -> Answer {
    let id = hub.read(|platform| platform.service.user.clone());
    // `id` is newer than the published document: Render's own SDK insists on it.
    ok(&json!({"id": id, "email": EMAIL, "name": "Sandbox"}))
}

fn owner_wire(hub: &Hub) -> (String, Value) {
    let id = hub.read(|platform| platform.service.owner.clone());
    let wire = json!({"id": id, "name": "Sandbox's workspace", "email": EMAIL, "type": "team", "ipAllowList": []});
    (id, wire)
}

fn env_page(hub: &Hub, params: &Params) -> Result<Value, ApiError> {
    let items = hub.read(|platform| {
        let pairs = platform.service.env.iter();
        pairs.map(|(key, value)| (key.clone(), json!({"key": key, "value": value}))).collect()
    });
    params.page("envVar", items)
}
