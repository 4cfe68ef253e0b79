//! The course of a run, whoever steers it: where it stands, watching a deploy to its end, releasing a fix.

use std::sync::Arc;

use serde_json::json;

use crate::attempts::{Attempts, Released, taken_back};
use crate::diagnosis::{Finding, Policy};
use crate::git::Relation;
use crate::mission::{Mission, Outcome, RunEnd};
use crate::narration::Event;
use crate::operations::{Published, Stability, Waited};
use crate::release::{self, Step, Target};
use crate::remedy::{self, Remedy};
use crate::service::{Commit, Deploy, DeployStatus};
use crate::validation::{Cleared, Proof};
use crate::workspace::Workspace;

/// Where the run stands, for the loop and for the report.
pub struct Standing {
    /// The commit that shall be live; fixes go on top of it.
    pub head: Commit,
    /// The deploy looked at last.
    pub deploy: Option<Deploy>,
    pub attempts: Attempts,
    pub deploys: u32,
    pub iterations: u32,
    pub findings: Vec<Finding>,
    /// This run began the deploy looked at last, or saw it unfinished, and it is not on record yet.
    pub ours: bool,
    /// A fix that did not help and is still in `head`; the next commit takes it back.
    pub useless: Option<Released>,
}

impl Standing {
    /// At the beginning of a run that shall bring `head` to life.
    pub fn at(head: Commit) -> Self {
        Self {
            head,
            deploy: None,
            attempts: Attempts::default(),
            deploys: 0,
            iterations: 0,
            findings: vec![],
            ours: false,
            useless: None,
        }
    }

    /// `files` without the fix that did not help: what the next fix goes on.
    pub fn base(&self, files: &Workspace) -> Workspace {
        self.useless.as_ref().map_or_else(|| files.clone(), |useless| taken_back(files, useless))
    }
}

/// Cleared remedies on their way out.
pub struct Effort {
    pub fixes: Vec<(Cleared<Remedy>, Finding)>,
    pub after: Workspace,
    /// Of the failure they are for; empty for faults seen in the files alone.
    pub fingerprint: String,
    pub proof: Proof,
}

/// Sees to it that the commit meant has a deploy, and waits for its end. `None`: it failed, and there is work to do.
pub async fn watch(mission: &Mission, standing: &mut Standing) -> anyhow::Result<Option<RunEnd>> {
    let operations = &mission.operations;
    loop {
        let begun = standing.deploy.is_none();
        let mut watched = begun;
        let deploy = match standing.deploy.take() {
            Some(deploy) => deploy,
            None if mission.options.dry_run => {
                let words = format!("dry run: would deploy {}", standing.head.short());
                return Ok(Some(RunEnd::new(Outcome::WouldChange, words)));
            }
            None => {
                mission.journal("start-deploy", json!({"commit": standing.head}));
                let deploy = operations.start_deploy(&standing.head).await?;
                standing.deploys += 1;
                deploy
            }
        };
        mission.journal("watch", json!({"deploy": deploy.id}));
        watched |= !deploy.status.is_terminal();
        standing.ours |= watched;
        let ended = match operations.wait(deploy, standing.deploys).await? {
            Waited::Ended(deploy) => deploy,
            Waited::TimedOut(deploy) => {
                let mut end = RunEnd::new(Outcome::TimedOut, format!("{} is still {}", deploy.id, deploy.status));
                end.next = vec!["domain-runner deploy   picks the running deploy up again".into()];
                return Ok(Some(end));
            }
        };
        mission.log("swarm_output.log", &format!("{} ended as {}", ended.id, ended.status));
        standing.deploy = Some(ended.clone());
        if let Some(other) = ended.commit.as_ref().filter(|commit| **commit != standing.head)
            && !is_taken_over(mission, standing, other).await?
        {
            let words = format!("another commit, {}, was deployed meanwhile", other.short());
            return Ok(Some(gave_up(standing, words)));
        }
        match ended.status {
            DeployStatus::Live => match live(mission, standing, &ended).await? {
                Seen::End(end) => return Ok(Some(end)),
                Seen::Unwell => return Ok(None),
                Seen::Replaced(newer) => standing.deploy = Some(newer),
            },
            DeployStatus::Canceled | DeployStatus::Deactivated => {
                // Nobody's fault and nobody's verdict: the commit meant still wants a deploy.
                if watched {
                    return Ok(Some(gave_up(standing, format!("{} was {} by somebody else", ended.id, ended.status))));
                }
                standing.deploy = Some(operations.trigger(&standing.head).await?);
                standing.deploys += 1;
            }
            _ => return Ok(None),
        }
    }
}

/// Whether `newer` was pushed on top of the commit meant. Then that is what shall be live from now on.
async fn is_taken_over(mission: &Mission, standing: &mut Standing, newer: &Commit) -> anyhow::Result<bool> {
    let operations = &mission.operations;
    operations.relation(&standing.head).await?;
    // A commit that the branch does not have is not in the repository either.
    let relation = operations.repo.relation(&standing.head, Some(newer));
    if !matches!(relation, Ok(Relation::Behind(_))) {
        return Ok(false);
    }
    let words = format!("{} was pushed meanwhile, on top of {}", newer.short(), standing.head.short());
    operations.narrator.warn(words, "from now on that is what shall be live");
    standing.head = newer.clone();
    Ok(true)
}

/// What became of a live deploy.
enum Seen {
    End(RunEnd),
    Unwell,
    /// By a newer deploy.
    Replaced(Deploy),
}

/// A live deploy: is it what was meant, and does it stay healthy?
async fn live(mission: &Mission, standing: &mut Standing, deploy: &Deploy) -> anyhow::Result<Seen> {
    let operations = &mission.operations;
    match operations.stable(deploy, &standing.head).await? {
        Stability::Healthy(health) => {
            if std::mem::take(&mut standing.ours) {
                mission.count(true, &[]).await;
            }
            let outcomes = standing.attempts.succeeded();
            mission.absorb(&outcomes).await;
            mission.remember(deploy).await;
            let fixes = standing.attempts.kept.clone();
            let outcome = if fixes.is_empty() { Outcome::Deployed } else { Outcome::Healed };
            let words = match fixes.len() {
                0 => format!("healthy after {} deploy(s), no fix needed", standing.deploys.max(1)),
                fixed => format!("healed: {fixed} fix(es) in {} deploy(s)", standing.deploys.max(1)),
            };
            let mut end = RunEnd::new(outcome, words);
            (end.health, end.fixes) = (health, fixes);
            Ok(Seen::End(end))
        }
        Stability::Unhealthy(health) => {
            let detail = health.map(|health| health.detail).unwrap_or_default();
            operations.narrator.warn(format!("live, but not healthy: {detail}"), "its app log is examined");
            Ok(Seen::Unwell)
        }
        Stability::OtherCommit(commit) => {
            let other = commit.map(|commit| commit.short().to_owned()).unwrap_or_default();
            Ok(Seen::End(gave_up(standing, format!("another commit, {other}, was deployed meanwhile"))))
        }
        Stability::Superseded(_) => match operations.newest_deploy().await?.filter(|newest| newest.id != deploy.id) {
            Some(newer) => {
                operations.narrator.warn(format!("{} was replaced by {}", deploy.id, newer.id), "following the newer");
                Ok(Seen::Replaced(newer))
            }
            None => Ok(Seen::End(gave_up(standing, format!("{} is no longer live", deploy.id)))),
        },
    }
}

/// Takes the failure that stands first as the verdict on the fix before it. Tells whether that fix did not help.
pub async fn hear(mission: &Mission, standing: &mut Standing, findings: &[Finding]) -> bool {
    if std::mem::take(&mut standing.ours) {
        mission.count(false, findings).await;
    }
    let heard = standing.attempts.failed(findings.first());
    mission.absorb(&heard.outcomes).await;
    let Some(useless) = heard.useless else { return false };
    for (_, _, title) in &useless.fixes {
        let reason = "the same failure came back".to_owned();
        mission.operations.narrator.tell(Event::FixReverted { summary: title.clone(), reason });
    }
    standing.useless = Some(useless);
    true
}

/// The deploy failed, and no iteration is left: what can still be learned from it is.
pub async fn last_look(mission: &Mission, standing: &mut Standing) -> anyhow::Result<RunEnd> {
    if let Some(deploy) = standing.deploy.clone() {
        let observation = mission.operations.observe(&deploy).await;
        let workspace = mission.operations.workspace(&standing.head)?;
        standing.findings = mission.operations.diagnose(&observation, &workspace).await.findings;
        let findings = standing.findings.clone();
        hear(mission, standing, &findings).await;
    }
    Ok(gave_up(standing, format!("stopped after {} iteration(s)", standing.iterations)))
}

/// The run gives up: what was released and did not help is taken back, without another deploy.
pub async fn withdraw(mission: &Mission, standing: &mut Standing) {
    let Some(useless) = standing.useless.take().filter(|_| !mission.options.dry_run) else { return };
    let operations = &mission.operations;
    let titles: Vec<&str> = useless.fixes.iter().map(|(_, _, title)| title.as_str()).collect();
    let message = release::revert_message(&useless.commit, &titles.join("; "), mission.session.id().as_str());
    let change = |tip: &Workspace| Ok(taken_back(tip, &useless));
    mission.journal("withdraw", json!({"commit": useless.commit}));
    match operations.publish(&standing.head, &change, &operations.redactor.redact(&message)).await {
        Ok(Published::Overtaken(_)) => {}
        Ok(Published::Done { commit, .. }) => {
            mission.log("swarm_output.log", &format!("withdrew {} by {}", useless.commit.short(), commit.short()));
            standing.head = commit;
        }
        Err(error) => operations.narrator.warn(
            format!("a fix that did not help could not be taken back: {error}"),
            format!("git revert {}", useless.commit.short()),
        ),
    }
}

/// Commits and pushes an effort; the standing moves on to the new commit, whose deploy is still to come: ours, or that of
/// somebody else on whose work the effort does not fit.
pub async fn release(mission: &Mission, standing: &mut Standing, effort: Effort) -> anyhow::Result<()> {
    let operations = &mission.operations;
    let target = Target {
        remote: operations.remote.clone(),
        branch: operations.branch.clone(),
        auto_deploy: operations.service.auto_deploy,
        session: mission.session.id().to_string(),
    };
    let steps = release::plan(&effort.fixes, &effort.proof, &standing.head, &target, &operations.redactor);
    let Some(Step::Commit { message, .. }) = steps.first() else { return Ok(()) };
    let known = operations.workspace(&standing.head)?;
    let useless = standing.useless.take();
    let base = |files: &Workspace| useless.as_ref().map_or_else(|| files.clone(), |useless| taken_back(files, useless));
    let edits: Vec<remedy::Edit> = effort.fixes.iter().flat_map(|(fix, _)| fix.get().edits.clone()).collect();
    // On the tip that was examined the result is known; on a newer one the edits are made again, or refused.
    let change = |tip: &Workspace| -> anyhow::Result<Workspace> {
        if *tip == known { Ok(effort.after.clone()) } else { Ok(remedy::apply(&edits, &base(tip))?) }
    };
    mission.journal("publish", json!({"onto": standing.head, "message": message}));
    let (commit, parent) = match operations.publish(&standing.head, &change, message).await? {
        Published::Done { commit, parent } => (commit, parent),
        Published::Overtaken(tip) => {
            let words = format!("the fix does not fit {}, which was pushed meanwhile", tip.short());
            operations.narrator.warn(words, "from now on that is what shall be live");
            (standing.head, standing.deploy, standing.useless) = (tip, None, useless);
            return Ok(());
        }
    };
    mission.journal("published", json!({"commit": commit}));
    let titles: Vec<(Finding, String, String)> = effort
        .fixes
        .iter()
        .map(|(fix, finding)| (finding.clone(), fix.get().id.clone(), fix.get().title.clone()))
        .collect();
    let summary = titles.iter().map(|(_, _, title)| title.clone()).collect::<Vec<_>>().join("; ");
    mission.log("swarm_output.log", &format!("released {}: {summary}", commit.short()));
    let proof = effort.proof.to_string();
    mission.log("swarm_output.log", &format!("proof of {}: {proof}", commit.short()));
    let branch = operations.branch.clone();
    operations.narrator.tell(Event::FixApplied { summary, commit: commit.clone(), branch, proof });
    standing.attempts.released(Released {
        fingerprint: effort.fingerprint,
        fixes: titles,
        before: Arc::new(base(&operations.workspace(&parent)?)),
        after: Arc::new(operations.workspace(&commit)?),
        commit: commit.clone(),
    });
    standing.head = commit;
    standing.deploy = None;
    Ok(())
}

/// An end at which a person goes on: something only they have, or nothing left to try.
pub fn left_to_person(standing: &Standing, finding: &Finding) -> RunEnd {
    let mut end = gave_up(standing, finding.why.clone());
    if finding.policy == Policy::Human {
        end.outcome = Outcome::NeedsPerson;
    }
    end
}

/// An end without health.
pub fn gave_up(standing: &Standing, words: String) -> RunEnd {
    let mut end = RunEnd::new(Outcome::GaveUp, words);
    end.findings.clone_from(&standing.findings);
    end.fixes.clone_from(&standing.attempts.kept);
    end
}
