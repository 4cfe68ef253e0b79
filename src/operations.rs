//! What a run does to the outside, for the agents and the simple loop alike: observe, diagnose with the index, release, wait.
//!
//! Nothing is decided here that the pure rooms decide; this room asks the platform and the repository, and carries out steps.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::diagnosis::{self, Diagnosis, Finding};
use crate::git::{Pushed, Relation, Repo};
use crate::index::Index;
use crate::knowledge::Knowledge;
use crate::narration::{Event, Narrator};
use crate::observation::redaction::Redactor;
use crate::observation::{Facts, Health, Observation};
use crate::probe::Probe;
use crate::release::Step;
use crate::render::{LogEntry, Render, RenderError, Triggered};
use crate::service::{Commit, Deploy, DeployId, DeployStatus, Service};
use crate::workspace::Workspace;

mod log_window;
mod waiting;

pub use waiting::{Stability, Waited};

/// A push must show up as a deploy within this time; contract §9 says 30 to 60 s.
const ADOPTION_TIMEOUT: Duration = Duration::from_secs(60);
/// Rounds of questions to the package index per diagnosis: an answer may raise one more question, rarely two.
const QUESTION_ROUNDS_MAX: usize = 4;
/// A push that finds the remote moved is re-applied on the new tip this often.
const PUSHES_MAX: u32 = 3;
/// Deploys looked at when one is searched for.
const DEPLOYS_LISTED: usize = 50;
/// A successor of a canceled deploy shows up at once; this long is patient.
const SUCCESSOR_TIMEOUT: Duration = Duration::from_secs(60);

/// Times that bound a run.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two looks at a deploy. Render's own CLI takes 5 s.
    pub poll: Duration,
    /// Between two iterations.
    pub cooldown: Duration,
    /// For how long a live deploy must stay healthy.
    pub stabilise: Duration,
    /// For one deploy.
    pub deploy_timeout: Duration,
    /// When the whole run must be over.
    pub deadline: Instant,
}

/// What became of a commit that was to be published.
#[derive(Debug, Clone)]
pub enum Published {
    Done(Commit),
    /// Somebody else's newer tip, on which the change makes no sense any more.
    Overtaken(Commit),
}

/// Everything a run needs of the outside.
#[derive(Clone)]
pub struct Operations {
    pub render: Render,
    pub repo: Repo,
    pub service: Service,
    pub remote: String,
    pub branch: String,
    pub index: Arc<Index>,
    pub knowledge: Arc<Mutex<Knowledge>>,
    pub probe: Option<Probe>,
    pub timing: Timing,
    pub redactor: Redactor,
    pub narrator: Narrator,
    pub facts: Facts,
}

impl Operations {
    /// The files of `commit`.
    pub fn workspace(&self, commit: &Commit) -> anyhow::Result<Workspace> {
        Ok(self.repo.workspace(commit)?)
    }

    /// What the platform and the service show of `deploy`.
    pub async fn observe(&self, deploy: &Deploy) -> Observation {
        let build = matches!(deploy.status, DeployStatus::BuildFailed | DeployStatus::Canceled);
        let build_log = self.log(self.render.build_log(&self.service, deploy).await, "build");
        let commit = deploy.commit.as_ref().map(|commit| commit.0.as_str());
        let build_log = self.lines(log_window::of_build(build_log, commit));
        let app_log = match build {
            true => vec![],
            false => {
                let entries = self.log(self.render.app_log(&self.service, deploy).await, "app");
                self.lines(log_window::of_newest_instance(entries, deploy.started_at.unwrap_or(deploy.created_at)))
            }
        };
        let reason = match self.render.failure_reason(&self.service.id, &deploy.id, deploy.created_at).await {
            Ok(reason) => reason,
            Err(error) => {
                self.lost("events", &error);
                None
            }
        };
        let mut facts = self.facts.clone();
        if let Some(crate::service::FailureReason::OomKilled { memory_limit }) = &reason {
            facts.memory_limit = Some(memory_limit.clone());
        }
        Observation { deploy: Some(deploy.clone()), reason, build_log, app_log, health: self.health().await, facts }
    }

    fn log(&self, entries: Result<Vec<LogEntry>, RenderError>, what: &str) -> Vec<LogEntry> {
        entries.unwrap_or_else(|error| {
            self.lost(&format!("{what} log"), &error);
            vec![]
        })
    }

    fn lines(&self, entries: Vec<LogEntry>) -> Vec<String> {
        let lines = entries.iter().flat_map(|entry| entry.message.lines());
        lines.map(|line| self.redactor.redact(line)).collect()
    }

    /// A lost picture is a warning, not a lost deploy.
    fn lost(&self, what: &str, error: &RenderError) {
        self.narrator.warn(format!("the {what} could not be read: {error}"), error.hint());
    }

    /// One health check, told of; `None` for services without an address.
    pub async fn health(&self) -> Option<Health> {
        let health = self.probe.as_ref()?.health().await;
        self.tell_health(&health);
        Some(health)
    }

    fn tell_health(&self, health: &Health) {
        self.narrator.tell(Event::Verify {
            url: self.probe.as_ref().map(Probe::url).unwrap_or_default(),
            status: health.status_code,
            latency_ms: health.response_time_ms,
            ok: health.healthy,
        });
    }

    /// Findings for `observation`, with the package index asked for what the rules would like to know.
    pub async fn diagnose(&self, observation: &Observation, workspace: &Workspace) -> Diagnosis {
        self.with_index(|knowledge| diagnosis::diagnose(observation, workspace, knowledge)).await
    }

    /// Faults that the files alone show.
    pub async fn foresee(&self, workspace: &Workspace) -> Diagnosis {
        self.with_index(|knowledge| diagnosis::foresee(workspace, &self.facts, knowledge)).await
    }

    async fn with_index(&self, think: impl Fn(&Knowledge) -> Diagnosis) -> Diagnosis {
        let mut knowledge = self.knowledge.lock().await;
        let mut diagnosis = think(&knowledge);
        for _ in 0..QUESTION_ROUNDS_MAX {
            if diagnosis.questions.is_empty() {
                break;
            }
            self.index.answer(&diagnosis.questions, &mut knowledge).await;
            diagnosis = think(&knowledge);
        }
        diagnosis
    }

    /// Commits `before → after` on `onto` and pushes it; when the remote has moved, again on its new tip. `made` hears of each
    /// commit and its parent before it is pushed.
    ///
    /// # Errors
    /// When the edits do not fit, the remote refuses, or it has moved away from `onto`.
    pub async fn publish(
        &self,
        onto: &Commit,
        change: &(dyn Fn(&Workspace) -> anyhow::Result<Workspace> + Send + Sync),
        message: &str,
        made: &mut (dyn FnMut(&Commit, &Commit) + Send),
    ) -> anyhow::Result<Published> {
        let mut parent = onto.clone();
        for attempt in 1..=PUSHES_MAX {
            let before = self.repo.workspace(&parent)?;
            let after = match change(&before) {
                Ok(after) => after,
                Err(_) if parent != *onto => return Ok(Published::Overtaken(parent)),
                Err(error) => return Err(error),
            };
            let commit = self.repo.commit_workspace_change(&parent, &before, &after, message)?;
            made(&commit, &parent);
            match self.repo.push(&self.remote, &commit, &self.branch).await? {
                Pushed::Done => {
                    self.advance(onto, &commit);
                    return Ok(Published::Done(commit));
                }
                Pushed::Rejected { reason } if attempt < PUSHES_MAX => {
                    self.narrator.warn(
                        format!("`{}` has moved meanwhile: {reason}", self.branch),
                        "the fix is made again on the new tip",
                    );
                    let tip = self.repo.fetch(&self.remote, &self.branch).await?;
                    parent = tip.context("the branch was deleted on the remote")?;
                    // What was never pushed would be left out of what is shipped.
                    if !matches!(self.repo.relation(onto, Some(&parent))?, Relation::Same | Relation::Behind(_)) {
                        bail!("{}", self.overtaken());
                    }
                }
                Pushed::Rejected { reason } => bail!("the remote refused the push: {reason}"),
            }
        }
        bail!("the remote moved {PUSHES_MAX} times during the push")
    }

    /// Moves the local branch along, where it still stands where the run began. It is a convenience: the remote has the commit.
    pub fn advance(&self, from: &Commit, to: &Commit) {
        match self.repo.advance(&self.branch, from, to) {
            Ok(advanced) => {
                for kept in advanced.kept {
                    self.narrator.warn(
                        format!("your `{}` was left as it is: {}", kept.path, kept.why),
                        format!("git checkout {} -- {} takes the fixed one", to.short(), kept.path),
                    );
                }
            }
            Err(error) => self.narrator.warn(
                format!("the local branch `{}` was not moved: {error}", self.branch),
                format!("git pull {} {}", self.remote, self.branch),
            ),
        }
    }

    /// Pushes `commit` as it is.
    pub async fn push(&self, commit: &Commit) -> anyhow::Result<()> {
        match self.repo.push(&self.remote, commit, &self.branch).await? {
            Pushed::Done => Ok(()),
            Pushed::Rejected { .. } => bail!("{}", self.overtaken()),
        }
    }

    fn overtaken(&self) -> String {
        format!(
            "somebody pushed to `{}` meanwhile, and your commits are not on top: run `git pull --rebase` first",
            self.branch
        )
    }

    /// How the local head and the remote branch stand to each other.
    pub async fn relation(&self, head: &Commit) -> anyhow::Result<(Relation, Option<Commit>)> {
        let tip = self.repo.fetch(&self.remote, &self.branch).await?;
        Ok((self.repo.relation(head, tip.as_ref())?, tip))
    }

    /// The newest deploy of `commit`.
    pub async fn deploy_of(&self, commit: &Commit) -> anyhow::Result<Option<Deploy>> {
        let deploys = self.render.deploys(&self.service.id, DEPLOYS_LISTED).await?;
        Ok(deploys.into_iter().find(|deploy| deploy.commit.as_ref() == Some(commit)))
    }

    /// The newest deploy of all.
    pub async fn newest_deploy(&self) -> anyhow::Result<Option<Deploy>> {
        Ok(self.render.deploys(&self.service.id, 1).await?.into_iter().next())
    }

    /// The deploy that a pushed `commit` becomes: adopted when the platform starts it, triggered when it will not.
    ///
    /// A commit that was deployed before, as `instead_of`, gets a new deploy, unless it has one already: asking twice begins
    /// no second one.
    pub async fn start_deploy(&self, commit: &Commit, instead_of: Option<&DeployId>) -> anyhow::Result<Deploy> {
        if let Some(old) = instead_of {
            return match self.deploy_of(commit).await? {
                Some(newer) if newer.id != *old => Ok(newer),
                _ => self.trigger(commit).await,
            };
        }
        let since = crate::world::now() - jiff::SignedDuration::from_secs(120);
        // Our own taken-back fixes are such commits: no deploy will come by itself.
        let skipped = self.repo.message_of(commit).is_ok_and(|message| message.contains("[skip render]"));
        if crate::release::trigger(self.service.auto_deploy) == Step::AdoptAutoDeploy && !skipped {
            let limit = Instant::now() + ADOPTION_TIMEOUT;
            while Instant::now() < limit {
                if let Some(deploy) = self.deploy_of(commit).await? {
                    return Ok(deploy);
                }
                if self.render.commit_ignored(&self.service.id, commit, since).await.unwrap_or(false) {
                    break;
                }
                sleep(self.timing.poll.min(Duration::from_secs(3))).await;
            }
        } else if let Some(deploy) = self.deploy_of(commit).await? {
            return Ok(deploy);
        }
        self.trigger(commit).await
    }

    /// Asks the platform for a deploy of `commit`.
    async fn trigger(&self, commit: &Commit) -> anyhow::Result<Deploy> {
        let known: Vec<DeployId> = self.known_deploys().await?;
        match self.render.create_deploy(&self.service.id, Some(commit)).await? {
            Triggered::Started(deploy) => Ok(deploy),
            Triggered::Queued => {
                let limit = Instant::now() + SUCCESSOR_TIMEOUT;
                while Instant::now() < limit {
                    let deploys = self.render.deploys(&self.service.id, DEPLOYS_LISTED).await?;
                    let new = deploys.into_iter().find(|deploy| {
                        !known.contains(&deploy.id) && deploy.commit.as_ref().is_none_or(|of| of == commit)
                    });
                    if let Some(deploy) = new {
                        return Ok(deploy);
                    }
                    sleep(Duration::from_secs(1).min(self.timing.poll)).await;
                }
                bail!("Render queued a deploy of {} and never showed it", commit.short())
            }
        }
    }

    async fn known_deploys(&self) -> anyhow::Result<Vec<DeployId>> {
        let deploys = self.render.deploys(&self.service.id, DEPLOYS_LISTED).await?;
        Ok(deploys.into_iter().map(|deploy| deploy.id).collect())
    }

    /// Tells of a finding.
    pub fn tell_finding(&self, finding: &Finding) {
        let redact = |text: &str| self.redactor.redact(text);
        self.narrator.tell(Event::Finding {
            class: finding.class.clone(),
            stage: finding.stage,
            severity: finding.severity,
            policy: finding.policy,
            subject: redact(&finding.subject),
            message: redact(&finding.why),
            confidence: finding.confidence,
            line: finding.line,
            evidence: finding.evidence.iter().map(|line| redact(line)).collect(),
            path: finding.place.as_ref().map(|place| place.path.clone()),
            path_line: finding.place.as_ref().map(|place| place.line),
            fingerprint: redact(&finding.fingerprint()),
        });
    }
}
