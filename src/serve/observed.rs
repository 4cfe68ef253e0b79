//! What is told of every request: a log line with its id, and the counts behind `/metrics`.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::app::App;
use super::measures;
use super::problem::Problem;
use super::request_id::RequestId;

/// Routes that are asked every few seconds by machines; one line each would bury the rest.
const QUIET: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// Counts the request and writes its line, in a span that carries its id; a handler that panics has answered 500.
pub async fn observed(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    // By its pattern: paths are as many as callers invent.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", |path| path.as_str()).to_owned();
    let method = measures::method(request.method());
    let span = tracing::info_span!("request", session_id = %app.session, request_id = %id, method, route);
    let begun = Instant::now();
    async {
        let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let response = answered.unwrap_or_else(|_| {
            let detail = "the server failed; its log tells more under the request's id";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
        });
        let (status, took) = (response.status().as_u16(), begun.elapsed());
        measures::http(method, &route, status, took);
        let problem = response.extensions().get::<Problem>();
        let code = problem.map_or("", |problem| problem.code);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if status >= 500 {
            tracing::warn!(status, ms, code, "answered");
        } else if QUIET.contains(&route.as_str()) {
            tracing::debug!(status, ms, code, "answered");
        } else {
            tracing::info!(status, ms, code, "answered");
        }
        response
    }
    .instrument(span)
    .await
}
