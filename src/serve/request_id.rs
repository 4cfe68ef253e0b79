//! One id for a request from its first log line to its answer: the caller's `x-request-id`, or ours.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::world;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A caller's id is taken up to this length: it stands in every log line and in the database.
const ID_CHARS_MAX: usize = 128;

/// The id of the request at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// The caller's, if it is harmless in a log and a header; else one of ours.
    fn of(request: &Request) -> Self {
        let theirs = request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        let harmless = |id: &&str| {
            let plain = |sign: u8| sign.is_ascii_alphanumeric() || b"-_.:+/=@".contains(&sign);
            !id.is_empty() && id.len() <= ID_CHARS_MAX && id.bytes().all(plain)
        };
        let id = theirs.filter(harmless).map(str::to_owned);
        Self(id.unwrap_or_else(|| format!("req-{}", world::random_word(20))))
    }
}

/// Gives the request its id, and the answer the same.
pub async fn given(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    // Cannot fail: the letters have been looked at.
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}
