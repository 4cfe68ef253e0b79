//! The public address: forwards to the instance that serves now.
//!
//! During a deploy that is the old one, so `/healthz` answers 200 from the old version all through a failing
//! deploy: the zero-downtime trap (contract §8).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, sleep};

use super::Sleep;
use super::hub::Hub;

/// What Render waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);
/// Bodies are held in memory on their way.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Headers that belong to one connection and are not passed on.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::PROXY_AUTHORIZATION,
];

#[derive(Debug, Clone)]
struct Proxy {
    hub: Arc<Hub>,
    client: reqwest::Client,
    sleep: Option<Sleep>,
    /// When the first visitor of a service that slept came.
    woken: Arc<OnceLock<Instant>>,
}

pub(super) fn router(hub: Arc<Hub>, client: reqwest::Client, sleep: Option<Sleep>) -> Router {
    Router::new().fallback(forward).with_state(Proxy { hub, client, sleep, woken: Arc::default() })
}

impl Proxy {
    /// Wakes the service up if it sleeps; an answer where the visitor is turned away until it has woken up.
    async fn wake(&self) -> Option<Response> {
        let (takes, holds) = match self.sleep? {
            Sleep::Holds(takes) => (takes, true),
            Sleep::Refuses(takes) => (takes, false),
        };
        let left = takes.saturating_sub(self.woken.get_or_init(Instant::now).elapsed());
        if holds {
            sleep(left).await;
        }
        let asleep = !holds && !left.is_zero();
        asleep.then(|| page(StatusCode::SERVICE_UNAVAILABLE, "hibernate-wake-error", "Service waking up\n"))
    }
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let Some(reach) = *proxy.hub.route.borrow() else {
        return if proxy.hub.read(|platform| platform.service.suspended) {
            page(StatusCode::SERVICE_UNAVAILABLE, "suspend-by-user", "Service Suspended\n")
        } else {
            page(StatusCode::NOT_FOUND, "no-server", "Not Found\n")
        };
    };
    if let Some(asleep) = proxy.wake().await {
        return asleep;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut headers = parts.headers;
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    // As on Render: the app sees its public name, never the address of the proxy.
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    let host = proxy.hub.read(|platform| platform.service.host());
    let sent = proxy
        .client
        .request(parts.method, format!("http://{reach}{target}"))
        .headers(headers)
        .header(header::HOST, host)
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-for", "127.0.0.1")
        .timeout(ANSWER_TIMEOUT)
        .body(body);
    match sent.send().await {
        Ok(answer) => pass_on(answer).await,
        Err(error) => {
            tracing::debug!(%error, "instance unreachable");
            page(StatusCode::BAD_GATEWAY, "dynamic-error", "Bad Gateway\n")
        }
    }
}

async fn pass_on(answer: reqwest::Response) -> Response {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else {
        return page(StatusCode::BAD_GATEWAY, "dynamic-error", "Bad Gateway\n");
    };
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove(header::CONTENT_LENGTH);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn page(status: StatusCode, routing: &'static str, text: &'static str) -> Response {
    (status, [("x-render-routing", routing)], text).into_response()
}
