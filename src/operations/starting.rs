//! Starting: how a pushed commit becomes one deploy, and never two.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

use super::{DEPLOYS_LISTED, EVENTS_REACH, LOOKS_MAX, Operations};
use crate::render::{PushFate, Triggered};
use crate::service::{AutoDeploy, Commit, Deploy, DeployId, DeployStatus, ServiceType};

/// An order that waits behind another deploy shows up at once; this long is patient.
const QUEUED_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks for the deploy of a push.
const LOOK: Duration = Duration::from_secs(3);
/// A push may have been noticed before this run looked.
const PUSH_LEAD: jiff::SignedDuration = jiff::SignedDuration::from_secs(120);

/// Render's time is known to about a second.
const CLOCK_GRAIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// What there is of a commit.
enum Candidate {
    /// This deploy is the commit's.
    Takes(Deploy),
    /// Its deploy was over, without a verdict, before this run began.
    Over,
    None,
}

/// The service deploys only what has passed its checks, and this commit has not, so far.
#[derive(Debug, thiserror::Error)]
#[error("no deploy of {} after {} s: `{service}` deploys a commit only when its checks have passed", commit.short(), waited.as_secs())]
pub struct Unchecked {
    pub commit: Commit,
    pub service: String,
    pub waited: Duration,
}

impl Operations {
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
        // Our own taken-back fixes are such commits: no deploy will come by itself.
        let skipped = self.repo.message_of(commit).is_ok_and(|message| message.contains("[skip render]"));
        let adopted = match self.service.auto_deploy {
            _ if skipped => self.known(commit).await?,
            AutoDeploy::Off => self.known(commit).await?,
            AutoDeploy::Commit => self.adopted(commit, self.timing.adoption).await?,
            AutoDeploy::ChecksPass => self.checked(commit).await?,
        };
        match adopted {
            Some(deploy) => Ok(deploy),
            None => self.trigger(commit).await,
        }
    }

    /// The newest deploy of `commit`.
    async fn candidate(&self, commit: &Commit) -> anyhow::Result<Candidate> {
        Ok(match self.deploy_of(commit).await? {
            None => Candidate::None,
            Some(deploy) if self.is_stale(&deploy) => Candidate::Over,
            Some(deploy) => Candidate::Takes(deploy),
        })
    }

    /// Canceled or replaced before this run began. What was canceled since then somebody wanted so, or it has a successor.
    fn is_stale(&self, deploy: &Deploy) -> bool {
        let over = matches!(deploy.status, DeployStatus::Canceled | DeployStatus::Deactivated);
        over && deploy.created_at < self.begun - CLOCK_GRAIN
    }

    /// A deploy of `commit` that somebody started already. One list may lack what the next one has.
    async fn known(&self, commit: &Commit) -> anyhow::Result<Option<Deploy>> {
        for look in 1..=LOOKS_MAX {
            match self.candidate(commit).await? {
                Candidate::Takes(deploy) => return Ok(Some(deploy)),
                Candidate::Over => return Ok(None),
                Candidate::None if look == LOOKS_MAX => return self.known_to_events(commit).await,
                Candidate::None => {}
            }
            sleep(self.timing.poll.min(LOOK)).await;
        }
        Ok(None)
    }

    /// A deploy of `commit` that the list lacks and the events of the last hour have.
    async fn known_to_events(&self, commit: &Commit) -> anyhow::Result<Option<Deploy>> {
        let since = self.render.now() - EVENTS_REACH;
        let found = self.render.find_ordered(&self.service.id, &BTreeSet::new(), Some(commit), since).await?;
        Ok(found.filter(|deploy| !self.is_stale(deploy)))
    }

    /// The deploy that the platform starts for the push of `commit` within `patience`; `None` if it does not.
    ///
    /// Looked for in the list and in the events: one of them may lag behind.
    async fn adopted(&self, commit: &Commit, patience: Duration) -> anyhow::Result<Option<Deploy>> {
        let since = self.render.now() - PUSH_LEAD;
        let limit = (Instant::now() + patience).min(self.timing.deadline);
        loop {
            match self.candidate(commit).await? {
                Candidate::Takes(deploy) => return Ok(Some(deploy)),
                // It had its deploy, and its push will bring no other.
                Candidate::Over => return Ok(None),
                Candidate::None => {}
            }
            // What the events cannot tell now, the next look will.
            match self.render.push_fate(&self.service.id, commit, since).await.unwrap_or(PushFate::Unknown) {
                PushFate::Ignored => return Ok(None),
                PushFate::Deploys(id) => {
                    if let Ok(deploy) = self.render.deploy(&self.service.id, &id).await {
                        return Ok(Some(deploy));
                    }
                }
                PushFate::Unknown => {}
            }
            if Instant::now() >= limit {
                return Ok(None);
            }
            sleep(self.timing.poll.min(LOOK)).await;
        }
    }

    /// The deploy that comes once the checks of `commit` have passed.
    ///
    /// The checks cannot be seen from here. Where pushes have been deployed before there are some, and who wants them passed
    /// must not be bypassed; where none ever was there may be none at all, and then no deploy would ever come.
    async fn checked(&self, commit: &Commit) -> anyhow::Result<Option<Deploy>> {
        let deploys = self.render.deploys(&self.service.id, DEPLOYS_LISTED).await?;
        let has_checks = deploys.iter().any(|deploy| deploy.trigger.as_deref() == Some("new_commit"));
        let patience = if has_checks { self.timing.deploy_timeout } else { self.timing.adoption };
        let hint = match has_checks {
            true => "a failed check is mended in the repository, not here",
            false => "no push has been deployed so far: if there are no checks, the deploy is asked for",
        };
        let words = format!("waiting for the checks of {}: the service deploys only what passes them", commit.short());
        self.narrator.warn(words, hint);
        match self.adopted(commit, patience).await? {
            None if has_checks => {
                let (commit, service) = (commit.clone(), self.service.name.clone());
                Err(Unchecked { commit, service, waited: patience }.into())
            }
            adopted => Ok(adopted),
        }
    }

    /// Asks the platform for a deploy of `commit`.
    pub async fn trigger(&self, commit: &Commit) -> anyhow::Result<Deploy> {
        let known = self.known_deploys().await?;
        let ordered_at = self.render.now();
        // Cron jobs take the branch's newest commit and no other (contract §4).
        let named = (self.service.service_type != ServiceType::CronJob).then_some(commit);
        match self.render.create_deploy(&self.service.id, named).await? {
            Triggered::Started(deploy) => Ok(deploy),
            Triggered::Queued => self.queued(&known, named, ordered_at).await,
        }
    }

    /// Asks the platform for a rollback to `target`, and finds the deploy that it becomes.
    pub async fn roll_back(&self, target: &Deploy) -> anyhow::Result<Deploy> {
        let known = self.known_deploys().await?;
        let ordered_at = self.render.now();
        match self.render.roll_back(&self.service.id, target).await? {
            Triggered::Started(deploy) => Ok(deploy),
            Triggered::Queued => self.queued(&known, target.commit.as_ref(), ordered_at).await,
        }
    }

    async fn known_deploys(&self) -> anyhow::Result<BTreeSet<DeployId>> {
        let deploys = self.render.deploys(&self.service.id, DEPLOYS_LISTED).await?;
        Ok(deploys.into_iter().map(|deploy| deploy.id).collect())
    }

    /// The deploy that Render queued without telling its id: one that is not `known`, of `commit` where that is told.
    async fn queued(
        &self,
        known: &BTreeSet<DeployId>,
        commit: Option<&Commit>,
        ordered_at: jiff::Timestamp,
    ) -> anyhow::Result<Deploy> {
        let limit = Instant::now() + QUEUED_TIMEOUT;
        while Instant::now() < limit {
            if let Some(deploy) = self.render.find_ordered(&self.service.id, known, commit, ordered_at).await? {
                return Ok(deploy);
            }
            sleep(Duration::from_secs(1).min(self.timing.poll)).await;
        }
        bail!("Render queued a deploy of {} and never showed it", commit.map_or("the branch's head", Commit::short))
    }
}
