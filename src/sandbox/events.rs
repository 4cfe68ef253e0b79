//! Events: the only place where Render says why something ended (contract §7).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::deploy::micros;
use crate::service::FailureReason;

/// Something that happened to the service.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub id: String,
    pub timestamp: Timestamp,
    pub kind: &'static str,
    pub details: Value,
}

impl Event {
    pub(super) fn wire(&self, service: &str) -> Value {
        json!({
            "id": self.id, "timestamp": micros(self.timestamp), "serviceId": service, "type": self.kind,
            "details": self.details,
        })
    }
}

/// How a build or a deploy ended, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Succeeded,
    Failed(FailureReason),
    /// A deploy whose build failed.
    BuildFailed {
        build: String,
    },
    Canceled,
    /// Canceled in favour of a newer deploy.
    NewDeploy {
        deploy: String,
    },
    /// A build canceled in favour of a newer one.
    NewBuild {
        build: String,
    },
}

impl Ending {
    /// The word, and its deprecated number: 4 was seen with failures, the others are guesses (contract §7).
    fn status(&self) -> (&'static str, i64) {
        match self {
            Self::Succeeded => ("succeeded", 2),
            Self::Failed(_) | Self::BuildFailed { .. } => ("failed", 4),
            Self::Canceled | Self::NewDeploy { .. } | Self::NewBuild { .. } => ("canceled", 3),
        }
    }

    fn reason(&self) -> Value {
        match self {
            Self::Succeeded | Self::Canceled => json!({}),
            Self::Failed(failure) => json!({"failure": failure_wire(failure)}),
            Self::BuildFailed { build } => json!({"buildFailed": {"id": build}}),
            Self::NewDeploy { deploy } => json!({"newDeploy": {"id": deploy}}),
            Self::NewBuild { build } => json!({"newBuild": {"id": build}}),
        }
    }

    /// `build_ended`.
    pub(super) fn of_build(&self, build: &str) -> Value {
        let (word, number) = self.status();
        json!({"buildId": build, "buildStatus": word, "status": number, "reason": self.reason()})
    }

    /// `pre_deploy_ended`.
    pub(super) fn of_pre_deploy(&self, deploy: &str) -> Value {
        let (word, number) = self.status();
        json!({"deployCommandExecutionId": "", "deployId": deploy, "preDeployStatus": word, "status": number,
               "reason": self.reason()})
    }

    /// `deploy_ended`.
    pub(super) fn of_deploy(&self, deploy: &str) -> Value {
        let (word, number) = self.status();
        json!({"deployId": deploy, "deployStatus": word, "status": number, "reason": self.reason()})
    }
}

/// `failure`, inside a reason or as the reason of `server_failed`.
pub(super) fn failure_wire(failure: &FailureReason) -> Value {
    match failure {
        FailureReason::BuildFailed | FailureReason::Superseded => json!({"evicted": false}),
        FailureReason::NonZeroExit(code) => json!({"evicted": false, "nonZeroExit": code}),
        FailureReason::EarlyExit => json!({"evicted": false, "earlyExit": true}),
        FailureReason::OomKilled { memory_limit } => {
            json!({"evicted": false, "oomKilled": {"memoryLimit": memory_limit}})
        }
        FailureReason::TimedOut { seconds, reason: None } => json!({"evicted": false, "timedOutSeconds": seconds}),
        FailureReason::TimedOut { seconds, reason: Some(reason) } => {
            json!({"evicted": false, "timedOutSeconds": seconds, "timedOutReason": reason})
        }
        FailureReason::Unhealthy(text) => json!({"evicted": false, "unhealthy": text}),
        FailureReason::Evicted(None) => json!({"evicted": true}),
        FailureReason::Evicted(Some(text)) => json!({"evicted": true, "evictionReason": text}),
    }
}
