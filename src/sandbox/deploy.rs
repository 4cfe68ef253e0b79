//! One deploy: what it is of, where it stands, and how it looks on the wire (contract §4).

use jiff::{Timestamp, TimestampRound, Unit};
use serde_json::{Value, json};

use crate::service::DeployStatus;

/// A commit as the remote tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommitInfo {
    pub id: String,
    /// The whole message, with its line feeds.
    pub message: String,
    pub created_at: Timestamp,
}

impl CommitInfo {
    /// `[skip render]` and its variants keep a push from deploying (contract §9).
    pub(super) fn asks_to_be_skipped(&self) -> bool {
        let message = self.message.to_lowercase();
        ["render", "deploy", "cd"]
            .iter()
            .any(|word| message.contains(&format!("[skip {word}]")) || message.contains(&format!("[{word} skip]")))
    }
}

/// Why a deploy came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trigger {
    Api,
    NewCommit,
    DeployHook,
    /// Back to what an older deploy built.
    Rollback {
        target: String,
    },
    ServiceResumed,
}

impl Trigger {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::NewCommit => "new_commit",
            Self::DeployHook => "deploy_hook",
            Self::Rollback { .. } => "rollback",
            Self::ServiceResumed => "service_resumed",
        }
    }
}

/// A deploy that somebody asks for.
#[derive(Debug, Clone)]
pub(super) struct DeployRequest {
    pub commit: CommitInfo,
    pub trigger: Trigger,
    pub clear_cache: bool,
    /// Runs again what this deploy built, without a build.
    pub reuse: Option<String>,
}

/// A deploy with its history.
#[derive(Debug, Clone)]
pub(super) struct DeployRecord {
    pub id: String,
    /// `bld-…`: what build events call its build.
    pub build: String,
    pub request: DeployRequest,
    pub status: DeployStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Missing while it waits.
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// No successful build came before it.
    pub first: bool,
}

impl DeployRecord {
    pub(super) fn is_in_progress(&self) -> bool {
        !self.status.is_terminal() && self.status != DeployStatus::Queued
    }

    /// Absent rather than null while unknown, as since May 2025; `nulls` brings back the older way.
    pub(super) fn wire(&self, nulls: bool) -> Value {
        let commit = &self.request.commit;
        let mut deploy = json!({
            "id": self.id,
            "commit": {"id": commit.id, "message": commit.message, "createdAt": micros(commit.created_at)},
            "status": self.status.as_str(),
            "trigger": self.request.trigger.as_str(),
            "createdAt": micros(self.created_at),
            "updatedAt": micros(self.updated_at),
        });
        for (name, time) in [("startedAt", self.started_at), ("finishedAt", self.finished_at)] {
            match time {
                Some(time) => deploy[name] = json!(micros(time)),
                None if nulls => deploy[name] = Value::Null,
                None => {}
            }
        }
        if nulls {
            deploy["image"] = Value::Null;
        }
        deploy
    }

    /// `trigger` inside `build_started` and `deploy_started` (contract §7).
    pub(super) fn trigger_wire(&self, user: (&str, &str)) -> Value {
        let trigger = &self.request.trigger;
        let mut wire = json!({
            "firstBuild": self.first, "envUpdated": false, "manual": matches!(trigger, Trigger::Api),
            "deployedByRender": false, "clearCache": self.request.clear_cache,
            "rollback": matches!(trigger, Trigger::Rollback { .. }),
        });
        match trigger {
            Trigger::NewCommit => wire["newCommit"] = json!(self.request.commit.id),
            Trigger::Rollback { target } => wire["rollbackTargetDeployId"] = json!(target),
            Trigger::Api => wire["user"] = json!({"id": user.0, "email": user.1}),
            Trigger::DeployHook | Trigger::ServiceResumed => {}
        }
        wire
    }
}

/// RFC 3339 with at most six digits, as everywhere but in logs (contract §2).
pub(super) fn micros(time: Timestamp) -> String {
    let rounding = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
    time.round(rounding).unwrap_or(time).to_string()
}
