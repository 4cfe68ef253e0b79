//! Completion: endpoints, health report, metrics, final state (spec B4, B5).

use serde_json::json;

use crate::course::Standing;
use crate::mission::journal::Entry;
use crate::mission::{EndpointReport, Mission, Outcome, RunEnd};

/// Fills `end` with what is known and writes the session's closing documents. A document that cannot be written is told,
/// and does not change how the run ended.
pub(super) async fn close(mission: &Mission, standing: &Standing, end: &mut RunEnd) {
    let operations = &mission.operations;
    end.commit = Some(standing.head.clone());
    end.deploys = standing.deploys;
    end.iterations = standing.iterations;
    if end.outcome.is_healthy()
        && let Some(probe) = &operations.probe
    {
        let endpoints = probe.endpoints().await;
        end.endpoints = endpoints.into_iter().filter(|endpoint| endpoint.present).map(EndpointReport::from).collect();
    }
    end.next = next_steps(mission, end);
    let health_report = json!({
        "format": 1,
        "healthy": end.outcome.is_healthy(),
        "health": end.health,
        "endpoints": end.endpoints,
        "database_connected": end.health.as_ref().and_then(|health| health.database_connected),
    });
    let final_state = json!({
        "format": 1,
        "session": mission.session.id().as_str(),
        "service": operations.service.name,
        "service_id": operations.service.id,
        "url": operations.service.url,
        "dashboard_url": operations.service.dashboard_url,
        "branch": operations.branch,
        "status": if end.outcome.is_healthy() { "healthy" } else { "unhealthy" },
        "end": end,
        "finished_at": crate::world::now(),
    });
    let learning = mission.learning.lock().await;
    let metrics = format!(
        "# TYPE deployment_attempts_total counter\ndeployment_attempts_total {}\n\
         # TYPE deployment_success_rate gauge\ndeployment_success_rate {}\n\
         # TYPE domain_runner_session_deploys gauge\ndomain_runner_session_deploys {}\n\
         # TYPE domain_runner_session_fixes gauge\ndomain_runner_session_fixes {}\n",
        learning.total_attempts,
        learning.success_rate().unwrap_or(0.0),
        end.deploys,
        end.fixes.len(),
    );
    drop(learning);
    let results = [
        mission.document("health_report.json", &health_report),
        mission.session.write_text("metrics.prom", &metrics).map_err(Into::into),
        mission.document("final_state.json", &final_state),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        operations.narrator.warn(error.to_string(), "the run itself ended as told");
    }
    mission.journal(Entry::End { outcome: end.outcome });
}

/// What a person does next (K5).
fn next_steps(mission: &Mission, end: &RunEnd) -> Vec<String> {
    let mut next = end.next.clone();
    let service = &mission.operations.service;
    if matches!(end.outcome, Outcome::GaveUp | Outcome::NeedsPerson) {
        if let Some(rule) = end.findings.first().and_then(|first| crate::diagnosis::catalogue::find(&first.class)) {
            next.push(rule.advice.to_owned());
        }
        next.push(format!("read the logs: {}", mission.session.dir().display()));
        if !service.dashboard_url.is_empty() {
            next.push(format!("open the dashboard: {}", service.dashboard_url));
        }
        next.push("see what was learned: domain-runner learn show".into());
    }
    next
}
