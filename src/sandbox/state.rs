//! The platform as a state machine: which deploy may follow which, and what that leaves in events and logs.
//!
//! No I/O and no clock: facts come in with their time. A deploy that has ended hears nothing more.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::deploy::{CommitInfo, DeployRecord, DeployRequest, Trigger};
use super::events::{Ending, Event, failure_wire};
use super::ids::Ids;
use super::logs::{LogStore, Source};
use super::service::ServiceRecord;
use super::{Overlap, SandboxSettings};
use crate::service::{AutoDeploy, DeployStatus, FailureReason, ServiceType};

/// Follows every line about an exit.
const TROUBLESHOOTING: &str =
    "==> Common ways to troubleshoot your deploy: https://render.com/docs/troubleshooting-deploys";
const RULER: &str = "==> ///////////////////////////////////////////////////////////";

/// What became of a request to deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Triggered {
    /// Answered with 201 and the deploy.
    Started(String),
    /// Answered with 202 and nothing: it waits for the one in progress.
    Queued(String),
    Suspended,
}

/// A step that the deploy's status does not allow, most often because it has been canceled meanwhile.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to move deploy `{deploy}` from `{from}` to `{to}`")]
pub(super) struct IllegalStep {
    pub deploy: String,
    pub from: DeployStatus,
    pub to: DeployStatus,
}

/// Everything the API can tell.
#[derive(Debug)]
pub(super) struct Platform {
    pub service: ServiceRecord,
    pub logs: LogStore,
    pub ids: Ids,
    overlap: Overlap,
    /// Oldest first.
    deploys: Vec<DeployRecord>,
    /// Oldest first.
    events: Vec<Event>,
    /// The running instance and its birth.
    instance: Option<(String, Timestamp)>,
}

impl Platform {
    pub(super) fn new(settings: &SandboxSettings, repo: String, url: String, seed: u64, now: Timestamp) -> Self {
        let mut ids = Ids::seeded(seed);
        let service = ServiceRecord {
            id: ids.next(if settings.service_type == ServiceType::CronJob { "crn" } else { "srv" }),
            service_type: settings.service_type.clone(),
            runtime: settings.runtime.clone(),
            plan: settings.plan.clone(),
            pre_deploy_command: settings.pre_deploy_command.clone(),
            owner: ids.next("tea"),
            user: ids.next("usr"),
            environment: ids.next("evm"),
            name: settings.service_name.clone(),
            slug: format!("{}-{}", settings.service_name, ids.word(4)),
            repo,
            branch: settings.branch.clone(),
            root_dir: settings.root_dir.clone(),
            dockerfile_path: settings.dockerfile_path.clone(),
            docker_context: settings.docker_context.clone(),
            docker_command: String::new(),
            health_check_path: settings.health_check_path.clone().unwrap_or_default(),
            auto_deploy: settings.auto_deploy,
            suspended: false,
            env: settings.env.clone(),
            open_port: None,
            url,
            created_at: now,
            updated_at: now,
        };
        let logs = LogStore::new(service.id.clone(), settings.faults.scrambled_logs);
        let overlap = settings.overlap;
        Self { service, logs, ids, overlap, deploys: Vec::new(), events: Vec::new(), instance: None }
    }

    /// Oldest first.
    pub(super) fn deploys(&self) -> &[DeployRecord] {
        &self.deploys
    }

    pub(super) fn deploy(&self, id: &str) -> Option<&DeployRecord> {
        self.deploys.iter().find(|deploy| deploy.id == id)
    }

    /// Oldest first.
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    pub(super) fn instance(&self) -> Option<&(String, Timestamp)> {
        self.instance.as_ref()
    }

    /// The last deploy that went live, to be run again.
    pub(super) fn last_good(&self) -> Option<&DeployRecord> {
        let good = |deploy: &&DeployRecord| matches!(deploy.status, DeployStatus::Live | DeployStatus::Deactivated);
        self.deploys.iter().filter(good).max_by_key(|deploy| deploy.finished_at)
    }

    /// Creates a deploy. With another in progress the overlap policy decides (contract §9).
    pub(super) fn trigger(&mut self, request: DeployRequest, now: Timestamp) -> Triggered {
        if self.service.suspended {
            return Triggered::Suspended;
        }
        let id = self.ids.next("dep");
        let running = self.deploys.iter().find(|deploy| deploy.is_in_progress()).map(|deploy| deploy.id.clone());
        let build = self.ids.next("bld");
        let waits = running.is_some() && self.overlap == Overlap::Wait;
        let queued: Vec<String> = self.deploys.iter().filter(is_queued).map(|deploy| deploy.id.clone()).collect();
        // Only the newest waiting deploy will run.
        let superseded = queued.into_iter().chain(running.filter(|_| !waits));
        for older in superseded.collect::<Vec<_>>() {
            self.cancel(&older, Some((&id, &build)), now);
        }
        self.deploys.push(DeployRecord {
            id: id.clone(),
            build,
            status: if waits { DeployStatus::Queued } else { DeployStatus::Created },
            request,
            created_at: now,
            updated_at: now,
            started_at: None,
            finished_at: None,
            first: self.last_good().is_none(),
        });
        if waits { Triggered::Queued(id) } else { Triggered::Started(id) }
    }

    /// A push to the branch, whose checks have passed where those count: deployed, unless its message asks to be ignored.
    pub(super) fn pushed(&mut self, commit: CommitInfo, now: Timestamp) {
        if self.service.auto_deploy == AutoDeploy::Off || self.service.suspended {
            return;
        }
        if commit.asks_to_be_skipped() {
            let url = format!("{}/commit/{}", self.service.repo, commit.id);
            self.record("commit_ignored", json!({"id": commit.id, "url": url}), now);
            return;
        }
        self.trigger(DeployRequest { commit, trigger: Trigger::NewCommit, clear_cache: false, reuse: None }, now);
    }

    /// Whether a deploy may begin: one that was created, or a queued one when none is in progress.
    pub(super) fn next(&self) -> Option<usize> {
        let ready = self.deploys.iter().position(|deploy| deploy.status == DeployStatus::Created);
        let idle = || !self.deploys.iter().any(DeployRecord::is_in_progress);
        ready.or_else(|| self.deploys.iter().position(|deploy| is_queued(&deploy)).filter(|_| idle()))
    }

    /// Begins the next deploy.
    pub(super) fn begin_next(&mut self, now: Timestamp) -> Option<DeployRecord> {
        let next = self.next()?;
        let deploy = self.deploys.get_mut(next)?;
        let builds = deploy.request.reuse.is_none();
        deploy.status = if builds { DeployStatus::BuildInProgress } else { DeployStatus::UpdateInProgress };
        (deploy.started_at, deploy.updated_at) = (Some(now), now);
        let deploy = deploy.clone();
        let trigger = deploy.trigger_wire((&self.service.user, EMAIL));
        self.record("deploy_started", json!({"deployId": deploy.id, "trigger": trigger.clone()}), now);
        if builds {
            self.record("build_started", json!({"buildId": deploy.build, "trigger": trigger}), now);
        }
        Some(deploy)
    }

    /// The image is there: the command before the deploy runs, or the new instance starts while the old one still serves.
    pub(super) fn built(&mut self, id: &str, now: Timestamp) -> Result<(), IllegalStep> {
        let waits = !self.service.pre_deploy_command.is_empty();
        let next = if waits { DeployStatus::PreDeployInProgress } else { DeployStatus::UpdateInProgress };
        let build = self.step(id, &DeployStatus::BuildInProgress, next, now)?.build.clone();
        self.record("build_ended", Ending::Succeeded.of_build(&build), now);
        if waits {
            self.record("pre_deploy_started", json!({"deployCommandExecutionId": "", "deployId": id}), now);
        }
        Ok(())
    }

    /// The command before the deploy has ended; where it failed, nothing is swapped.
    pub(super) fn prepared(&mut self, id: &str, why: Option<FailureReason>, now: Timestamp) -> Result<(), IllegalStep> {
        let next = if why.is_some() { DeployStatus::PreDeployFailed } else { DeployStatus::UpdateInProgress };
        self.step(id, &DeployStatus::PreDeployInProgress, next, now)?;
        let ending = why.map_or(Ending::Succeeded, Ending::Failed);
        self.record("pre_deploy_ended", ending.of_pre_deploy(id), now);
        if ending != Ending::Succeeded {
            self.record("deploy_ended", ending.of_deploy(id), now);
        }
        Ok(())
    }

    pub(super) fn build_failed(&mut self, id: &str, why: FailureReason, now: Timestamp) -> Result<(), IllegalStep> {
        let build = self.step(id, &DeployStatus::BuildInProgress, DeployStatus::BuildFailed, now)?.build.clone();
        self.record("build_ended", Ending::Failed(why).of_build(&build), now);
        self.record("deploy_ended", Ending::BuildFailed { build }.of_deploy(id), now);
        Ok(())
    }

    pub(super) fn update_failed(&mut self, id: &str, why: FailureReason, now: Timestamp) -> Result<(), IllegalStep> {
        self.step(id, &DeployStatus::UpdateInProgress, DeployStatus::UpdateFailed, now)?;
        self.record("deploy_ended", Ending::Failed(why).of_deploy(id), now);
        Ok(())
    }

    /// The new instance is healthy: traffic moves, the deploy before it is deactivated.
    pub(super) fn went_live(
        &mut self,
        id: &str,
        (instance, port): (Option<&str>, Option<u16>),
        now: Timestamp,
    ) -> Result<(), IllegalStep> {
        self.step(id, &DeployStatus::UpdateInProgress, DeployStatus::Live, now)?;
        for older in self.deploys.iter_mut().filter(|deploy| deploy.status == DeployStatus::Live && deploy.id != id) {
            (older.status, older.updated_at) = (DeployStatus::Deactivated, now);
        }
        self.service.open_port = port;
        self.instance = instance.map(|instance| (instance.to_owned(), now));
        self.record("deploy_ended", Ending::Succeeded.of_deploy(id), now);
        self.logs.push(&Source::Platform, "==> Your service is live 🎉", now);
        if let Some(port) = port {
            let url = format!("==> Available at your primary URL {}", self.service.url);
            let detected = format!("==> Detected service running on port {port}");
            for line in ["==> ", RULER, &url, RULER, &detected] {
                self.logs.push(&Source::Platform, line, now);
            }
        }
        Ok(())
    }

    /// Cancels a deploy that has not ended, in favour of a newer `(deploy, build)` or at a person's wish.
    pub(super) fn cancel(&mut self, id: &str, in_favour_of: Option<(&str, &str)>, now: Timestamp) -> bool {
        let Some(deploy) = self.deploys.iter_mut().find(|deploy| deploy.id == id && !deploy.status.is_terminal())
        else {
            return false;
        };
        let was = std::mem::replace(&mut deploy.status, DeployStatus::Canceled);
        (deploy.finished_at, deploy.updated_at) = (Some(now), now);
        let build = deploy.build.clone();
        let (of_build, of_deploy) = match in_favour_of {
            Some((newer, build)) => {
                (Ending::NewBuild { build: build.to_owned() }, Ending::NewDeploy { deploy: newer.to_owned() })
            }
            None => (Ending::Canceled, Ending::Canceled),
        };
        if was == DeployStatus::BuildInProgress {
            self.record("build_ended", of_build.of_build(&build), now);
        }
        self.record("deploy_ended", of_deploy.of_deploy(id), now);
        true
    }

    /// An instance has exited: the line, and the event if it had been serving.
    pub(super) fn exited(&mut self, instance: &str, why: &FailureReason, now: Timestamp) {
        let lines = match why {
            FailureReason::EarlyExit => ["==> Application exited early".to_owned(), TROUBLESHOOTING.to_owned()],
            FailureReason::NonZeroExit(code) => [format!("==> Exited with status {code}"), TROUBLESHOOTING.to_owned()],
            FailureReason::OomKilled { memory_limit } => {
                [format!("==> Out of memory (used over {memory_limit})"), TROUBLESHOOTING.to_owned()]
            }
            _ => ["==> Instance failed".to_owned(), TROUBLESHOOTING.to_owned()],
        };
        for line in &lines {
            self.logs.push(&Source::Platform, line, now);
        }
        self.record("server_failed", json!({"instanceID": instance, "reason": failure_wire(why)}), now);
    }

    /// The serving instance is up again, or another one took its place.
    pub(super) fn serving(&mut self, instance: &str, kind: &'static str, now: Timestamp) {
        self.instance = Some((instance.to_owned(), now));
        let details = if kind == "server_restarted" { json!({"triggeredByUser": EMAIL}) } else { json!({}) };
        self.record(kind, details, now);
    }

    /// Stops serving; a deploy in progress is canceled.
    pub(super) fn suspend(&mut self, now: Timestamp) {
        if std::mem::replace(&mut self.service.suspended, true) {
            return;
        }
        let open: Vec<String> = self.deploys.iter().filter(|d| !d.status.is_terminal()).map(|d| d.id.clone()).collect();
        for id in open {
            self.cancel(&id, None, now);
        }
        self.instance = None;
        self.service.updated_at = now;
        self.record("service_suspended", json!({}), now);
    }

    /// Serves again what served last.
    pub(super) fn resume(&mut self, now: Timestamp) {
        if !std::mem::replace(&mut self.service.suspended, false) {
            return;
        }
        self.service.updated_at = now;
        self.record("service_resumed", json!({}), now);
        if let Some(good) = self.last_good() {
            let (commit, reuse) = (good.request.commit.clone(), Some(good.id.clone()));
            let trigger = Trigger::ServiceResumed;
            self.trigger(DeployRequest { commit, trigger, clear_cache: false, reuse }, now);
        }
    }

    /// Replaces the service's settings; deploys nothing.
    pub(super) fn patch(&mut self, service: ServiceRecord, now: Timestamp) {
        let (before, after) = (self.service.auto_deploy, service.auto_deploy);
        self.service = ServiceRecord { updated_at: now, ..service };
        if before == after {
            return;
        }
        if after == AutoDeploy::Off {
            let details = json!({"reason": "setting_change", "fromTrigger": before});
            self.record("auto_deploy_disabled", details, now);
        } else {
            self.record("auto_deploy_enabled", json!({"newTrigger": after}), now);
        }
    }

    fn step(
        &mut self,
        id: &str,
        from: &DeployStatus,
        to: DeployStatus,
        now: Timestamp,
    ) -> Result<&DeployRecord, IllegalStep> {
        let illegal = |from, to| IllegalStep { deploy: id.to_owned(), from, to };
        let Some(deploy) = self.deploys.iter_mut().find(|deploy| deploy.id == id) else {
            return Err(illegal(DeployStatus::Unknown("missing".to_owned()), to));
        };
        if deploy.status != *from {
            return Err(illegal(deploy.status.clone(), to));
        }
        deploy.finished_at = to.is_terminal().then_some(now);
        (deploy.status, deploy.updated_at) = (to, now);
        Ok(deploy)
    }

    fn record(&mut self, kind: &'static str, details: Value, now: Timestamp) {
        self.logs.flush(now);
        let id = self.ids.next("evt");
        self.events.push(Event { id, timestamp: now, kind, details });
    }
}

/// The one user's address.
pub(super) const EMAIL: &str = "sandbox@example.com";

fn is_queued(deploy: &&DeployRecord) -> bool {
    deploy.status == DeployStatus::Queued
}

#[cfg(test)]
mod tests;
