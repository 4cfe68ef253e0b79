//! The conductor: the SPARC phases, one after the other, with the swarm doing the work of refinement.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::Swarm;
use crate::choice::Topology;
use crate::course::{Standing, record, withdraw};
use crate::mission::journal::Entry;
use crate::mission::{Mission, Outcome, RunEnd};
use crate::narration::Event;
use crate::phases::{Event as PhaseEvent, Phase};
use crate::service::Commit;

mod arrival;
mod closing;
mod refinement;
mod resumption;

use arrival::Arrival;

/// `deployment_plan.json` (spec B2).
#[derive(Debug, Serialize)]
struct DeploymentPlan<'a> {
    format: u32,
    session: &'a str,
    service: &'a str,
    strategy: &'static str,
    topology: &'a str,
    agents: [&'static str; 5],
    max_iterations: u32,
    commit: &'a Commit,
    success_criteria: Vec<String>,
    to_fix: Vec<String>,
    /// The configuration that worked last, from the record (A6).
    last_working: Option<&'a crate::learning::WorkingConfiguration>,
}

/// Walks through the phases and tells of each.
struct Walk<'a> {
    mission: &'a Mission,
    phase: Phase,
    started: Instant,
}

impl Walk<'_> {
    fn begin(&mut self) {
        self.started = Instant::now();
        if self.mission.options.with_phases {
            self.mission.operations.narrator.tell(Event::PhaseStart { phase: self.phase.name() });
        }
    }

    fn step(&mut self, event: PhaseEvent, summary: impl Into<String>) -> anyhow::Result<()> {
        let summary = summary.into();
        self.mission.journal(Entry::Phase { phase: self.phase, event });
        self.mission.log("swarm_output.log", &format!("{}: {summary}", self.phase.name()));
        if self.mission.options.with_phases {
            let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.mission.operations.narrator.tell(Event::PhaseEnd {
                phase: self.phase.name(),
                ok: event != PhaseEvent::GaveUp,
                summary,
                duration_ms,
            });
        }
        self.phase = self.phase.after(event)?;
        self.begin();
        Ok(())
    }
}

/// Runs a mission to its end.
///
/// # Errors
/// When the outside fails in a way that a run cannot go on with; nothing is half done then.
pub async fn run(mission: &Mission) -> anyhow::Result<RunEnd> {
    let mut walk = Walk { mission, phase: Phase::Specification, started: Instant::now() };
    walk.begin();
    let mut swarm =
        Swarm::spawn(&mission.operations, &mission.store, mission.session.id().as_str(), &mission.learning).await;
    let spawned_us = u64::try_from(swarm.spawned_in.as_micros()).unwrap_or(u64::MAX);
    mission.journal(Entry::Swarm { spawned_us });
    let (mut standing, arrival) = arrival::arrive(mission, &mut swarm).await?;
    let mut end = match arrival {
        Arrival::End(end) => {
            withdraw(mission, &mut standing).await;
            walk.step(PhaseEvent::GaveUp, end.summary.clone())?;
            end
        }
        Arrival::Healthy(health) => {
            walk.step(PhaseEvent::AlreadyHealthy, "the service is healthy on the commit meant")?;
            walk.step(PhaseEvent::Stable, "nothing to do")?;
            let mut end = RunEnd::new(Outcome::AlreadyHealthy, "service already operational");
            end.health = health;
            end
        }
        Arrival::Broken(what) => {
            walk.step(PhaseEvent::Unhealthy, what)?;
            plan(mission, &standing).await?;
            let topology = mission.options.topology.map_or("auto", Topology::name);
            let limit = mission.options.max_iterations;
            walk.step(PhaseEvent::Planned, format!("up to {limit} iterations, {topology} topology"))?;
            let end = refinement::heal(mission, &mut swarm, &mut standing).await?;
            if matches!(end.outcome, Outcome::GaveUp | Outcome::NeedsPerson) {
                record(mission, &mut standing, Entry::Conclude(end.clone())).await;
                withdraw(mission, &mut standing).await;
            }
            if end.outcome.is_healthy() {
                walk.step(PhaseEvent::WentLive, end.summary.clone())?;
                walk.step(PhaseEvent::Stable, "it stays healthy")?;
            } else {
                walk.step(PhaseEvent::GaveUp, end.summary.clone())?;
            }
            end
        }
    };
    closing::close(mission, &standing, &mut end).await;
    Ok(end)
}

/// Writes the plan.
async fn plan(mission: &Mission, standing: &Standing) -> anyhow::Result<()> {
    let learning = mission.learning.lock().await;
    let operations = &mission.operations;
    let health = operations.facts.health_path.clone().unwrap_or_else(|| "an open port".into());
    let plan = DeploymentPlan {
        format: 1,
        session: mission.session.id().as_str(),
        service: &operations.service.name,
        strategy: if mission.options.simple { "simple loop" } else { "smallest safe edit, proved before each push" },
        topology: mission.options.topology.map_or("auto", Topology::name),
        agents: super::AGENTS,
        max_iterations: mission.options.max_iterations,
        commit: &standing.head,
        success_criteria: vec![
            "the newest deploy is live".into(),
            "it is of the commit meant".into(),
            format!("health check passes: {health}"),
        ],
        to_fix: standing.findings.iter().map(|finding| finding.why.clone()).collect(),
        last_working: learning.last_working(&operations.service.name),
    };
    mission.document("deployment_plan.json", &plan)
}

/// The files of a commit, shared by the agents.
fn files(mission: &Mission, commit: &Commit) -> anyhow::Result<Arc<crate::workspace::Workspace>> {
    Ok(Arc::new(mission.operations.workspace(commit)?))
}
