//! Wire shapes: Render's JSON in, our nouns out. Lenient: null, absent and unknown are all fine where we can go on.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::observation::redaction::strip_controls;
use crate::service::{AutoDeploy, Commit, Deploy, DeployId, DeployStatus, OwnerId, Service, ServiceId, ServiceType};

/// Foreign text in an error stays one readable line.
const EXCERPT_CHARS_MAX: usize = 300;

/// A field that is absent, null, or of a type nobody announced is `None`.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let value = Option::<Value>::deserialize(from)?.filter(|value| !value.is_null());
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// The thing inside `{"<thing>": {…}, "cursor": "…"}`; some answers hold it without the envelope.
pub(super) fn unwrap(item: Value, thing: &str) -> Value {
    match item {
        Value::Object(mut fields) if fields.get(thing).is_some_and(Value::is_object) => {
            fields.remove(thing).unwrap_or_default()
        }
        other => other,
    }
}

/// Decodes one value of a shape below.
pub(super) fn decode<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// What an error body says, in any of its three shapes: `message`, `error`, plain text (contract §2).
pub(super) fn error_message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let json = serde_json::from_str::<Value>(text).unwrap_or_default();
    let error = &json["error"];
    let said = [&json["message"], error, &error["message"]].into_iter().find_map(Value::as_str);
    match said {
        Some(said) => said.to_owned(),
        None if text.is_empty() => "no reason given".to_owned(),
        None if text.starts_with('<') => "an HTML page instead of a reason".to_owned(),
        None => text.to_owned(),
    }
}

/// The beginning of foreign text, in one printable line.
pub(super) fn excerpt(text: &str) -> String {
    let line = strip_controls(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match line.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceWire {
    id: ServiceId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    owner_id: Option<OwnerId>,
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    service_type: Option<ServiceType>,
    #[serde(default, deserialize_with = "lenient")]
    branch: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    repo: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    root_dir: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    dashboard_url: Option<String>,
    /// `yes` or `no`: deprecated, but all that older answers have.
    #[serde(default, deserialize_with = "lenient")]
    auto_deploy: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    auto_deploy_trigger: Option<AutoDeploy>,
    /// The string `suspended` or `not_suspended`.
    #[serde(default, deserialize_with = "lenient")]
    suspended: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    service_details: Option<DetailsWire>,
}

/// The union of all kinds of details: Render's `oneOf` cannot be told apart (contract §3).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DetailsWire {
    #[serde(default, deserialize_with = "lenient")]
    runtime: Option<String>,
    /// The deprecated twin of `runtime`.
    #[serde(default, deserialize_with = "lenient")]
    env: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    plan: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    health_check_path: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    env_specific_details: Option<DockerWire>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerWire {
    #[serde(default, deserialize_with = "lenient")]
    dockerfile_path: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    docker_context: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    docker_command: Option<String>,
}

/// A service, inside its envelope or not.
pub(super) fn service(value: Value) -> Option<Service> {
    let wire: ServiceWire = decode(unwrap(value, "service"))?;
    let details = wire.service_details.unwrap_or_default();
    let docker = details.env_specific_details.unwrap_or_default();
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let old_auto_deploy = match wire.auto_deploy.as_deref() {
        Some("yes") => AutoDeploy::Commit,
        _ => AutoDeploy::Off,
    };
    Some(Service {
        name: some(wire.name).unwrap_or_else(|| wire.id.to_string()),
        id: wire.id,
        owner: wire.owner_id.unwrap_or_else(|| OwnerId(String::new())),
        service_type: wire.service_type.unwrap_or_else(|| ServiceType::Other(String::new())),
        runtime: some(details.runtime).or(details.env).unwrap_or_default(),
        branch: some(wire.branch),
        repo: some(wire.repo),
        root_dir: wire.root_dir.unwrap_or_default(),
        dockerfile_path: some(docker.dockerfile_path).unwrap_or_else(|| "./Dockerfile".to_owned()),
        docker_context: some(docker.docker_context).unwrap_or_else(|| ".".to_owned()),
        docker_command: docker.docker_command.unwrap_or_default(),
        health_check_path: some(details.health_check_path),
        url: some(details.url),
        dashboard_url: wire.dashboard_url.unwrap_or_default(),
        auto_deploy: wire.auto_deploy_trigger.unwrap_or(old_auto_deploy),
        suspended: wire.suspended.as_deref() == Some("suspended"),
        plan: details.plan.unwrap_or_default(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeployWire {
    id: DeployId,
    #[serde(default, deserialize_with = "lenient")]
    commit: Option<CommitWire>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<DeployStatus>,
    #[serde(default, deserialize_with = "lenient")]
    trigger: Option<String>,
    created_at: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    started_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    finished_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct CommitWire {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
}

/// A deploy, inside its envelope or not.
pub(super) fn deploy(value: Value) -> Option<Deploy> {
    let wire: DeployWire = decode(unwrap(value, "deploy"))?;
    let (commit, commit_message) = wire.commit.map_or((None, None), |commit| (commit.id, commit.message));
    let commit = commit.filter(|id| !id.is_empty());
    Some(Deploy {
        id: wire.id,
        commit: commit.map(|id| Commit(id.to_lowercase())),
        commit_message,
        status: wire.status.unwrap_or_else(|| DeployStatus::Unknown(String::new())),
        trigger: wire.trigger,
        created_at: wire.created_at,
        started_at: wire.started_at,
        finished_at: wire.finished_at,
    })
}

/// A workspace an API key reaches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Owner {
    pub id: OwnerId,
    #[serde(default)]
    pub name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub email: Option<String>,
    /// `team` or `user`.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: Option<String>,
}

/// An environment variable; its value goes no further than the caller's next line.
#[derive(Deserialize)]
pub(super) struct EnvVar {
    pub key: String,
    #[serde(default, deserialize_with = "lenient")]
    pub value: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_is_read_from_every_known_shape() {
        let full = service(json!({"service": {
            "id": "srv-1", "name": "shop", "ownerId": "tea-1", "type": "web_service", "autoDeploy": "yes",
            "autoDeployTrigger": "checksPass", "branch": "main", "repo": "https://github.com/a/b", "rootDir": "api",
            "dashboardUrl": "https://d", "suspended": "suspended",
            "serviceDetails": {"env": "docker", "runtime": "docker", "plan": "free", "openPorts": null,
                "healthCheckPath": "/healthz", "url": "https://shop.onrender.com",
                "envSpecificDetails": {"dockerCommand": "x", "dockerContext": "..", "dockerfilePath": "./D"}}
        }, "cursor": "c"}))
        .unwrap();
        assert_eq!((full.auto_deploy, full.suspended, full.runtime.as_str()), (AutoDeploy::ChecksPass, true, "docker"));
        assert_eq!((full.dockerfile_path.as_str(), full.docker_context.as_str()), ("./D", ".."));

        let bare = service(json!({"id": "srv-2", "type": "hologram", "autoDeploy": "yes", "repo": null,
            "autoDeployTrigger": "whenever", "serviceDetails": {"env": "image", "healthCheckPath": ""}}))
        .unwrap();
        assert_eq!(bare.service_type, ServiceType::Other("hologram".to_owned()));
        assert_eq!((bare.auto_deploy, bare.health_check_path, bare.repo), (AutoDeploy::Commit, None, None));
        assert_eq!((bare.dockerfile_path.as_str(), bare.runtime.as_str()), ("./Dockerfile", "image"));
        assert!(service(json!({"id": "srv-3", "serviceDetails": null})).is_some());
        assert!(service(json!({"name": "no id"})).is_none());
    }

    #[test]
    fn a_deploy_is_read_with_nulls_and_gaps_and_news() {
        let deploy = |value| deploy(value).unwrap();
        let created = "2026-01-13T16:48:10.54921Z";
        let nulls = deploy(json!({"id": "dep-1", "commit": null, "status": "reticulating", "createdAt": created,
            "startedAt": null, "finishedAt": null, "trigger": null}));
        assert_eq!(nulls.status, DeployStatus::Unknown("reticulating".to_owned()));
        assert_eq!((nulls.commit, nulls.finished_at, nulls.started_at), (None, None, None));
        let full = deploy(json!({"deploy": {"id": "dep-1", "commit": {"id": "ABC", "message": "a\nb"},
            "status": "live", "createdAt": created, "finishedAt": "", "buildId": "bld-1"}}));
        assert_eq!((full.commit, full.status), (Some(Commit("abc".to_owned())), DeployStatus::Live));
        assert_eq!((full.finished_at, full.commit_message.as_deref()), (None, Some("a\nb")));
    }

    #[test]
    fn every_shape_of_error_body_gives_its_words() {
        for (body, expected) in [
            (r#"{"id":"x","message":"not found: srv-1"}"#, "not found: srv-1"),
            (r#"{"error":"rate limit exceeded"}"#, "rate limit exceeded"),
            (r#"{"error":{"message":"deep"}}"#, "deep"),
            ("unauthorized\n", "unauthorized"),
            ("", "no reason given"),
            ("<html>…", "an HTML page instead of a reason"),
            (r#"{"message":null}"#, r#"{"message":null}"#),
        ] {
            assert_eq!(error_message(body.as_bytes()), expected);
        }
    }
}
