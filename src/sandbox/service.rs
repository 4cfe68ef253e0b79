//! The one service, of any type: what `PATCH` and the env-var calls change, and how it looks on the wire (contract §3, §5).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::deploy::micros;
use super::ids::Ids;
use crate::service::{AutoDeploy, ServiceType};

/// Characters of a value made by `generateValue`.
const GENERATED_LEN: usize = 44;

/// The service as it stands now. Deploys take what they need when they begin.
#[derive(Debug, Clone)]
pub(super) struct ServiceRecord {
    pub id: String,
    pub service_type: ServiceType,
    pub runtime: String,
    pub plan: String,
    pub pre_deploy_command: String,
    pub owner: String,
    pub user: String,
    pub environment: String,
    pub name: String,
    /// Never changes, and neither does the address made from it.
    pub slug: String,
    pub repo: String,
    pub branch: String,
    pub root_dir: String,
    pub dockerfile_path: String,
    pub docker_context: String,
    pub docker_command: String,
    pub health_check_path: String,
    pub auto_deploy: AutoDeploy,
    pub suspended: bool,
    pub env: BTreeMap<String, String>,
    /// The port found by the last successful deploy.
    pub open_port: Option<u16>,
    /// Where this machine reaches the service: the proxy.
    pub url: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ServiceRecord {
    /// The host name that probes and visitors send.
    pub(super) fn host(&self) -> String {
        format!("{}.onrender.com", self.slug)
    }

    /// The short word for the type: in the dashboard's addresses and in `RENDER_SERVICE_TYPE`.
    pub(super) fn type_word(&self) -> &'static str {
        match self.service_type {
            ServiceType::PrivateService => "pserv",
            ServiceType::BackgroundWorker => "worker",
            ServiceType::CronJob => "cron",
            ServiceType::StaticSite => "static",
            ServiceType::WebService | ServiceType::Other(_) => "web",
        }
    }

    /// Others can reach it over the network.
    pub(super) fn listens(&self) -> bool {
        !matches!(self.service_type, ServiceType::BackgroundWorker | ServiceType::CronJob)
    }

    pub(super) fn wire(&self, nulls: bool) -> Value {
        let mut service = json!({
            "id": self.id, "name": self.name, "slug": self.slug, "type": self.service_type, "ownerId": self.owner,
            "autoDeploy": if self.auto_deploy == AutoDeploy::Off { "no" } else { "yes" },
            "autoDeployTrigger": self.auto_deploy, "branch": self.branch, "repo": self.repo, "rootDir": self.root_dir,
            "createdAt": micros(self.created_at), "updatedAt": micros(self.updated_at),
            "dashboardUrl": format!("https://dashboard.render.com/{}/{}", self.type_word(), self.id),
            "notifyOnFail": "default",
            "suspended": if self.suspended { "suspended" } else { "not_suspended" },
            "suspenders": if self.suspended { json!(["user"]) } else { json!([]) },
            "environmentId": self.environment,
            "serviceDetails": self.details(nulls),
        });
        if self.runtime == "image" {
            service["imagePath"] = json!("docker.io/library/nginx:latest");
            for name in ["branch", "repo"] {
                service.as_object_mut().map(|fields| fields.remove(name));
            }
        }
        if nulls {
            service["environmentId"] = Value::Null;
            service["serviceDetails"]["sshAddress"] = Value::Null;
        }
        service
    }

    /// `serviceDetails`: each type has its own.
    fn details(&self, nulls: bool) -> Value {
        if self.service_type == ServiceType::StaticSite {
            return json!({
                "buildCommand": "", "parentServer": Value::Null, "publishPath": "public", "buildPlan": "starter",
                "previews": {"generation": "off"}, "pullRequestPreviewsEnabled": "no", "url": self.url,
            });
        }
        let open_ports = match self.open_port {
            None if nulls => Value::Null,
            None => json!([]),
            Some(port) => json!([{"port": port, "protocol": "TCP"}]),
        };
        let mut details = json!({
            "env": self.runtime, "runtime": self.runtime, "plan": self.plan, "region": "oregon",
            "buildPlan": "starter", "numInstances": 1,
            "envSpecificDetails": {
                "dockerCommand": self.docker_command, "dockerContext": self.docker_context,
                "dockerfilePath": self.dockerfile_path, "preDeployCommand": self.pre_deploy_command,
            },
            "healthCheckPath": self.health_check_path,
            "maintenanceMode": {"enabled": false, "uri": ""},
            "openPorts": open_ports,
            "previews": {"generation": "off"}, "pullRequestPreviewsEnabled": "no",
            "sshAddress": format!("{}@ssh.oregon.render.com", self.id), "url": self.url,
        });
        let absent: &[&str] = match self.service_type {
            ServiceType::BackgroundWorker => &["url", "openPorts", "healthCheckPath", "maintenanceMode"],
            ServiceType::CronJob => {
                details["schedule"] = json!("0 * * * *");
                &["url", "openPorts", "healthCheckPath", "maintenanceMode", "numInstances", "sshAddress"]
            }
            ServiceType::PrivateService => {
                // Known inside the private network alone.
                details["url"] = json!(format!("{}:10000", self.slug));
                &["healthCheckPath", "maintenanceMode"]
            }
            _ => &[],
        };
        for name in absent {
            details.as_object_mut().map(|fields| fields.remove(*name));
        }
        details
    }

    /// Applies a PATCH body, all of it or nothing.
    pub(super) fn patched(&self, body: &Value) -> Result<Self, String> {
        let mut service = self.clone();
        if body.get("autoDeploy").is_some() && body.get("autoDeployTrigger").is_some() {
            return Err("autoDeploy and autoDeployTrigger may not both be set".to_owned());
        }
        let text = |value: &Value, field: &mut String, name: &str| match value.get(name) {
            None => Ok(()),
            Some(Value::String(text)) => {
                text.clone_into(field);
                Ok(())
            }
            Some(_) => Err(format!("invalid {name}: must be a string")),
        };
        text(body, &mut service.name, "name")?;
        text(body, &mut service.branch, "branch")?;
        text(body, &mut service.root_dir, "rootDir")?;
        match body.get("autoDeploy").and_then(Value::as_str) {
            Some("yes") => service.auto_deploy = AutoDeploy::Commit,
            Some("no") => service.auto_deploy = AutoDeploy::Off,
            Some(other) => return Err(format!("invalid autoDeploy: {other}")),
            None => {}
        }
        if let Some(trigger) = body.get("autoDeployTrigger") {
            service.auto_deploy =
                serde_json::from_value(trigger.clone()).map_err(|_| format!("invalid autoDeployTrigger: {trigger}"))?;
        }
        if let Some(details) = body.get("serviceDetails") {
            text(details, &mut service.health_check_path, "healthCheckPath")?;
            if let Some(docker) = details.get("envSpecificDetails") {
                text(docker, &mut service.dockerfile_path, "dockerfilePath")?;
                text(docker, &mut service.docker_context, "dockerContext")?;
                text(docker, &mut service.docker_command, "dockerCommand")?;
            }
        }
        Ok(service)
    }

    /// The whole set that a PUT body describes: what it does not name is gone.
    pub(super) fn env_from(body: &Value, ids: &mut Ids) -> Result<BTreeMap<String, String>, String> {
        let items = body.as_array().ok_or("the body must be an array")?;
        let pair = |item: &Value| {
            let key = item["key"].as_str().filter(|key| is_env_key(key));
            let key = key.ok_or_else(|| format!("invalid environment variable key: {}", item["key"]))?;
            Ok((key.to_owned(), env_value(item, ids)?))
        };
        items.iter().map(pair).collect()
    }
}

/// The value of `{"value": …}` or `{"generateValue": true}`.
pub(super) fn env_value(item: &Value, ids: &mut Ids) -> Result<String, String> {
    match (item["value"].as_str(), item["generateValue"].as_bool()) {
        (Some(value), None | Some(false)) => Ok(value.to_owned()),
        (None, Some(true)) => Ok(ids.word(GENERATED_LEN)),
        _ => Err("either value or generateValue must be set".to_owned()),
    }
}

pub(super) fn is_env_key(key: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !key.is_empty() && key.chars().all(legal) && !key.starts_with(|c: char| c.is_ascii_digit())
}
