//! The measures behind `/metrics`, by the names of spec H5.

use std::time::Duration;

use axum::extract::State;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::app::App;
use super::problem::Problem;
use crate::learning::LearningState;
use crate::memory::{Found, read_versioned};
use crate::model::{ModelErrorKind, Provider};

const HTTP_REQUESTS: &str = "http_requests_total";
const HTTP_SECONDS: &str = "http_request_duration_seconds";
const LLM_REQUESTS: &str = "llm_requests_total";
const LLM_ERRORS: &str = "llm_request_errors_total";
const DATABASE_CONNECTIONS: &str = "database_connections_active";
const DEPLOYMENTS: &str = "deployment_attempts_total";
const DEPLOYMENT_RATE: &str = "deployment_success_rate";

/// From a file out of memory to a model that thinks for minutes.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// Between two clearings of what histograms have gathered, also when nobody reads them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Why nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasuresError {
    #[error("failed to set up the measures")]
    Build(#[from] BuildError),
    #[error("something else measures in this process already")]
    Taken,
}

/// Begins to measure, for the whole process.
pub fn begin() -> Result<PrometheusHandle, MeasuresError> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(HTTP_SECONDS.into()), &SECONDS)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| MeasuresError::Taken)?;
    describe_counter!(HTTP_REQUESTS, "Requests answered, by method, route and status");
    describe_histogram!(HTTP_SECONDS, Unit::Seconds, "From a request's head to its answer's head");
    describe_counter!(LLM_REQUESTS, "Questions to models, by the provider that was asked first");
    describe_counter!(
        LLM_ERRORS,
        "Questions without an answer, by the provider that was asked last and the error's class"
    );
    describe_gauge!(DATABASE_CONNECTIONS, "Connections to the database in use");
    describe_counter!(DEPLOYMENTS, "Deploys tried, as the learning state counts them");
    describe_gauge!(DEPLOYMENT_RATE, "Deploys that went live, of those tried; 0 before the first");
    // A series that appears with its first event has lost that event to every rate.
    for provider in Provider::ALL {
        counter!(LLM_REQUESTS, "provider" => provider.name()).absolute(0);
        for kind in [ModelErrorKind::RateLimit, ModelErrorKind::Transient, ModelErrorKind::Auth] {
            counter!(LLM_ERRORS, "provider" => provider.name(), "error" => kind.name()).absolute(0);
        }
    }
    Ok(handle)
}

/// Keeps what is gathered small.
pub async fn tend(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP_EVERY).await;
        handle.run_upkeep();
    }
}

/// A method by its name; what somebody made up counts as one.
pub fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

pub fn http(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!(HTTP_REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!(HTTP_SECONDS, "method" => method, "route" => route).record(took.as_secs_f64());
}

pub fn asked(provider: Provider) {
    counter!(LLM_REQUESTS, "provider" => provider.name()).increment(1);
}

pub fn unanswered(provider: Provider, kind: ModelErrorKind) {
    counter!(LLM_ERRORS, "provider" => provider.name(), "error" => kind.name()).increment(1);
}

/// Measures in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "Health", operation_id = "metrics",
    responses((status = 200, description = "All measures", body = String, content_type = "text/plain")))]
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let path = app.learning_path.clone();
    let read = tokio::task::spawn_blocking(move || read_versioned::<LearningState>(&path)).await;
    // A state that cannot be read is `learn verify`'s business; measures go on.
    let state = match read {
        Ok(Ok(Found::Read(state))) => state,
        _ => LearningState::blank(),
    };
    counter!(DEPLOYMENTS).absolute(state.total_attempts);
    let rate = if state.total_attempts == 0 { 0.0 } else { state.successful as f64 / state.total_attempts as f64 };
    gauge!(DEPLOYMENT_RATE).set(rate);
    gauge!(DATABASE_CONNECTIONS).set(app.storage.connections_active() as f64);
    let kind = (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    Ok(([kind], app.metrics.render()).into_response())
}
