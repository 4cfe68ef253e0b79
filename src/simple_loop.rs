//! The simple loop (spec D1): one thread, one thing after the other. The foundation under the swarm.
//!
//! Check, trigger, wait, analyse, apply a known fix, go on; an unknown failure is tried once more and then told.

use std::sync::Arc;

use crate::attempts::going_nowhere;
use crate::choice::{Decision, Topology, choose};
use crate::course::{
    Effort, Standing, base, gave_up, hear, last_look, left_to_person, record, refuted, release, retry, watch,
};
use crate::diagnosis::Finding;
use crate::learning::Setting;
use crate::mission::journal::Entry;
use crate::mission::{Mission, Outcome, RunEnd};
use crate::operations::{Claim, Proved};
use crate::workspace::Workspace;

/// Remedies looked at per iteration: more than any finding has.
const CHOICES_MAX: usize = 12;

/// Heals from where `standing` is, without agents.
///
/// # Errors
/// When the outside fails in a way that a run cannot go on with.
pub async fn heal(mission: &Mission, standing: &mut Standing, why: &str) -> anyhow::Result<RunEnd> {
    let operations = &mission.operations;
    let log = |line: &str| mission.log("fallback_output.log", line);
    log(&format!("simple loop: {why}"));
    loop {
        if let Some(end) = watch(mission, standing).await? {
            log(&end.summary);
            return Ok(end);
        }
        if standing.iterations >= mission.options.max_iterations {
            return last_look(mission, standing).await;
        }
        let Some(deploy) = standing.deploy.clone() else { continue };
        record(mission, standing, Entry::Iteration { deploy: deploy.id.clone() }).await;
        let observation = operations.observe(&deploy).await;
        let workspace = operations.workspace(&standing.head)?;
        let mut files = base(mission, standing, &workspace)?;
        let awaits_verdict = standing.attempts.awaits_verdict();
        let may_ask = !mission.options.dry_run;
        let learning = mission.learning.lock().await.clone();
        let mut findings =
            operations.examine(&observation, &files, &learning, may_ask && !awaits_verdict).await.findings;
        if hear(mission, standing, &findings).await {
            files = base(mission, standing, &workspace)?;
        }
        let learning = mission.learning.lock().await.clone();
        if awaits_verdict {
            findings = operations.examine(&observation, &files, &learning, may_ask).await.findings;
        }
        let setting = Setting::of(&files, &operations.facts.dockerfile_path);
        findings.iter_mut().for_each(|finding| learning.rank(finding, &setting, crate::world::now()));
        standing.findings.clone_from(&findings);
        if let Some(first) = findings.first() {
            log(&format!("{}: {}", first.class, first.why));
            operations.tell_finding(first);
        }
        if standing.attempts.is_going_nowhere(&findings.first().map(Finding::mark).unwrap_or_default()) {
            return Ok(gave_up(standing, going_nowhere()));
        }
        let next = match apply_known_fix(mission, standing, &findings, &files).await? {
            Next::Applied => None,
            Next::Other(decision) => Some(decision),
            Next::WouldApply(title) => {
                return Ok(RunEnd::new(Outcome::WouldChange, format!("dry run: would {title}")));
            }
        };
        match next {
            None => {}
            Some(Decision::Person { finding }) => return Ok(left_to_person(standing, &finding)),
            Some(_) if standing.redeployed || mission.options.dry_run => {
                return Ok(gave_up(standing, "the cause of the failure is not known".into()));
            }
            Some(_) => {
                log("no known fix: the same commit is tried once more");
                retry(mission, standing, &deploy, None).await;
            }
        }
        tokio::time::sleep(operations.timing.cooldown).await;
    }
}

/// What the findings came to.
enum Next {
    Applied,
    /// A dry run; the title.
    WouldApply(String),
    Other(Decision),
}

/// Releases the first known fix that passes the checks.
async fn apply_known_fix(
    mission: &Mission,
    standing: &mut Standing,
    findings: &[Finding],
    base: &Workspace,
) -> anyhow::Result<Next> {
    let operations = &mission.operations;
    let log = |line: &str| mission.log("fallback_output.log", line);
    let mut tried = standing.attempts.tried.clone();
    for _ in 0..CHOICES_MAX {
        let fixes = match choose(findings, &[], base, &tried, Topology::Hierarchical, None, &|_| false) {
            Decision::Fix { fixes } => fixes,
            decision => return Ok(Next::Other(decision)),
        };
        let Some(fix) = fixes.into_iter().next() else { break };
        let mark = fix.finding.mark();
        let claim = Claim {
            fixes: vec![fix.clone()],
            commit: standing.head.clone(),
            base: Arc::new(base.clone()),
            tried: tried.clone(),
            learning: mission.learning.lock().await.clone(),
            may_try: !mission.options.dry_run,
        };
        let outcome = operations.prove(&claim).await;
        refuted(mission, standing, outcome.refuted).await;
        let reason = match outcome.result {
            Ok(Proved { fixes, after, proof, .. }) => {
                let titles: Vec<String> = fixes.iter().map(|(remedy, _)| remedy.get().title.clone()).collect();
                if mission.options.dry_run {
                    return Ok(Next::WouldApply(titles.join("; ")));
                }
                log(&format!("applying {}", titles.join("; ")));
                release(mission, standing, Effort { fixes, after, mark, proof }).await?;
                return Ok(Next::Applied);
            }
            Err(reason) => reason,
        };
        log(&format!("refused {}: {reason}", fix.remedy.id));
        tried.push(crate::choice::Tried { mark, remedy: fix.remedy.id });
    }
    Ok(Next::Other(Decision::Exhausted))
}
