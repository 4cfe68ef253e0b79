//! What was seen of a service at one moment. Frozen: the flow thinks about an observation, never about "now".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::service::{Deploy, FailureReason};

pub mod plain;
pub mod redaction;

/// Everything the flow may know about a deploy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    pub deploy: Option<Deploy>,
    /// From the newest `build_ended`/`deploy_ended`/`server_failed` event of this deploy.
    pub reason: Option<FailureReason>,
    /// The build's output, one entry a line, oldest first.
    pub build_log: Vec<String>,
    /// The newest instance's output and the platform's `==>` lines, oldest first.
    pub app_log: Vec<String>,
    /// Templates of what the last good deploy printed where this one failed: such lines are no evidence.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seen_before: BTreeSet<String>,
    pub health: Option<Health>,
    pub facts: Facts,
}

/// Settings of the service that explain failures. Names only: no values of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub health_path: Option<String>,
    /// Names of the service's environment variables; `None` when they could not be read.
    pub env_names: Option<BTreeSet<String>>,
    pub dockerfile_path: String,
    /// The build context's folder, relative to the repository; empty = its top.
    pub context: String,
    /// Runs instead of the image's CMD. It stands in the service's settings, out of a commit's reach.
    pub docker_command: Option<String>,
    /// How long the platform lets a build run, in seconds, where it is known.
    pub build_timeout_s: Option<u64>,
    /// `512Mi` and the like.
    pub memory_limit: Option<String>,
}

/// Health: did the service answer, how, and how fast? (spec C5)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub healthy: bool,
    /// `None` when there was no HTTP answer at all.
    pub status_code: Option<u16>,
    pub response_time_ms: u64,
    /// From `/readyz`, where the service has it.
    pub database_connected: Option<bool>,
    /// Whether the body was JSON; `None` when it did not claim to be.
    pub json_valid: Option<bool>,
    pub timestamp: jiff::Timestamp,
    /// What went wrong, in a sentence; empty when nothing did.
    pub detail: String,
}
