//! The five documents under `memory/swarm`, with the field names of spec C1-C5, and the board they hang on.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::choice::Decision;
use crate::diagnosis::{Finding, Severity};
use crate::knowledge::Question;
use crate::memory::{Document, Store};
use crate::observation::redaction::Redactor;
use crate::observation::{Health, Observation};
use crate::service::{Commit, DeployId, DeployStatus};
use crate::validation::{Check, Proof, Rung};

/// What every document says of itself. Work based on an older assignment is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    pub session: String,
    pub iteration: u32,
    /// Number of the assignment this document serves.
    pub seq: u64,
    /// Number of the document it was made from: that document's `seq`.
    pub based_on: u64,
    pub timestamp: Timestamp,
}

/// Format of the swarm's documents.
pub const FORMAT: u32 = 1;

/// The monitor's: is the service healthy? (C5)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorOutput {
    #[serde(flatten)]
    pub header: Header,
    pub healthy: bool,
    pub status_code: Option<u16>,
    pub response_time_ms: u64,
    pub database_connected: Option<bool>,
    pub json_valid: Option<bool>,
    pub deploy: Option<DeployId>,
    pub deploy_status: Option<DeployStatus>,
    pub commit: Option<Commit>,
    /// What the platform shows of the deploy: reason, logs, health.
    pub observation: Observation,
}

impl MonitorOutput {
    pub fn of(header: Header, observation: Observation) -> Self {
        let health: Option<&Health> = observation.health.as_ref();
        let deploy = observation.deploy.as_ref();
        let live = deploy.is_none_or(|deploy| deploy.status == DeployStatus::Live);
        Self {
            header,
            // An answer of the old version while a deploy fails is not health.
            healthy: live && health.is_some_and(|health| health.healthy),
            status_code: health.and_then(|health| health.status_code),
            response_time_ms: health.map_or(0, |health| health.response_time_ms),
            database_connected: health.and_then(|health| health.database_connected),
            json_valid: health.and_then(|health| health.json_valid),
            deploy: deploy.map(|deploy| deploy.id.clone()),
            deploy_status: deploy.map(|deploy| deploy.status.clone()),
            commit: deploy.and_then(|deploy| deploy.commit.clone()),
            observation,
        }
    }
}

/// One entry of `patterns_found`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    #[serde(rename = "type")]
    pub kind: String,
    pub details: String,
    pub severity: Severity,
}

/// The analyzer's: what failed and why. (C1)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalyzerOutput {
    #[serde(flatten)]
    pub header: Header,
    pub patterns_found: Vec<Pattern>,
    pub recommendations: Vec<String>,
    /// Findings of the log, best first.
    pub findings: Vec<Finding>,
    /// Faults that the files alone show.
    pub foreseen: Vec<Finding>,
    /// Questions that nobody could answer.
    pub open_questions: Vec<Question>,
}

/// The optimizer's: strategy and ranking from the record. (C4)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerOutput {
    #[serde(flatten)]
    pub header: Header,
    pub current_topology: String,
    pub success_rate: Option<f64>,
    pub total_attempts: u64,
    /// Seconds.
    pub avg_build_time: Option<f64>,
    pub recommendation: String,
    pub optimization_tips: Vec<String>,
    /// The findings with their remedies in the order to try them.
    pub findings: Vec<Finding>,
    pub foreseen: Vec<Finding>,
}

/// The fixer's: the chosen remedies as edits. (C2)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixerOutput {
    #[serde(flatten)]
    pub header: Header,
    /// Titles of the remedies.
    pub fixes_applied: Vec<String>,
    #[serde(flatten)]
    pub decision: Decision,
    /// How many proposals of this assignment the validator has refused before.
    pub attempt: u32,
    /// Unified diff of what the fixes change.
    pub diff: String,
}

/// The validator's: seven named checks, stronger proofs, verdict. (C3)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidatorOutput {
    #[serde(flatten)]
    pub header: Header,
    pub dockerfile_exists: bool,
    pub has_from_statement: bool,
    pub has_workdir: bool,
    pub has_copy_commands: bool,
    pub has_cmd: bool,
    pub no_syntax_errors: bool,
    pub line_continuation_valid: bool,
    pub checks: Vec<Check>,
    pub rung: Rung,
    /// How far the fixes were proved, by what, and what stays open.
    pub proof: Option<Proof>,
    pub cleared: bool,
    /// `class/remedy` of the primary fix judged, and why it was refused.
    pub refused: Vec<(String, String)>,
}

impl ValidatorOutput {
    pub fn of(header: Header, checks: Vec<Check>, proof: Option<Proof>, refused: Vec<(String, String)>) -> Self {
        let passed = |name: &str| checks.iter().any(|check| check.name == name && check.passed);
        Self {
            header,
            dockerfile_exists: passed("dockerfile_exists"),
            has_from_statement: passed("has_from_statement"),
            has_workdir: passed("has_workdir"),
            has_copy_commands: passed("has_copy_commands"),
            has_cmd: passed("has_cmd"),
            no_syntax_errors: passed("no_syntax_errors"),
            line_continuation_valid: passed("line_continuation_valid"),
            cleared: refused.is_empty(),
            checks,
            rung: proof.as_ref().map_or(Rung::Parse, |proof| proof.rung),
            proof,
            refused,
        }
    }
}

/// The writers' ends: each belongs to the one agent that writes it.
pub(super) struct Writers {
    pub monitor: Document<MonitorOutput>,
    pub analyzer: Document<AnalyzerOutput>,
    pub optimizer: Document<OptimizerOutput>,
    pub fixer: Document<FixerOutput>,
    pub validator: Document<ValidatorOutput>,
}

/// The readers' ends: every agent may read all documents and is woken when they change.
#[derive(Clone)]
pub(super) struct Board {
    pub monitor: watch::Receiver<Option<Arc<MonitorOutput>>>,
    pub analyzer: watch::Receiver<Option<Arc<AnalyzerOutput>>>,
    pub optimizer: watch::Receiver<Option<Arc<OptimizerOutput>>>,
    pub fixer: watch::Receiver<Option<Arc<FixerOutput>>>,
    pub validator: watch::Receiver<Option<Arc<ValidatorOutput>>>,
}

impl Writers {
    /// The documents of `memory/swarm`.
    pub fn new(store: &Store, redactor: &Redactor) -> Self {
        Self {
            monitor: Document::new(store.swarm_path("monitor")).redacted_by(redactor),
            analyzer: Document::new(store.swarm_path("analyzer")).redacted_by(redactor),
            optimizer: Document::new(store.swarm_path("optimizer")).redacted_by(redactor),
            fixer: Document::new(store.swarm_path("fixer")).redacted_by(redactor),
            validator: Document::new(store.swarm_path("validator")).redacted_by(redactor),
        }
    }

    pub fn board(&self) -> Board {
        Board {
            monitor: self.monitor.subscribe(),
            analyzer: self.analyzer.subscribe(),
            optimizer: self.optimizer.subscribe(),
            fixer: self.fixer.subscribe(),
            validator: self.validator.subscribe(),
        }
    }
}
