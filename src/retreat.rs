//! Retreat: back to a deploy that worked, when healing did not, or when a person says so. Nothing is committed or pushed.

use anyhow::bail;
use serde_json::json;

use crate::mission::journal::Entry;
use crate::mission::{Mission, Outcome, RunEnd};
use crate::narration::Event;
use crate::operations::{Stability, Waited};
use crate::service::{AutoDeploy, Deploy, DeployStatus};

/// So far back one looks for a deploy that worked.
const DEPLOYS_LISTED: usize = 100;

/// What a rollback would do.
#[derive(Debug, Clone)]
pub enum Plan {
    /// What is wanted serves already, or the failed deploy never replaced what served.
    Nothing {
        serving: Deploy,
    },
    Back {
        serving: Option<Deploy>,
        target: Deploy,
    },
    /// A run that was cut short has asked for it already.
    Underway {
        deploy: Deploy,
        target: Deploy,
    },
}

impl Plan {
    /// The plan in a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Nothing { serving } => {
                format!("{} serves and is healthy; there is nothing to go back from", named(serving))
            }
            Self::Back { serving: Some(serving), target } => {
                format!("from {} back to {}", named(serving), named(target))
            }
            Self::Underway { target, .. } | Self::Back { serving: None, target } => {
                format!("back to {}", named(target))
            }
        }
    }
}

/// A deploy as a person knows it: id and commit.
fn named(deploy: &Deploy) -> String {
    deploy
        .commit
        .as_ref()
        .map_or_else(|| deploy.id.to_string(), |commit| format!("{} of {}", deploy.id, commit.short()))
}

/// What it would mean to go back: to deploy `to`, else to the newest other commit that was live before.
///
/// What serves well is left alone when a newer deploy failed to replace it, and always when `only_if_unwell`.
///
/// # Errors
/// `to` was never live or is unknown; or no deploy before this one was live.
pub async fn plan(mission: &Mission, to: Option<&str>, only_if_unwell: bool) -> anyhow::Result<Plan> {
    let operations = &mission.operations;
    let deploys = operations.render.deploys(&operations.service.id, DEPLOYS_LISTED).await?;
    let serving = deploys.iter().find(|deploy| deploy.status == DeployStatus::Live).cloned();
    if let Some(to) = to {
        let target = match deploys.into_iter().find(|deploy| deploy.id.0 == to) {
            Some(target) => target,
            None => operations.render.deploy(&operations.service.id, &to.into()).await?,
        };
        return match (target.status.clone(), serving) {
            (DeployStatus::Live, _) => Ok(Plan::Nothing { serving: target }),
            (DeployStatus::Deactivated, serving) => Ok(Plan::Back { serving, target }),
            (status, _) => bail!("{} was never live: it is {status}", named(&target)),
        };
    }
    let never_replaced = deploys.first().map(|newest| &newest.id) != serving.as_ref().map(|serving| &serving.id);
    if let Some(serving) = serving.clone().filter(|_| never_replaced || only_if_unwell)
        && operations.health().await.is_none_or(|health| health.healthy)
    {
        return Ok(Plan::Nothing { serving });
    }
    // Before the commit that serves was first deployed: a second rollback goes further back, not to what the first one left.
    let of = serving.as_ref().and_then(|serving| serving.commit.clone());
    let first = deploys.iter().rev().find(|deploy| of.is_some() && deploy.commit == of).or(serving.as_ref()).cloned();
    let before = |deploy: &Deploy| first.as_ref().is_none_or(|first| deploy.created_at < first.created_at);
    let target = deploys
        .into_iter()
        .find(|deploy| deploy.status == DeployStatus::Deactivated && deploy.commit != of && before(deploy));
    match target {
        Some(target) => Ok(Plan::Back { serving, target }),
        None => bail!("no earlier deploy of another commit was live: there is nothing to go back to"),
    }
}

/// What a rollback that was cut short had set out to do; `None` when there is none, or `to` says otherwise.
///
/// # Errors
/// When the platform does not answer, or does not know the deploy any more.
pub async fn cut_short(mission: &Mission, to: Option<&str>) -> anyhow::Result<Option<Plan>> {
    let intent = mission.past.iter().rev().find_map(|line| match &line.entry {
        Entry::RollBack { to, .. } => Some(to),
        _ => None,
    });
    let Some(intent) = intent.filter(|intent| to.is_none_or(|to| to == intent.0)) else { return Ok(None) };
    let operations = &mission.operations;
    mission.journal(Entry::Resumed);
    let target = operations.render.deploy(&operations.service.id, intent).await?;
    let deploys = operations.render.deploys(&operations.service.id, DEPLOYS_LISTED).await?;
    // Whoever asked for it: what is wanted comes, and must not be asked for twice.
    let is_underway =
        |deploy: &&Deploy| deploy.trigger.as_deref() == Some("rollback") && deploy.commit == target.commit;
    if let Some(deploy) = deploys.first().filter(is_underway).cloned() {
        return Ok(Some(Plan::Underway { deploy, target }));
    }
    let serving = deploys.into_iter().find(|deploy| deploy.status == DeployStatus::Live);
    Ok(Some(Plan::Back { serving, target }))
}

/// Carries out `plan` and waits until what it brings back serves.
///
/// # Errors
/// When the platform refuses.
pub async fn carry_out(mission: &Mission, plan: &Plan) -> anyhow::Result<RunEnd> {
    let operations = &mission.operations;
    let (target, underway) = match plan {
        Plan::Nothing { .. } => return Ok(RunEnd::new(Outcome::AlreadyHealthy, plan.words())),
        Plan::Back { .. } if mission.options.dry_run => {
            return Ok(RunEnd::new(Outcome::WouldChange, format!("dry run: would go {}", plan.words())));
        }
        Plan::Back { target, .. } => (target, None),
        Plan::Underway { deploy, target } => (target, Some(deploy.clone())),
    };
    operations.narrator.tell(Event::Rollback { to: target.id.clone(), commit: target.commit.clone() });
    let deploy = match underway {
        Some(deploy) => deploy,
        None => {
            mission.journal(Entry::RollBack { to: target.id.clone(), commit: target.commit.clone() });
            operations.roll_back(target).await?
        }
    };
    let mut end = match operations.wait(deploy, 1).await? {
        Waited::Ended(deploy) if deploy.status == DeployStatus::Live => settled(mission, &deploy, target).await?,
        Waited::Ended(deploy) => {
            RunEnd::new(Outcome::GaveUp, format!("the rollback {} ended as {}", deploy.id, deploy.status))
        }
        Waited::TimedOut(deploy) => {
            RunEnd::new(Outcome::TimedOut, format!("the rollback {} is still {}", deploy.id, deploy.status))
        }
    };
    (end.deploys, end.commit) = (1, target.commit.clone());
    if operations.service.auto_deploy != AutoDeploy::Off {
        let branch = &operations.branch;
        operations.narrator.warn(
            format!(
                "auto-deploy is on: the next push to `{branch}` deploys its head again, with what was just rolled back"
            ),
            format!("revert the commits on `{branch}` first, or turn auto-deploy off in the service's settings"),
        );
    }
    Ok(end)
}

async fn settled(mission: &Mission, deploy: &Deploy, target: &Deploy) -> anyhow::Result<RunEnd> {
    // An image has no commit that it could be told by.
    let Some(commit) = &target.commit else {
        return Ok(RunEnd::new(Outcome::RolledBack, format!("back at what {} had built", target.id)));
    };
    Ok(match mission.operations.stable(deploy, commit).await? {
        Stability::Healthy(health) => {
            let mut end = RunEnd::new(Outcome::RolledBack, format!("back at {}, healthy", named(target)));
            end.health = health;
            end
        }
        Stability::Unhealthy(health) => {
            let detail = health.as_ref().map(|health| health.detail.clone()).unwrap_or_default();
            let mut end = RunEnd::new(Outcome::GaveUp, format!("back at {}, but not healthy: {detail}", named(target)));
            end.health = health;
            end
        }
        Stability::OtherCommit(_) | Stability::Superseded(_) => {
            RunEnd::new(Outcome::GaveUp, "another deploy replaced the rollback")
        }
    })
}

/// After a run that could not heal: goes back when that was asked for (`on_failure_roll_back`), else says how to.
///
/// A rollback that fails is told, and does not hide how the run itself ended.
pub async fn after_failure(mission: &Mission, end: &mut RunEnd, on_failure_roll_back: bool) {
    if !matches!(end.outcome, Outcome::GaveUp | Outcome::NeedsPerson) || mission.options.dry_run {
        return;
    }
    let plan = plan(mission, None, true).await;
    if !on_failure_roll_back {
        if let Ok(plan @ Plan::Back { .. }) = plan {
            let service = &mission.operations.service.id;
            end.next.push(format!("go back instead: domain-runner rollback --service {service}   ({})", plan.words()));
        }
        return;
    }
    let back = match &plan {
        Ok(plan) => carry_out(mission, plan).await,
        Err(error) => Err(anyhow::anyhow!("{error}")),
    };
    match back {
        Ok(back) => {
            let document =
                json!({"format": 1, "outcome": back.outcome, "summary": back.summary, "commit": back.commit});
            if let Err(error) = mission.document("rollback.json", &document) {
                mission.operations.narrator.warn(error.to_string(), "the rollback itself ended as told");
            }
            end.summary = format!("{}; {}", end.summary, back.summary);
            end.deploys += back.deploys;
        }
        Err(error) => {
            let service = &mission.operations.service.id;
            let hint = format!("domain-runner rollback --service {service} --to DEPLOY");
            mission.operations.narrator.warn(format!("there was no rollback: {error:#}"), hint);
        }
    }
}
