//! What a fault does to a call: refuse it, keep silent, or spoil its answer.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt as _};
use tokio::time::sleep;

use super::Api;
use crate::sandbox::answer::{Answer, ApiError, empty};
use crate::sandbox::faults::{Fault, Faults, Struck};
use crate::sandbox::query::Params;

/// Longer than any client waits; then the connection may go.
const SILENCE: Duration = Duration::from_secs(10 * 60);
/// How long a dripping answer takes, and in how many pieces it comes.
const DRIP: Duration = Duration::from_millis(800);
const DRIP_PIECES: usize = 8;
/// What a rate limit under test asks to wait.
const LIMITED_SECONDS: u32 = 1;
/// The sandbox's own answers are far smaller.
const BODY_BYTES_MAX: usize = 64 << 20;

/// New faults for a running sandbox: the SPEC is the body, `?seed=N` the seed.
pub(super) async fn set(State(hub): Api, params: Params, spec: String) -> Answer {
    let seed = params.one("seed").and_then(|seed| seed.parse().ok()).unwrap_or_default();
    hub.set_faults(Faults::parse(&spec, seed).map_err(ApiError::BadRequest)?);
    empty(StatusCode::NO_CONTENT)
}

pub(super) async fn say_nothing() {
    sleep(SILENCE).await;
}

/// The error that a call is answered with instead of being carried out.
pub(super) fn refusal(struck: &Struck, calls: u32, path: &str) -> Option<ApiError> {
    let limits = [Fault::RateLimit, Fault::RateLimitBare, Fault::RetryAfter];
    if struck.by(Fault::ServerError) {
        return Some(match calls % 4 {
            0 | 2 => ApiError::Internal("internal server error".to_owned()),
            1 => ApiError::Gateway,
            _ => ApiError::Unavailable,
        });
    }
    if struck.by(Fault::Unauthorized) {
        return Some(ApiError::Unauthorized { plain: true });
    }
    if struck.by(Fault::Gone) {
        return Some(ApiError::NotFound(path.rsplit('/').next().unwrap_or_default().to_owned()));
    }
    limits.iter().any(|limit| struck.by(*limit)).then_some(ApiError::RateLimited)
}

/// Spoils an answer that is ready to go.
pub(super) async fn mangle(mut response: Response, struck: &Struck) -> Response {
    let headers = response.headers_mut();
    if struck.by(Fault::RateLimit) {
        headers.insert("ratelimit-remaining", HeaderValue::from(0));
        headers.insert("ratelimit-reset", HeaderValue::from(LIMITED_SECONDS));
    }
    if struck.by(Fault::RateLimitBare) || struck.by(Fault::RetryAfter) {
        for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
            headers.remove(name);
        }
    }
    if struck.by(Fault::RetryAfter) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(LIMITED_SECONDS));
    }
    if !struck.by(Fault::Half) && !struck.by(Fault::Drip) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let body = if struck.by(Fault::Half) { half(&body) } else { drip(body) };
    Response::from_parts(parts, body)
}

/// The first half, and then the connection breaks.
fn half(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    let broken = stream::once(async {
        // The half is on its way by then.
        sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    });
    Body::from_stream(stream::iter([Ok(half)]).chain(broken))
}

fn drip(body: Bytes) -> Body {
    let piece = body.len().div_ceil(DRIP_PIECES).max(1);
    let pieces: Vec<Bytes> = body.chunks(piece).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::iter(pieces).then(|piece| async {
        sleep(DRIP / DRIP_PIECES as u32).await;
        Ok::<_, io::Error>(piece)
    }))
}
