//! The words Render uses: services, deploys, commits, statuses, reasons of failure.
//!
//! Nouns only. Their wire shapes live in `render::wire`; facts are those of `render/contract.md`.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

id!(
    /// `srv-…`, as the dashboard shows it.
    ServiceId
);
id!(
    /// `dep-…`.
    DeployId
);
id!(
    /// `tea-…` or `own-…`: the workspace that pays.
    OwnerId
);
id!(
    /// A full commit hash in lower-case hex.
    Commit
);

impl Commit {
    /// The first seven digits, as people quote a commit.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

/// What kind of service Render runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceType {
    WebService,
    PrivateService,
    BackgroundWorker,
    StaticSite,
    CronJob,
    #[serde(untagged)]
    Other(String),
}

/// When Render deploys by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AutoDeploy {
    /// On every push to the connected branch.
    Commit,
    /// After the commit's checks have passed; with no checks at all, never.
    ChecksPass,
    Off,
}

/// A service as the API describes it, reduced to what healing needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub id: ServiceId,
    pub name: String,
    pub owner: OwnerId,
    pub service_type: ServiceType,
    /// `docker`, `image`, `python`, …
    pub runtime: String,
    pub branch: Option<String>,
    pub repo: Option<String>,
    /// Relative to the repository; empty means its top.
    pub root_dir: String,
    /// Relative to `root_dir`.
    pub dockerfile_path: String,
    /// Relative to `root_dir`.
    pub docker_context: String,
    /// Overrides the Dockerfile's `CMD` when not empty.
    pub docker_command: String,
    pub health_check_path: Option<String>,
    /// Public address; workers and cron jobs have none.
    pub url: Option<String>,
    pub dashboard_url: String,
    pub auto_deploy: AutoDeploy,
    pub suspended: bool,
    pub plan: String,
}

/// Render's eleven deploy statuses, and any it may add.
///
/// An unknown status counts as still running (contract §4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployStatus {
    Created,
    Queued,
    BuildInProgress,
    PreDeployInProgress,
    UpdateInProgress,
    Live,
    Deactivated,
    BuildFailed,
    PreDeployFailed,
    UpdateFailed,
    Canceled,
    #[serde(untagged)]
    Unknown(String),
}

impl DeployStatus {
    /// Nothing more will happen to a deploy in this status.
    pub fn is_terminal(&self) -> bool {
        self.is_failure() || matches!(self, Self::Live | Self::Deactivated | Self::Canceled)
    }

    /// The deploy itself went wrong; `canceled` is no verdict.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::BuildFailed | Self::PreDeployFailed | Self::UpdateFailed)
    }

    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Queued => "queued",
            Self::BuildInProgress => "build_in_progress",
            Self::PreDeployInProgress => "pre_deploy_in_progress",
            Self::UpdateInProgress => "update_in_progress",
            Self::Live => "live",
            Self::Deactivated => "deactivated",
            Self::BuildFailed => "build_failed",
            Self::PreDeployFailed => "pre_deploy_failed",
            Self::UpdateFailed => "update_failed",
            Self::Canceled => "canceled",
            Self::Unknown(word) => word,
        }
    }
}

impl fmt::Display for DeployStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One deploy. Times are RFC 3339 instants in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deploy {
    pub id: DeployId,
    /// `None` for image services.
    pub commit: Option<Commit>,
    pub commit_message: Option<String>,
    pub status: DeployStatus,
    /// `api`, `new_commit`, `manual`, …
    pub trigger: Option<String>,
    pub created_at: jiff::Timestamp,
    pub started_at: Option<jiff::Timestamp>,
    pub finished_at: Option<jiff::Timestamp>,
}

/// Why Render says a build, deploy or instance ended (contract §7 `failure`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The build failed; its log says why.
    BuildFailed,
    NonZeroExit(i64),
    /// Exited with 0 though it should run on.
    EarlyExit,
    OomKilled {
        memory_limit: String,
    },
    TimedOut {
        seconds: i64,
        reason: Option<String>,
    },
    Unhealthy(String),
    Evicted(Option<String>),
    /// Cancelled in favour of a newer build or deploy.
    Superseded,
}
