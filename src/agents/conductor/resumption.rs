//! Resumption: a run that was cut short goes on. Its journal says where it stood; here that is reconciled with the outside.
//!
//! A commit that was made is pushed as that same commit, or found on the remote; a deploy that was begun is found by its commit;
//! the local branch follows. When the world has moved on, its newer commit is what shall be live.

use super::arrival::Arrival;
use crate::course::{Standing, Underway, announce, dropped, record};
use crate::git::{Pushed, Relation};
use crate::mission::Mission;
use crate::mission::journal::{Again, Entry};
use crate::render::RenderError;
use crate::service::{Commit, DeployStatus};

/// A push that finds the remote moved is looked at again this often: a push of the killed run may still be on its way.
const PUSHES_MAX: u32 = 3;

/// Where the run stood, with what it had underway brought to its end. `None` for a run that had not begun to act.
pub(super) async fn settle(mission: &Mission) -> anyhow::Result<Option<Standing>> {
    if mission.past.is_empty() {
        return Ok(None);
    }
    let operations = &mission.operations;
    mission.journal(Entry::Resumed);
    let included = mission.past.iter().rev().find_map(|line| match &line.entry {
        Entry::IncludeChanges { onto, commit, .. } => Some((onto, commit)),
        _ => None,
    });
    let mut standing = Standing::replay(&mission.past);
    let has_shipped = standing.as_ref().is_some_and(|standing| standing.arrived);
    if let Some((onto, commit)) = included.filter(|_| !has_shipped) {
        // Where the branch has moved on since, there is nothing to complete.
        if operations.repo.tip(&operations.branch).is_ok_and(|tip| tip == *onto || tip == *commit) {
            operations.advance(onto, commit);
        }
    }
    if let Some(standing) = &mut standing
        && let Some(underway) = standing.underway.clone()
    {
        bring_home(mission, standing, &underway).await?;
    }
    Ok(standing)
}

/// A commit was made: it is on the remote already, or is pushed as it is, or somebody else was faster.
async fn bring_home(mission: &Mission, standing: &mut Standing, underway: &Underway) -> anyhow::Result<()> {
    let operations = &mission.operations;
    let commit = underway.commit();
    for _ in 0..PUSHES_MAX {
        match operations.relation(commit).await {
            Ok((Relation::Same | Relation::Behind(_), _)) => return arrived(mission, standing, underway).await,
            Ok((Relation::Ahead(_) | Relation::RemoteMissing, _)) => {
                if operations.repo.push(&operations.remote, commit, &operations.branch).await? == Pushed::Done {
                    return arrived(mission, standing, underway).await;
                }
            }
            Ok((Relation::Diverged { .. }, _)) => break,
            // The commit did not survive, say a power cut: then it is on no remote either.
            Err(_) if operations.repo.message_of(commit).is_err() => break,
            Err(error) => return Err(error),
        }
    }
    operations.narrator.warn(
        format!("{} was made and never pushed, and the branch has moved on", commit.short()),
        "it is dropped; what it mended is looked at anew",
    );
    dropped(mission, standing).await;
    Ok(())
}

/// The commit is on the remote.
async fn arrived(mission: &Mission, standing: &mut Standing, underway: &Underway) -> anyhow::Result<()> {
    let operations = &mission.operations;
    let commit = underway.commit().clone();
    // The branch stood where the run had last left it, or has followed already.
    let tip = operations.repo.tip(&operations.branch)?;
    if operations.repo.relation(&tip, Some(&commit)).is_ok_and(|relation| matches!(relation, Relation::Behind(_))) {
        operations.advance(&tip, &commit);
    } else if tip == commit {
        operations.advance(&standing.head, &commit);
    }
    let entry = match underway {
        Underway::Fix(released) => {
            let titles: Vec<&str> = released.fixes.iter().map(|fix| fix.title.as_str()).collect();
            announce(mission, &commit, &titles.join("; "), "by the run that was cut short");
            Entry::Published { commit }
        }
        Underway::Withdrawal { .. } => Entry::Withdrawn { commit },
    };
    record(mission, standing, entry).await;
    Ok(())
}

/// Tells that another commit than before shall be live, where that is so. Returns whether our fixes are gone from it.
pub(super) fn turn(mission: &Mission, standing: &Standing, head: &Commit) -> bool {
    if standing.head == *head {
        return false;
    }
    let relation = mission.operations.repo.relation(&standing.head, Some(head));
    let removed = !matches!(relation, Ok(Relation::Behind(_)));
    let words = match removed {
        true => format!("the branch was moved from {} to {} meanwhile", standing.head.short(), head.short()),
        false => format!("{} came meanwhile, on top of {}", head.short(), standing.head.short()),
    };
    mission.operations.narrator.warn(words, "from now on that is what shall be live");
    removed
}

/// The commit meant was shipped: its deploy as it is now, or a new one where that got no verdict.
pub(super) async fn go_on(mission: &Mission, standing: &mut Standing) -> anyhow::Result<Arrival> {
    let operations = &mission.operations;
    if let Some(known) = standing.deploy.clone() {
        let again = match operations.render.deploy(&operations.service.id, &known.id).await {
            Ok(now) => {
                let void = matches!(now.status, DeployStatus::Canceled | DeployStatus::Deactivated);
                standing.deploy = Some(now);
                void.then_some("got no verdict")
            }
            Err(RenderError::NotFound { .. }) => Some("is gone"),
            Err(error) => return Err(error.into()),
        };
        if let Some(why) = again {
            let words = format!("{} {why}: {} gets another deploy", known.id, standing.head.short());
            operations.narrator.warn(words, "");
            record(mission, standing, Entry::Retry { instead_of: known.id, why: Again::NoVerdict }).await;
        }
    }
    let words = match &standing.deploy {
        Some(deploy) => format!("taken up again: {} of {} is {}", deploy.id, standing.head.short(), deploy.status),
        None => format!("taken up again: {} has no deploy yet", standing.head.short()),
    };
    Ok(Arrival::Broken(words))
}
