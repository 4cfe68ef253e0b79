//! The course of a run, whoever steers it: where it stands, watching a deploy to its end, releasing a fix.

use crate::attempts::{Failure, Fix, Released, taken_back};
use crate::counsel;
use crate::diagnosis::{Finding, Policy, Stage};
use crate::git::Relation;
use crate::learning::{Advice, Lesson, Outcome as Effect, Taught};
use crate::mission::journal::{Again, Entry};
use crate::mission::{Mission, Outcome, RunEnd};
use crate::narration::Event;
use crate::operations::{Operations, Published, Stability, Waited};
use crate::release::{self, Step, Target};
use crate::remedy::{self, Remedy};
use crate::service::{Commit, Deploy, DeployStatus};
use crate::validation::{Cleared, Proof};
use crate::workspace::Workspace;

mod standing;

pub use standing::{Standing, Underway};

/// Writes `entry` to the journal, moves `standing` on by it, and learns what it teaches: in this order, so that a run that is
/// killed in between stands where its journal says, and learns the rest when it is taken up.
pub async fn record(mission: &Mission, standing: &mut Standing, entry: Entry) {
    let line = mission.journal(entry);
    standing.apply(&line.entry);
    mission.learn(std::slice::from_ref(&line)).await;
}

/// `files` without the fix that did not help: what the next fix goes on.
///
/// # Errors
/// When a commit is not in the repository any more.
pub fn base(mission: &Mission, standing: &Standing, files: &Workspace) -> anyhow::Result<Workspace> {
    without(&mission.operations, files, standing.useless.as_ref())
}

fn without(operations: &Operations, files: &Workspace, useless: Option<&Released>) -> anyhow::Result<Workspace> {
    let Some(useless) = useless else { return Ok(files.clone()) };
    let after = operations.workspace(&useless.commit)?;
    let before = without(operations, &operations.workspace(&useless.parent)?, useless.undoes.as_deref())?;
    Ok(taken_back(files, &before, &after))
}

/// Cleared remedies on their way out.
pub struct Effort {
    pub fixes: Vec<(Cleared<Remedy>, Finding)>,
    pub after: Workspace,
    /// Of the failure they are for; [`crate::attempts::FILES`] for faults seen in the files alone.
    pub mark: String,
    pub proof: Proof,
}

/// Sees to it that the commit meant has a deploy, and waits for its end. `None`: it failed, and there is work to do.
pub async fn watch(mission: &Mission, standing: &mut Standing) -> anyhow::Result<Option<RunEnd>> {
    let operations = &mission.operations;
    loop {
        let begun = standing.deploy.is_none();
        let deploy = match standing.deploy.take() {
            Some(deploy) => deploy,
            None if mission.options.dry_run => {
                let words = format!("dry run: would deploy {}", standing.head.short());
                return Ok(Some(RunEnd::new(Outcome::WouldChange, words)));
            }
            None => {
                let (commit, instead_of) = (standing.head.clone(), standing.instead_of.clone());
                let intent = Entry::StartDeploy { commit: commit.clone(), instead_of: instead_of.clone() };
                record(mission, standing, intent).await;
                let deploy = operations.start_deploy(&commit, instead_of.as_ref()).await?;
                record(mission, standing, Entry::Deploying(deploy.clone())).await;
                deploy
            }
        };
        let watched = begun || !deploy.status.is_terminal();
        record(mission, standing, Entry::Watch { deploy: deploy.clone(), ours: watched }).await;
        let ended = match operations.wait(deploy, standing.deploys).await? {
            Waited::Ended(deploy) => deploy,
            Waited::TimedOut(deploy) => {
                let mut end = RunEnd::new(Outcome::TimedOut, format!("{} is still {}", deploy.id, deploy.status));
                end.next = vec!["domain-runner deploy --resume   picks the running deploy up again".into()];
                return Ok(Some(end));
            }
        };
        mission.log("swarm_output.log", &format!("{} ended as {}", ended.id, ended.status));
        record(mission, standing, Entry::Ended(ended.clone())).await;
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
                Seen::Replaced(newer) => record(mission, standing, Entry::Ended(newer)).await,
            },
            DeployStatus::Canceled | DeployStatus::Deactivated => {
                // Nobody's fault and nobody's verdict: the commit meant still wants a deploy.
                if watched {
                    return Ok(Some(gave_up(standing, format!("{} was {} by somebody else", ended.id, ended.status))));
                }
                record(mission, standing, Entry::Retry { instead_of: ended.id, why: Again::NoVerdict }).await;
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
    record(mission, standing, Entry::Meant { commit: newer.clone(), removed: false }).await;
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
            let lesson = Lesson {
                deploy: standing.ours.then_some(true),
                taught: standing.attempts.clone().succeeded().taught,
                working: mission.configuration(deploy),
                setting: operations.setting(),
                ..Lesson::default()
            };
            let findings = standing.findings.clone();
            record(mission, standing, Entry::Verdict { healthy: true, failure: None, findings, lesson }).await;
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
    let first = findings.first();
    let failure = first.map(|first| failure(mission, first));
    let heard = standing.attempts.clone().failed(failure.as_ref());
    let unfound = first.filter(|first| standing.ours && first.stage == Stage::DepResolution);
    let lesson = Lesson {
        deploy: standing.ours.then_some(false),
        failed_dependency: unfound.map(|unfound| mission.operations.redactor.redact(&unfound.subject)),
        taught: heard.taught,
        setting: mission.operations.setting(),
        working: None,
    };
    let findings = findings.to_vec();
    record(mission, standing, Entry::Verdict { healthy: false, failure, findings, lesson }).await;
    let Some(useless) = heard.useless else { return false };
    for fix in useless.fixes {
        let reason = "the same failure came back".to_owned();
        mission.operations.narrator.tell(Event::FixReverted { summary: fix.title, reason });
    }
    true
}

/// Puts on record which remedies a trial has shown to be of no use.
pub async fn refuted(mission: &Mission, standing: &mut Standing, refuted: Vec<(Finding, String)>) {
    if refuted.is_empty() {
        return;
    }
    let taught = |(finding, remedy): (Finding, String)| {
        let Failure { class, subject, why, .. } = failure(mission, &finding);
        Taught { class, subject, why, remedy, outcome: Effect::Failed, advice: None }
    };
    let taught = refuted.into_iter().map(taught).collect();
    let lesson = Lesson { taught, setting: mission.operations.setting(), ..Lesson::default() };
    record(mission, standing, Entry::Refuted { lesson }).await;
}

/// A finding as the record has it.
fn failure(mission: &Mission, finding: &Finding) -> Failure {
    let redact = |text: String| mission.operations.redactor.redact(&text);
    let Failure { mark, class, subject, why } = Failure::from(finding);
    Failure { mark, class, subject: redact(subject), why: redact(why) }
}

/// The deploy failed, and no iteration is left: what can still be learned from it is.
pub async fn last_look(mission: &Mission, standing: &mut Standing) -> anyhow::Result<RunEnd> {
    if let Some(deploy) = standing.deploy.clone() {
        let observation = mission.operations.observe(&deploy).await;
        let workspace = mission.operations.workspace(&standing.head)?;
        let learning = mission.learning.lock().await.clone();
        let findings = mission.operations.examine(&observation, &workspace, &learning, false).await.findings;
        hear(mission, standing, &findings).await;
        standing.findings = findings;
    }
    Ok(gave_up(standing, format!("stopped after {} iteration(s)", standing.iterations)))
}

/// The same commit once more: nothing is known to be wrong with the files.
pub async fn retry(mission: &Mission, standing: &mut Standing, deploy: &Deploy, passing: Option<&Finding>) {
    let why = passing.map_or(Again::Unknown, |finding| Again::Passing(failure(mission, finding)));
    record(mission, standing, Entry::Retry { instead_of: deploy.id.clone(), why }).await;
}

/// The run gives up: what was released and did not help is taken back, without another deploy.
pub async fn withdraw(mission: &Mission, standing: &mut Standing) {
    let Some(useless) = standing.useless.clone().filter(|_| !mission.options.dry_run) else { return };
    let operations = &mission.operations;
    let titles: Vec<&str> = useless.fixes.iter().map(|fix| fix.title.as_str()).collect();
    let message = release::revert_message(&useless.commit, &titles.join("; "), mission.session.id().as_str());
    let change = |tip: &Workspace| without(operations, tip, Some(&useless));
    let head = standing.head.clone();
    let mut made = |commit: &Commit, _: &Commit| {
        let withdrawal = Entry::Withdraw { commit: commit.clone(), withdrawn: useless.commit.clone() };
        standing.apply(&mission.journal(withdrawal).entry);
    };
    match operations.publish(&head, &change, &operations.redactor.redact(&message), &mut made).await {
        Ok(Published::Overtaken(_)) => dropped(mission, standing).await,
        Ok(Published::Done(commit)) => {
            mission.log("swarm_output.log", &format!("withdrew {} by {}", useless.commit.short(), commit.short()));
            record(mission, standing, Entry::Withdrawn { commit }).await;
        }
        Err(error) => operations.narrator.warn(
            format!("a fix that did not help could not be taken back: {error}"),
            format!("git revert {}", useless.commit.short()),
        ),
    }
}

/// A commit that was made is of no use any more; it was never pushed.
pub async fn dropped(mission: &Mission, standing: &mut Standing) {
    if let Some(underway) = &standing.underway {
        let commit = underway.commit().clone();
        record(mission, standing, Entry::Dropped { commit }).await;
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
    let head = standing.head.clone();
    let steps = release::plan(&effort.fixes, &effort.proof, &head, &target, &operations.redactor);
    let Some(Step::Commit { message, .. }) = steps.first() else { return Ok(()) };
    let known = operations.workspace(&head)?;
    let useless = standing.useless.clone();
    let edits: Vec<remedy::Edit> = effort.fixes.iter().flat_map(|(fix, _)| fix.get().edits.clone()).collect();
    // On the tip that was examined the result is known; on a newer one the edits are made again, or refused.
    let change = |tip: &Workspace| -> anyhow::Result<Workspace> {
        if *tip == known {
            Ok(effort.after.clone())
        } else {
            Ok(remedy::apply(&edits, &without(operations, tip, useless.as_ref())?)?)
        }
    };
    let fix = |(fix, finding): &(Cleared<Remedy>, Finding)| {
        let (remedy, title) = (fix.get().id.clone(), fix.get().title.clone());
        // A neighbouring line may hold what must not be kept.
        let is_clean = |advice: &Advice| {
            serde_json::to_value(advice).is_ok_and(|value| operations.redactor.redact_value(value.clone()) == value)
        };
        let advice = counsel::advice(finding, fix.get()).filter(is_clean).map(Box::new);
        Fix { failure: failure(mission, finding), remedy, title, advice }
    };
    let fixes: Vec<Fix> = effort.fixes.iter().map(fix).collect();
    operations.counsellor.remember(fixes.iter().filter_map(|fix| fix.advice.as_deref()));
    let mut made = |commit: &Commit, parent: &Commit| {
        let released = Released {
            mark: effort.mark.clone(),
            fixes: fixes.clone(),
            parent: parent.clone(),
            commit: commit.clone(),
            undoes: useless.clone().map(Box::new),
        };
        standing.apply(&mission.journal(Entry::Publish(released)).entry);
    };
    let published = operations.publish(&head, &change, message, &mut made).await?;
    match published {
        Published::Done(commit) => {
            let titles: Vec<&str> = fixes.iter().map(|fix| fix.title.as_str()).collect();
            announce(mission, &commit, &titles.join("; "), &effort.proof.to_string());
            record(mission, standing, Entry::Published { commit }).await;
        }
        Published::Overtaken(tip) => {
            let words = format!("the fix does not fit {}, which was pushed meanwhile", tip.short());
            operations.narrator.warn(words, "from now on that is what shall be live");
            dropped(mission, standing).await;
            record(mission, standing, Entry::Meant { commit: tip, removed: false }).await;
        }
    }
    Ok(())
}

/// Tells of a fix that is out, and how far it was proved.
pub fn announce(mission: &Mission, commit: &Commit, summary: &str, proof: &str) {
    mission.log("swarm_output.log", &format!("released {}: {summary}", commit.short()));
    mission.log("swarm_output.log", &format!("proof of {}: {proof}", commit.short()));
    let (summary, proof, branch) = (summary.to_owned(), proof.to_owned(), mission.operations.branch.clone());
    mission.operations.narrator.tell(Event::FixApplied { summary, commit: commit.clone(), branch, proof });
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
