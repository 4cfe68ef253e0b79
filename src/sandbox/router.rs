//! The API's routes, and what every call passes through: key, limits, faults, headers (contract §2).
//!
//! `PUT /sandbox/faults`, with a SPEC as its body, is no part of Render: it changes the faults of a running sandbox.

mod deploys;
mod logs;
mod services;
mod trouble;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::serve::IncomingStream;
use serde_json::Value;
use tokio::net::TcpListener;

use super::answer::{ApiError, empty};
use super::faults::{Fault, Struck};
use super::hub::{Hub, lock};
use super::limits::{Bucket, Standing};
use super::query::Params;
use crate::world;

type Api = State<Arc<Hub>>;

/// Where the faults of a running sandbox are changed.
const FAULTS_PATH: &str = "/sandbox/faults";
/// A call with this header sees the truth: no fault strikes it.
const TRUTH_HEADER: &str = "x-sandbox-truth";

pub(super) fn router(hub: Arc<Hub>) -> Router {
    let v1 = Router::new()
        .route("/services", get(services::list))
        .route("/services/{service}", get(services::retrieve).patch(services::update))
        .route("/services/{service}/deploys", get(deploys::list).post(deploys::create))
        .route("/services/{service}/deploys/{deploy}", get(deploys::retrieve))
        .route("/services/{service}/deploys/{deploy}/cancel", post(deploys::cancel))
        .route("/services/{service}/rollback", post(deploys::roll_back))
        .route("/services/{service}/restart", post(services::restart))
        .route("/services/{service}/suspend", post(services::suspend))
        .route("/services/{service}/resume", post(services::resume))
        .route("/services/{service}/instances", get(services::instances))
        .route("/services/{service}/env-vars", get(services::env_list).put(services::env_replace))
        .route(
            "/services/{service}/env-vars/{key}",
            get(services::env_retrieve).put(services::env_put).delete(services::env_delete),
        )
        .route("/services/{service}/events", get(logs::events))
        .route("/events/{event}", get(logs::event))
        .route("/logs", get(logs::list))
        .route("/logs/values", get(logs::values))
        .route("/logs/subscribe", get(logs::subscribe))
        .route("/owners", get(services::owners))
        .route("/owners/{owner}", get(services::owner))
        .route("/users", get(services::user))
        .route("/cli-telemetry-events", post(telemetry));
    Router::new()
        .nest("/v1", v1)
        .route("/deploy/{service}", get(deploys::hook).post(deploys::hook))
        .route(FAULTS_PATH, put(trouble::set))
        .fallback(unknown)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(from_fn_with_state(Arc::clone(&hub), gate))
        .with_state(hub)
}

async fn unknown(request: Request) -> ApiError {
    ApiError::NotFound(request.uri().path().to_owned())
}

async fn telemetry() -> impl IntoResponse {
    empty(StatusCode::ACCEPTED)
}

/// Key, limits and scripted faults come before every handler; headers, and what becomes of the answer, after.
async fn gate(State(hub): Api, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let line = request.extensions().get::<ConnectInfo<Line>>().map(|ConnectInfo(line)| line.clone());
    let standing = lock(&hub.limits).count(Bucket::of(&method, &path), hub.now());
    let calm = path == FAULTS_PATH || request.headers().contains_key(TRUTH_HEADER);
    let struck = if calm { Struck::default() } else { hub.fate(&method, &path) };
    if struck.by(Fault::Silence) {
        trouble::say_nothing().await;
    }
    if struck.by(Fault::Drop) {
        line.iter().for_each(Line::cut);
        return empty_answer();
    }
    request.extensions_mut().insert(struck.clone());
    let mut response = match refusal(&hub, &request, &path, (standing, calm), &struck) {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    };
    if struck.by(Fault::Accepted) && response.status().is_success() {
        *response.status_mut() = StatusCode::ACCEPTED;
        response = response.status().into_response();
    }
    let lost = struck.by(Fault::Lost) && response.status().is_success();
    if lost || hub.closed.load(Ordering::Relaxed) {
        line.iter().for_each(Line::cut);
    }
    dress(&mut response, &hub, standing);
    trouble::mangle(response, &struck).await
}

fn empty_answer() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn refusal(
    hub: &Hub,
    request: &Request,
    path: &str,
    (standing, calm): (Standing, bool),
    struck: &Struck,
) -> Option<ApiError> {
    let has_key = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|key| key == hub.api_key);
    // A deploy hook carries its own key.
    if !has_key && !path.starts_with("/deploy/") {
        return Some(ApiError::Unauthorized { plain: hub.faults().plain_unauthorized });
    }
    let calls = hub.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let limited = !calm && hub.faults().enforce_limits && standing.exceeded;
    trouble::refusal(struck, calls, path).or_else(|| limited.then_some(ApiError::RateLimited))
}

fn dress(response: &mut Response, hub: &Hub, standing: Standing) {
    let calls = hub.requests.load(Ordering::Relaxed);
    let headers = response.headers_mut();
    let request_id =
        HeaderValue::try_from(format!("api-{}/{}-{calls:06}", world::random_word(5), world::random_word(10)));
    if let Ok(request_id) = request_id {
        headers.insert("render-request-id", request_id);
    }
    headers.insert("ratelimit-limit", HeaderValue::from(standing.limit));
    headers.insert("ratelimit-remaining", HeaderValue::from(standing.remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(standing.reset_seconds));
    if let Ok(date) = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&hub.now()) {
        headers.extend(HeaderValue::try_from(date).ok().map(|date| (header::DATE, date)));
    }
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
}

/// The connection a call came in by, so that a fault can cut it before the answer is out.
#[derive(Debug, Clone)]
pub(super) struct Line(Option<Arc<OwnedFd>>);

impl Connected<IncomingStream<'_, TcpListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(stream.io().as_fd().try_clone_to_owned().ok().map(Arc::new))
    }
}

impl Line {
    fn cut(&self) {
        if let Some(line) = &self.0 {
            // A line that is down already is as good.
            let _ = rustix::net::shutdown(line, rustix::net::Shutdown::Both);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        query.map(|Query(pairs)| Self(pairs)).map_err(|error| ApiError::BadRequest(error.body_text()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Struck {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// A JSON body; none at all counts as `{}`.
fn body(bytes: &[u8]) -> Result<Value, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(bytes).map_err(|error| ApiError::BadRequest(format!("invalid JSON: {error}")))
}

/// Refuses every service but the one there is.
fn known(hub: &Hub, service: &str) -> Result<(), ApiError> {
    if hub.read(|platform| platform.service.id == service) {
        Ok(())
    } else {
        Err(ApiError::NotFound(service.to_owned()))
    }
}
