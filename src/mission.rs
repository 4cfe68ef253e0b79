//! A mission: one run's service, repository, session, record and limits, and how it can end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::choice::Topology;
use crate::diagnosis::Finding;
use crate::learning::{LearningState, WorkingConfiguration};
use crate::memory::{Session, Store, Versioned, write_versioned};
use crate::narration::Event;
use crate::observation::Health;
use crate::operations::Operations;
use crate::probe::Endpoint;
use crate::service::{Commit, Deploy};

pub mod journal;
pub mod past;

use journal::{Entry, Journal, Line};

impl Versioned for LearningState {
    const FORMAT: u32 = Self::FORMAT;
}

/// What the person asked for.
#[derive(Debug, Clone)]
pub struct Options {
    pub max_iterations: u32,
    /// `None`: as the findings suggest.
    pub topology: Option<Topology>,
    pub dry_run: bool,
    pub include_changes: bool,
    /// The SPARC phases around the swarm; `heal` goes without.
    pub with_phases: bool,
    /// The simple loop instead of the swarm.
    pub simple: bool,
}

/// One run.
pub struct Mission {
    pub operations: Operations,
    pub store: Store,
    pub session: Session,
    pub journal: Journal,
    /// What the journal of a run that is taken up holds; empty for a run that begins.
    pub past: Vec<Line>,
    pub learning: Arc<Mutex<LearningState>>,
    pub options: Options,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was to be done (K3).
    AlreadyHealthy,
    /// Deployed, and no fix was needed.
    Deployed,
    Healed,
    /// Back at an older deploy, as the person asked.
    RolledBack,
    /// Still unhealthy: manual review needed.
    GaveUp,
    /// A secret, an account, a decision.
    NeedsPerson,
    /// The deploy is still running.
    TimedOut,
    /// A dry run found something to do: a fix, a push, a deploy.
    WouldChange,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::AlreadyHealthy => "already_healthy",
            Self::Deployed => "deployed",
            Self::Healed => "healed",
            Self::RolledBack => "rolled_back",
            Self::GaveUp => "gave_up",
            Self::NeedsPerson => "needs_person",
            Self::TimedOut => "timed_out",
            Self::WouldChange => "would_change",
        }
    }

    pub fn is_healthy(self) -> bool {
        matches!(self, Self::AlreadyHealthy | Self::Deployed | Self::Healed | Self::RolledBack)
    }
}

/// Where a run ended, with what it knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEnd {
    pub outcome: Outcome,
    pub commit: Option<Commit>,
    pub deploys: u32,
    pub iterations: u32,
    /// Titles of the fixes that stand.
    pub fixes: Vec<String>,
    /// What was last found, best first.
    pub findings: Vec<Finding>,
    pub health: Option<Health>,
    pub endpoints: Vec<EndpointReport>,
    /// One sentence.
    pub summary: String,
    /// Commands or acts that come next for a person.
    pub next: Vec<String>,
}

/// An endpoint as the report has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointReport {
    pub path: String,
    pub status_code: Option<u16>,
    pub response_time_ms: u64,
}

impl From<Endpoint> for EndpointReport {
    fn from(endpoint: Endpoint) -> Self {
        let Endpoint { path, status_code, response_time_ms, .. } = endpoint;
        Self { path, status_code, response_time_ms }
    }
}

impl RunEnd {
    pub fn new(outcome: Outcome, summary: impl Into<String>) -> Self {
        Self {
            outcome,
            commit: None,
            deploys: 0,
            iterations: 0,
            fixes: vec![],
            findings: vec![],
            health: None,
            endpoints: vec![],
            summary: summary.into(),
            next: vec![],
        }
    }
}

impl Mission {
    /// Writes to the journal. A run goes on when the journal cannot be written, but says so.
    pub fn journal(&self, entry: Entry) -> Line {
        let (line, written) = self.journal.write(entry, &self.operations.redactor);
        if let Err(error) = written {
            self.operations.narrator.warn(error.to_string(), "the run goes on, but could not be resumed");
        }
        line
    }

    /// Writes a document of the session, without secrets.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn document(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let value = self.operations.redactor.redact_value(serde_json::to_value(value)?);
        Ok(self.session.write_json(name, &value)?)
    }

    /// A line in `swarm_output.log` or another log of the session.
    pub fn log(&self, file: &str, line: &str) {
        let line = format!("{} {}", crate::world::now(), self.operations.redactor.redact(line));
        if let Err(error) = self.session.append_log(file, &line) {
            tracing::warn!("{error}");
        }
    }

    /// Absorbs the lessons of `lines` that are not on record yet, and saves the record. A dry run changes nothing.
    pub async fn learn(&self, lines: &[Line]) {
        if self.options.dry_run {
            return;
        }
        let mut learning = self.learning.lock().await;
        let mut news = false;
        for (lesson, line) in lines.iter().filter_map(|line| Some((line.lesson()?, line))) {
            let chance = |learning: &LearningState| -> Vec<f64> {
                lesson.taught.iter().map(|of| learning.record(&of.class, &of.remedy).chance()).collect()
            };
            let before = chance(&learning);
            if !learning.take(self.session.id().as_str(), line.seq, lesson, line.at) {
                continue;
            }
            news = true;
            for ((of, before), after) in lesson.taught.iter().zip(before).zip(chance(&learning)) {
                let summary = format!("{}/{} {before:.2} → {after:.2}", of.class, of.remedy);
                self.operations.narrator.tell(Event::LearnUpdated { summary });
            }
        }
        if news {
            self.save(&learning);
        }
    }

    /// The configuration of `deploy`, which went live, and the strategy that its build time counts for.
    pub fn configuration(&self, deploy: &Deploy) -> Option<(WorkingConfiguration, String)> {
        let commit = deploy.commit.clone()?;
        let base_image = self.operations.workspace(&commit).ok().map(|workspace| {
            let text = workspace.text(&self.operations.facts.dockerfile_path).unwrap_or_default();
            let stages = crate::dockerfile::Dockerfile::parse(text).stages();
            stages.last().map(|stage| stage.image.clone()).unwrap_or_default()
        });
        let base_image = base_image.unwrap_or_default();
        let start = deploy.started_at.unwrap_or(deploy.created_at);
        let end = deploy.finished_at.unwrap_or_else(crate::world::now);
        let service = self.operations.service.name.clone();
        let strategy = format!("{service} on {base_image}");
        let build_s = end.duration_since(start).as_secs_f64().max(0.0);
        Some((
            WorkingConfiguration { service, commit: commit.0, build_s, at: crate::world::now(), base_image },
            strategy,
        ))
    }

    fn save(&self, learning: &LearningState) {
        match write_versioned(&self.store.learning_path(), learning) {
            Ok(None) => {}
            Ok(Some(aside)) => self.operations.narrator.warn(
                format!("the learning state was damaged; it was set aside as {}", aside.display()),
                "domain-runner learn verify --repair   rebuilds it from the sessions",
            ),
            Err(error) => self.operations.narrator.warn(error.to_string(), "what this run learned is not saved"),
        }
    }
}
