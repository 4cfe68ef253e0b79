//! Refinement: deploy, look, mend, and again, until it is healthy or there is nothing more to try.

use std::sync::Arc;

use super::files;
use crate::agents::{Answer, Assignment, Proposal, Swarm, SwarmFailure};
use crate::attempts;
use crate::course::{
    Effort, Standing, base, gave_up, hear, last_look, left_to_person, record, refuted, release, retry, watch,
};
use crate::diagnosis::{Finding, Stage};
use crate::mission::journal::Entry;
use crate::mission::{Mission, Outcome, RunEnd};
use crate::simple_loop;

/// What an iteration came to.
enum Turn {
    /// Something new was released or triggered: watch it.
    Again,
    End(Box<RunEnd>),
}

impl Turn {
    fn end(end: RunEnd) -> Self {
        Self::End(Box::new(end))
    }
}

/// Heals until there is an end.
pub(super) async fn heal(mission: &Mission, swarm: &mut Swarm, standing: &mut Standing) -> anyhow::Result<RunEnd> {
    if mission.options.simple {
        return simple_loop::heal(mission, standing, "simple loop was asked for").await;
    }
    loop {
        if let Some(end) = watch(mission, standing).await? {
            return Ok(end);
        }
        if standing.iterations >= mission.options.max_iterations {
            return last_look(mission, standing).await;
        }
        if let Some(deploy) = standing.deploy.as_ref().map(|deploy| deploy.id.clone()) {
            record(mission, standing, Entry::Iteration { deploy }).await;
        }
        let answer = match analyse(mission, swarm, standing).await {
            Ok(answer) => answer,
            Err(failure) => return fall_back(mission, standing, &failure.to_string()).await,
        };
        match act(mission, standing, answer).await? {
            Turn::End(end) => return Ok(*end),
            Turn::Again if mission.options.dry_run => return Ok(gave_up(standing, "dry run".into())),
            Turn::Again => tokio::time::sleep(mission.operations.timing.cooldown).await,
        }
    }
}

/// The simple loop takes over, and it is on record why.
async fn fall_back(mission: &Mission, standing: &mut Standing, why: &str) -> anyhow::Result<RunEnd> {
    mission.operations.narrator.warn(format!("{why}: the simple loop takes over"), "see fallback_output.log");
    mission.log("fallback_output.log", &format!("the simple loop takes over: {why}"));
    simple_loop::heal(mission, standing, why).await
}

/// Has the swarm look at the failed deploy; a fix that did not help is taken back before the next one is chosen.
async fn analyse(mission: &Mission, swarm: &mut Swarm, standing: &mut Standing) -> Result<Answer, SwarmFailure> {
    let failed = |cause: anyhow::Error| SwarmFailure::Failed { agent: "conductor", cause: cause.to_string() };
    let mut assignment = Assignment {
        seq: 0,
        iteration: standing.iterations,
        deploy: standing.deploy.clone(),
        observation: None,
        workspace: files(mission, &standing.head)
            .and_then(|files| base(mission, standing, &files))
            .map(Arc::new)
            .map_err(failed)?,
        commit: standing.head.clone(),
        may_try: !mission.options.dry_run,
        tried: standing.attempts.tried.clone(),
        topology: mission.options.topology,
        focus: None,
    };
    // What is proposed before the last fix has its verdict may be for files that are about to change: it is not worth a build.
    let is_open = standing.attempts.awaits_verdict()
        && assignment.may_try
        && mission.operations.no_trial(&assignment.workspace).await.is_none();
    assignment.may_try &= !is_open;
    let mut answer = swarm.work(assignment.clone()).await?;
    if hear(mission, standing, &answer.findings).await || is_open {
        assignment.may_try = !mission.options.dry_run;
        assignment.workspace = Arc::new(base(mission, standing, &assignment.workspace).map_err(failed)?);
        assignment.observation = Some(answer.observation.clone());
        assignment.tried.clone_from(&standing.attempts.tried);
        answer = swarm.work(assignment.clone()).await?;
    }
    if answer.topology == crate::choice::Topology::Hierarchical {
        answer = by_stages(swarm, assignment, answer).await?;
    }
    Ok(answer)
}

/// The coordinator of a hierarchical swarm: one stage at a time, the first finding's stage first, until there is a proposal.
async fn by_stages(swarm: &mut Swarm, mut assignment: Assignment, first: Answer) -> Result<Answer, SwarmFailure> {
    let mut stages: Vec<Stage> = Vec::new();
    for finding in &first.findings {
        if !stages.contains(&finding.stage) {
            stages.push(finding.stage);
        }
    }
    assignment.observation = Some(first.observation.clone());
    let mut answer = first;
    for stage in stages {
        assignment.focus = Some(stage);
        answer = swarm.work(assignment.clone()).await?;
        if !matches!(answer.proposal, Proposal::Exhausted) {
            break;
        }
    }
    Ok(answer)
}

/// Does what the swarm came to.
async fn act(mission: &Mission, standing: &mut Standing, answer: Answer) -> anyhow::Result<Turn> {
    standing.findings.clone_from(&answer.findings);
    if let Some(first) = answer.findings.first() {
        mission.log("swarm_output.log", &format!("finding {}: {}", first.class, first.why));
    }
    for (what, why) in &answer.refused {
        mission.log("swarm_output.log", &format!("refused {what}: {why}"));
    }
    refuted(mission, standing, answer.refuted).await;
    match answer.proposal {
        Proposal::Release { fixes, after, proof } => {
            let mark = answer.findings.first().map(Finding::mark).unwrap_or_default();
            if standing.attempts.is_going_nowhere(&mark) {
                return Ok(Turn::end(gave_up(standing, attempts::going_nowhere())));
            }
            if mission.options.dry_run {
                let titles: Vec<String> = fixes.iter().map(|(remedy, _)| remedy.get().title.clone()).collect();
                let mut end = RunEnd::new(Outcome::WouldChange, format!("dry run: would {}", titles.join("; ")));
                end.findings.clone_from(&standing.findings);
                return Ok(Turn::end(end));
            }
            let effort = Effort { fixes, after: *after, mark, proof };
            release(mission, standing, effort).await?;
            Ok(Turn::Again)
        }
        Proposal::Retry(finding) => once_more(mission, standing, &finding).await,
        Proposal::Person(finding) => Ok(Turn::end(left_to_person(standing, &finding))),
        Proposal::Exhausted => fall_back(mission, standing, "the swarm has no remedy left").await.map(Turn::end),
    }
}

/// The same commit once more: nothing is wrong with the files.
async fn once_more(mission: &Mission, standing: &mut Standing, finding: &Finding) -> anyhow::Result<Turn> {
    if mission.options.dry_run {
        let words = format!("dry run: would deploy {} once more: {}", standing.head.short(), finding.why);
        return Ok(Turn::end(RunEnd::new(Outcome::WouldChange, words)));
    }
    if let Some(deploy) = standing.deploy.clone() {
        retry(mission, standing, &deploy, Some(finding)).await;
    }
    Ok(Turn::Again)
}
