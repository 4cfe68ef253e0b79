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
use crate::learning::Setting;
use crate::narration::{Event, Narrator};
use crate::observation::redaction::Redactor;
use crate::observation::{Facts, Health, Observation};
use crate::probe::Probe;
use crate::render::{LogEntry, Render, RenderError};
use crate::service::{Commit, Deploy, DeployStatus, FailureReason, Service};
use crate::workspace::Workspace;

#[cfg(feature = "model")]
mod adviser;
mod counsellor;
mod last_good;
mod log_window;
mod proof;
mod starting;
mod trial;
mod waiting;

#[cfg(feature = "model")]
pub use adviser::Adviser;
pub use counsellor::Counsellor;
pub use last_good::LastGood;
pub use proof::{Claim, Outcome as ProofOutcome, Proved};
pub use starting::Unchecked;
pub use trial::{TrialChoice, TrialSettings, Trials};
pub use waiting::{Stability, Waited};

/// A push that finds the remote moved is re-applied on the new tip this often.
const PUSHES_MAX: u32 = 3;
/// Deploys looked at when one is searched for.
const DEPLOYS_LISTED: usize = 50;
/// A free service wakes up within about a minute (contract §8).
const WAKING_TIMEOUT: Duration = Duration::from_secs(90);
/// What a list may lack is not older.
const EVENTS_REACH: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
/// What has ended may take moments to show in log and events: so often they are read until they tell something.
const LOOKS_MAX: u32 = 3;

/// Times that bound a run.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two looks at a deploy. Render's own CLI takes 5 s.
    pub poll: Duration,
    /// Between two iterations.
    pub cooldown: Duration,
    /// For how long a live deploy must stay healthy.
    pub stabilise: Duration,
    /// A push must show up as a deploy within this time.
    pub adoption: Duration,
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
    /// When the run began, in Render's time.
    pub begun: jiff::Timestamp,
    pub trials: Trials,
    pub last_good: LastGood,
    pub counsellor: Counsellor,
}

impl Operations {
    /// The files of `commit`.
    pub fn workspace(&self, commit: &Commit) -> anyhow::Result<Workspace> {
        Ok(self.repo.workspace(commit)?)
    }

    /// What kind of service it is, as the local branch has it.
    pub fn setting(&self) -> Setting {
        let files = self.repo.tip(&self.branch).and_then(|tip| self.repo.workspace(&tip)).unwrap_or_default();
        Setting::of(&files, &self.facts.dockerfile_path)
    }

    /// What the platform and the service show of `deploy`.
    pub async fn observe(&self, deploy: &Deploy) -> Observation {
        let build = matches!(deploy.status, DeployStatus::BuildFailed | DeployStatus::Canceled);
        let commit = deploy.commit.as_ref().map(|commit| commit.0.as_str());
        let build_log = self.read_log("build", build, || self.render.build_log(&self.service, deploy)).await;
        let build_log = self.lines(log_window::of_build(build_log, commit));
        let app_log = match build {
            true => vec![],
            false => {
                let failed = deploy.status.is_failure();
                let entries = self.read_log("app", failed, || self.render.app_log(&self.service, deploy)).await;
                self.lines(log_window::of_newest_instance(entries, deploy.started_at.unwrap_or(deploy.created_at)))
            }
        };
        let reason = self.reason(deploy).await;
        let mut facts = self.facts.clone();
        if let Some(FailureReason::OomKilled { memory_limit }) = &reason {
            facts.memory_limit = Some(memory_limit.clone());
        }
        let seen_before = self.seen_before(deploy, if build { "build" } else { "app" }).await;
        let health = match &self.probe {
            Some(probe) => Some(probe.health().await).inspect(|health| self.tell_health(health)),
            None => None,
        };
        Observation { deploy: Some(deploy.clone()), reason, build_log, app_log, seen_before, health, facts }
    }

    /// A log; where a failure `must_tell` something, an empty one is read again.
    async fn read_log<F: Future<Output = Result<Vec<LogEntry>, RenderError>>>(
        &self,
        what: &str,
        must_tell: bool,
        read: impl Fn() -> F,
    ) -> Vec<LogEntry> {
        for look in 1..=LOOKS_MAX {
            match read().await {
                Err(error) => {
                    self.lost(&format!("{what} log"), &error);
                    return vec![];
                }
                Ok(entries) if entries.is_empty() && must_tell && look < LOOKS_MAX => sleep(self.timing.poll).await,
                Ok(entries) => return entries,
            }
        }
        vec![]
    }

    /// Why `deploy` failed: an event, which may show up later than the end it tells of.
    async fn reason(&self, deploy: &Deploy) -> Option<FailureReason> {
        for look in 1..=LOOKS_MAX {
            match self.render.failure_reason(&self.service.id, &deploy.id, deploy.created_at).await {
                Err(error) => {
                    self.lost("events", &error);
                    return None;
                }
                Ok(None) if deploy.status.is_failure() && look < LOOKS_MAX => sleep(self.timing.poll).await,
                Ok(reason) => return reason,
            }
        }
        None
    }

    fn lines(&self, entries: Vec<LogEntry>) -> Vec<String> {
        let lines = entries.iter().flat_map(|entry| entry.message.lines());
        self.redactor.redact_lines(lines.map(str::to_owned))
    }

    /// A lost picture is a warning, not a lost deploy.
    fn lost(&self, what: &str, error: &RenderError) {
        self.narrator.warn(format!("the {what} could not be read: {error}"), error.hint());
    }

    /// One health check, told of; `None` for services without an address.
    ///
    /// A service that may sleep is given the time to wake up: until then its visitors are turned away.
    pub async fn health(&self) -> Option<Health> {
        let probe = self.probe.as_ref()?;
        let may_sleep = self.service.plan == "free";
        let end = Instant::now() + WAKING_TIMEOUT;
        let mut health = probe.health().await;
        let turned_away = |health: &Health| matches!(health.status_code, None | Some(502..=504));
        if may_sleep && turned_away(&health) {
            self.narrator.warn(format!("{}: it may be asleep", health.detail), "it is given the time to wake up");
        }
        while may_sleep && turned_away(&health) && Instant::now() < end {
            sleep(self.timing.poll).await;
            health = probe.health().await;
        }
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
        self.index.consult(&mut *self.knowledge.lock().await, think).await
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
                // Somebody else had the same thought.
                Ok(after) if after == before && parent != *onto => return Ok(Published::Overtaken(parent)),
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

    /// The newest deploy of all, be it known to the list or to the events alone: one of them may lag behind.
    pub async fn newest_deploy(&self) -> anyhow::Result<Option<Deploy>> {
        let listed = self.render.deploys(&self.service.id, DEPLOYS_LISTED).await?;
        let since = self.render.now() - EVENTS_REACH;
        // Without events the list is what there is.
        let started = self.render.last_started(&self.service.id, since).await.ok().flatten();
        if let Some(id) = started.filter(|id| listed.iter().all(|deploy| deploy.id != *id))
            && let Ok(deploy) = self.render.deploy(&self.service.id, &id).await
        {
            return Ok(Some(deploy));
        }
        Ok(listed.into_iter().next())
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
