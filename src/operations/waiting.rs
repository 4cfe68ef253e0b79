//! Waiting: for the end of a deploy, followed to its successor where it is superseded, and for a live one to prove stable.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Operations;
use crate::narration::Event;
use crate::observation::Health;
use crate::render::{LogQuery, RenderError};
use crate::service::{Commit, Deploy, DeployId, DeployStatus, FailureReason};

/// Between two looks at a running deploy's newest line: log calls are limited to 30 a minute (contract §2).
const PEEK: Duration = Duration::from_secs(5);
/// The status is told again after this time: some CI systems end jobs that are silent.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// An outage of the API is borne for so many polls: some minutes, when nobody asked for other times.
const OUTAGE_POLLS: u32 = 40;
/// The successor of a superseded deploy shows up at once; this long is patient.
const SUCCESSOR_TIMEOUT: Duration = Duration::from_secs(60);

/// How waiting for a deploy ended.
#[derive(Debug, Clone)]
pub enum Waited {
    /// This deploy ended; it may be another one than was waited for first, when that was superseded.
    Ended(Deploy),
    /// Still running when the time was over.
    TimedOut(Deploy),
}

/// Whether a live deploy is the healthy service that was meant.
#[derive(Debug, Clone)]
pub enum Stability {
    Healthy(Option<Health>),
    Unhealthy(Option<Health>),
    /// Live, but of another commit: the old version answers.
    OtherCommit(Option<Commit>),
    /// A newer deploy replaced it meanwhile.
    Superseded(Deploy),
}

impl Operations {
    /// Waits for the end of `deploy`; a canceled one is followed to its successor.
    pub async fn wait(&self, deploy: Deploy, iteration: u32) -> anyhow::Result<Waited> {
        let limit = (Instant::now() + self.timing.deploy_timeout).min(self.timing.deadline);
        let started = Instant::now();
        let mut current = deploy;
        let mut told: Option<(DeployId, DeployStatus, Instant)> = None;
        let mut peeked = Instant::now();
        if !current.status.is_terminal() {
            self.created(&current, iteration);
        }
        loop {
            let news = told.as_ref().is_none_or(|(id, status, at)| {
                *id != current.id || *status != current.status || at.elapsed() >= HEARTBEAT
            });
            if news {
                let (deploy_id, to) = (current.id.clone(), current.status.clone());
                told = Some((deploy_id.clone(), to.clone(), Instant::now()));
                self.narrator.tell(Event::DeployStatus { iteration, deploy_id, to });
            }
            if matches!(current.status, DeployStatus::Canceled | DeployStatus::Deactivated)
                && let Some(next) = self.successor(&current).await?
            {
                let words = format!("{} was superseded by {}", current.id, next.id);
                self.narrator.warn(words, "following the newer deploy");
                self.created(&next, iteration);
                current = next;
                continue;
            }
            if current.status.is_terminal() {
                self.narrator.tell(Event::DeployEnded {
                    iteration,
                    deploy_id: current.id.clone(),
                    status: current.status.clone(),
                    duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                });
                return Ok(Waited::Ended(current));
            }
            if Instant::now() >= limit {
                return Ok(Waited::TimedOut(current));
            }
            if peeked.elapsed() >= PEEK {
                self.peek(&current).await;
                peeked = Instant::now();
            }
            sleep(self.timing.poll).await;
            current = self.look(&current).await?;
        }
    }

    /// The deploy as it stands now.
    ///
    /// The client has waited out what passes quickly. What lasts is borne for a while longer, as the deploy itself goes on;
    /// one that Render does not find is looked for again, as it was there before.
    async fn look(&self, deploy: &Deploy) -> anyhow::Result<Deploy> {
        let end = (Instant::now() + self.timing.poll * OUTAGE_POLLS).min(self.timing.deadline);
        let mut told = false;
        loop {
            let error = match self.render.deploy(&self.service.id, &deploy.id).await {
                Ok(deploy) => return Ok(deploy),
                Err(error) => error,
            };
            let may_pass = error.is_transient() || matches!(error, RenderError::NotFound { .. });
            if !may_pass || Instant::now() >= end {
                return Err(error.into());
            }
            if !std::mem::replace(&mut told, true) {
                self.narrator.warn(format!("{} cannot be seen now: {error}", deploy.id), "it is looked at again");
            }
            sleep(self.timing.poll).await;
        }
    }

    /// Tells the newest line of a deploy's log. What cannot be seen is not missed.
    async fn peek(&self, deploy: &Deploy) {
        let kind = if deploy.status == DeployStatus::BuildInProgress { "build" } else { "app" };
        let query = LogQuery::of_deploy(&self.service, deploy, kind, 1, self.render.now());
        let Ok(entries) = self.render.logs(&query).await else { return };
        if let Some(line) = entries.last().and_then(|entry| entry.message.lines().last()) {
            let text = self.redactor.redact(line);
            self.narrator.tell(Event::Log { deploy_id: deploy.id.clone(), text });
        }
    }

    fn created(&self, deploy: &Deploy, iteration: u32) {
        self.narrator.tell(Event::DeployCreated {
            iteration,
            deploy_id: deploy.id.clone(),
            commit: deploy.commit.clone(),
            trigger: deploy.trigger.clone(),
        });
    }

    /// The newest deploy made after `deploy`, waited for a little when it was canceled.
    async fn successor(&self, deploy: &Deploy) -> anyhow::Result<Option<Deploy>> {
        let patience = match deploy.status {
            DeployStatus::Canceled => {
                let reason = self.render.failure_reason(&self.service.id, &deploy.id, deploy.created_at).await;
                match reason {
                    // In favour of another: that one is there, even if the list does not show it yet.
                    Ok(Some(FailureReason::Superseded)) => SUCCESSOR_TIMEOUT,
                    _ => self.timing.poll.saturating_mul(3),
                }
            }
            // Only another deploy that went live deactivates one.
            DeployStatus::Deactivated => SUCCESSOR_TIMEOUT,
            _ => Duration::ZERO,
        };
        let limit = Instant::now() + patience;
        loop {
            let newest = self.newest_deploy().await?;
            if let Some(newest) =
                newest.filter(|newest| newest.id != deploy.id && newest.created_at >= deploy.created_at)
            {
                return Ok(Some(newest));
            }
            if Instant::now() >= limit {
                return Ok(None);
            }
            sleep(self.timing.poll).await;
        }
    }

    /// Whether `deploy`, live, is what was meant and stays healthy for the stabilisation time.
    ///
    /// Healthy is: the newest deploy is `live`, it is of `commit`, and the probes answer well and keep answering.
    pub async fn stable(&self, deploy: &Deploy, commit: &Commit) -> anyhow::Result<Stability> {
        if deploy.commit.as_ref() != Some(commit) {
            return Ok(Stability::OtherCommit(deploy.commit.clone()));
        }
        let end = (Instant::now() + self.timing.stabilise).min(self.timing.deadline);
        let pause = self.timing.poll.min(self.timing.stabilise / 3).max(Duration::from_millis(100));
        let mut misses = 0;
        let mut told = None;
        loop {
            let health = match &self.probe {
                Some(probe) => Some(probe.health().await),
                None => None,
            };
            // Each change is told, not each probe.
            let code = health.as_ref().map(|health| health.status_code);
            if let Some(health) = health.as_ref().filter(|_| code != told) {
                self.tell_health(health);
            }
            told = code;
            if health.as_ref().is_some_and(|health| !health.healthy) {
                misses += 1;
                // Routing moves to the new version a moment after `live`; one miss is no verdict.
                if misses >= 3 {
                    return Ok(Stability::Unhealthy(health));
                }
            } else {
                misses = 0;
                if Instant::now() >= end {
                    break Ok(Stability::Healthy(health));
                }
            }
            sleep(pause).await;
            let now = self.look(deploy).await?;
            if now.status != DeployStatus::Live {
                return Ok(Stability::Superseded(now));
            }
        }
    }
}
