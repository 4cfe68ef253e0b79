//! Arrival: which commit shall be live, and how far it is from that.

use anyhow::Context as _;

use super::{files, resumption};
use crate::agents::{Assignment, Proposal, Swarm};
use crate::attempts;
use crate::course::{Effort, Standing, record, release};
use crate::git::Relation;
use crate::memory::Store;
use crate::mission::journal::{Again, Entry};
use crate::mission::{Mission, Outcome, RunEnd};
use crate::narration::Event;
use crate::observation::Health;
use crate::remedy::Remedy;
use crate::service::{Commit, Deploy, DeployStatus};
use crate::validation;
use crate::workspace::Workspace;

/// How the run begins.
pub(super) enum Arrival {
    Healthy(Option<Health>),
    /// What is wrong, in words; the standing says where.
    Broken(String),
    End(RunEnd),
}

/// Finds the commit that shall be live, looks at the files, and at how its deploy stands. A run that was cut short goes on
/// from where it stood.
pub(super) async fn arrive(mission: &Mission, swarm: &mut Swarm) -> anyhow::Result<(Standing, Arrival)> {
    let operations = &mission.operations;
    let stood = resumption::settle(mission).await?;
    let (head, tip) = head_meant(mission).await?;
    let mut standing = stood.unwrap_or_else(|| Standing::at(head.clone()));
    let removed = resumption::turn(mission, &standing, &head);
    record(mission, &mut standing, Entry::Meant { commit: head.clone(), removed }).await;
    let pushed = tip.as_ref() == Some(&head);
    if let Some(end) = standing.concluded.clone() {
        return Ok((standing, Arrival::End(end)));
    }
    if standing.arrived && pushed {
        let arrival = resumption::go_on(mission, &mut standing).await?;
        return Ok((standing, arrival));
    }
    let known = if pushed { operations.deploy_of(&head).await? } else { None };
    let is_live = known.as_ref().is_some_and(|deploy| deploy.status == DeployStatus::Live);
    if !is_live && let Some(end) = without_dockerfile(mission, &standing)? {
        return Ok((standing, Arrival::End(end)));
    }
    let arrival = match known {
        Some(deploy) => known_deploy(mission, &mut standing, deploy).await?,
        None => not_deployed(mission, swarm, &mut standing, pushed).await?,
    };
    Ok((standing, arrival))
}

/// The commit that shall be live, and where the remote branch is.
async fn head_meant(mission: &Mission) -> anyhow::Result<(Commit, Option<Commit>)> {
    let operations = &mission.operations;
    let local = operations.repo.tip(&operations.branch)?;
    let (relation, tip) = operations.relation(&local).await?;
    let mut head = match relation {
        Relation::Diverged { ahead, behind } => {
            anyhow::bail!(
                "`{}` and its remote have diverged: {ahead} commit(s) here, {behind} there; run `git pull --rebase` first",
                operations.branch
            )
        }
        Relation::Behind(behind) => {
            operations.narrator.warn(
                format!(
                    "the remote is {behind} commit(s) ahead of your `{}`; its newest commit is taken",
                    operations.branch
                ),
                format!("git pull {}", operations.remote),
            );
            tip.clone().unwrap_or_else(|| local.clone())
        }
        Relation::Same | Relation::Ahead(_) | Relation::RemoteMissing => local.clone(),
    };
    if head == local {
        head = uncommitted(mission, head).await?;
    }
    Ok((head, tip))
}

/// A Docker service without a Dockerfile: nothing is shipped, and a person has to say where it is.
fn without_dockerfile(mission: &Mission, standing: &Standing) -> anyhow::Result<Option<RunEnd>> {
    let operations = &mission.operations;
    let path = &operations.facts.dockerfile_path;
    if operations.service.runtime != "docker" || operations.workspace(&standing.head)?.contains(path) {
        return Ok(None);
    }
    let words = format!("commit {} has no `{path}`, from which the service is built", standing.head.short());
    let mut end = RunEnd::new(Outcome::NeedsPerson, words);
    end.next = vec!["commit the Dockerfile, or correct the service's Dockerfile path (dockerfilePath)".into()];
    Ok(Some(end))
}

/// The commit meant has a deploy: how does it stand?
async fn known_deploy(mission: &Mission, standing: &mut Standing, deploy: Deploy) -> anyhow::Result<Arrival> {
    let operations = &mission.operations;
    record(mission, standing, Entry::Found(deploy.clone())).await;
    if deploy.status == DeployStatus::Live {
        let health = operations.health().await;
        if health.as_ref().is_none_or(|health| health.healthy) {
            return Ok(Arrival::Healthy(health));
        }
    }
    let words = match &deploy.status {
        DeployStatus::Live => "the deploy is live, but the service does not answer well".to_owned(),
        status if status.is_failure() => format!("the deploy of {} ended as {status}", standing.head.short()),
        status => format!("the deploy of {} is {status}", standing.head.short()),
    };
    if matches!(deploy.status, DeployStatus::Canceled | DeployStatus::Deactivated) {
        record(mission, standing, Entry::Retry { instead_of: deploy.id, why: Again::NoVerdict }).await;
    }
    Ok(Arrival::Broken(words))
}

/// The commit meant was never deployed: look at its files first, then ship it.
async fn not_deployed(
    mission: &Mission,
    swarm: &mut Swarm,
    standing: &mut Standing,
    pushed: bool,
) -> anyhow::Result<Arrival> {
    let operations = &mission.operations;
    let original = standing.head.clone();
    let assignment = Assignment {
        seq: 0,
        iteration: 0,
        deploy: None,
        observation: None,
        workspace: files(mission, &standing.head)?,
        commit: standing.head.clone(),
        may_try: !mission.options.dry_run,
        tried: vec![],
        topology: mission.options.topology,
        focus: None,
    };
    // The swarm may be broken; preflight is a courtesy then, and the fall-back heals.
    let proposal = match swarm.work(assignment).await {
        Ok(answer) => answer.proposal,
        Err(failure) => {
            operations.narrator.warn(format!("preflight was skipped: {failure}"), "the deploy itself will tell");
            Proposal::Exhausted
        }
    };
    if mission.options.dry_run {
        let verb = if pushed { "deploy" } else { "push and deploy" };
        let mut words = format!("dry run: would {verb} {}", original.short());
        if let Proposal::Release { fixes, .. } = &proposal {
            let titles: Vec<&str> = fixes.iter().map(|(remedy, _)| remedy.get().title.as_str()).collect();
            words.push_str(&format!(" with a fix: {}", titles.join("; ")));
        }
        return Ok(Arrival::End(RunEnd::new(Outcome::WouldChange, words)));
    }
    if let Proposal::Release { fixes, after, proof } = proposal {
        let effort = Effort { fixes, after: *after, mark: attempts::FILES.into(), proof };
        release(mission, standing, effort).await?;
        return Ok(Arrival::Broken(format!("{} had faults that its files show", original.short())));
    }
    if !pushed {
        let commit = standing.head.clone();
        record(mission, standing, Entry::Push { commit: commit.clone() }).await;
        operations.push(&commit).await?;
    }
    Ok(Arrival::Broken(format!("{} was never deployed", original.short())))
}

/// Changes the user has not committed: examined, told, and shipped as their own commit only when asked.
async fn uncommitted(mission: &Mission, head: Commit) -> anyhow::Result<Commit> {
    let operations = &mission.operations;
    let mut dirty = operations.repo.dirty()?;
    let prefix = operations.repo.prefix();
    // A user may have committed what past runs left; that is not what they are about to ship.
    dirty.retain(|path| {
        let inside = path.strip_prefix(&prefix).unwrap_or(path).trim_start_matches('/');
        !Store::PATHS.iter().any(|own| inside.starts_with(own))
    });
    if dirty.is_empty() {
        return Ok(head);
    }
    let names = dirty.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if mission.options.include_changes && !mission.options.dry_run {
        let message = format!("Changes of {names}\n\nDomain-Runner-Session: {}\n", mission.session.id());
        let commit = operations.repo.commit_changes_of_tracked(&head, &dirty, &message)?;
        mission.journal(Entry::IncludeChanges { onto: head.clone(), commit: commit.clone(), paths: dirty });
        operations.repo.advance(&operations.branch, &head, &commit)?;
        return Ok(commit);
    }
    operations.narrator.warn(
        format!("{} uncommitted change(s) are not part of this deploy: {names}", dirty.len()),
        "commit them, or run again with --include-changes",
    );
    let working = operations.repo.working_workspace()?;
    mend_work_tree(mission, &head, &working, &dirty).await?;
    Ok(head)
}

/// Faults that only the uncommitted changes have are mended where they are, so that they are not shipped later.
async fn mend_work_tree(mission: &Mission, head: &Commit, working: &Workspace, dirty: &[String]) -> anyhow::Result<()> {
    let operations = &mission.operations;
    let committed = operations.foresee(&operations.workspace(head)?).await.findings;
    let found = operations.foresee(working).await.findings;
    let mut current = working.clone();
    for finding in found {
        if committed.iter().any(|old| old.class == finding.class && old.subject == finding.subject) {
            continue;
        }
        operations.tell_finding(&finding);
        let fits = |remedy: &Remedy| remedy.edits.iter().all(|edit| dirty.iter().any(|path| path == edit.path()));
        let knowledge = operations.knowledge.lock().await.clone();
        let mended = validation::mended(&finding, &current, &operations.facts, &knowledge, fits);
        let Some((remedy, after)) = mended else { continue };
        operations.narrator.tell(Event::FixProposed {
            class: finding.class.clone(),
            remedy: remedy.id.clone(),
            summary: format!("{} (in your work tree)", remedy.title),
            why: remedy.why.clone(),
            diff: operations.redactor.redact(&current.diff(&after)),
        });
        current = after;
    }
    if mission.options.dry_run {
        return Ok(());
    }
    for path in working.changed(&current) {
        if let Some(file) = current.file(&path).filter(|_| operations.repo.has_plain_parents(&path)) {
            operations.repo.write_file(&path, file).with_context(|| format!("`{path}` cannot be written"))?;
            mission.journal(Entry::WorkTree { path });
        }
    }
    Ok(())
}
