//! Answers: JSON with a line feed at its end, and errors in Render's shapes (contract §2).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What a call is refused with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApiError {
    BadRequest(String),
    /// 400 with a `code`: only a few endpoints have one.
    Coded(&'static str, String),
    /// JSON, or the plain text that Render's own clients had to learn to read.
    Unauthorized {
        plain: bool,
    },
    NotFound(String),
    MethodNotAllowed,
    Conflict(String),
    RateLimited,
    Internal(String),
    Gateway,
    Unavailable,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, json!({"message": message})),
            Self::Coded(code, message) => (StatusCode::BAD_REQUEST, json!({"code": code, "message": message})),
            Self::Unauthorized { plain: true } => return (StatusCode::UNAUTHORIZED, "unauthorized\n").into_response(),
            Self::Unauthorized { plain: false } => (StatusCode::UNAUTHORIZED, json!({"message": "unauthorized"})),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, json!({"message": format!("not found: {what}")})),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, json!({"message": "method not allowed"})),
            Self::Conflict(message) => (StatusCode::CONFLICT, json!({"message": message})),
            // The only error whose text is not under `message`.
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, json!({"error": "rate limit exceeded"})),
            Self::Internal(message) => (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": message})),
            // From in front of the API, which is why it is no JSON.
            Self::Gateway => return (StatusCode::BAD_GATEWAY, "<html>502 Bad Gateway</html>\n").into_response(),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, json!({"message": "service unavailable"})),
        };
        answer(status, &body)
    }
}

pub(super) type Answer = Result<Response, ApiError>;

pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, format!("{body}\n")).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

pub(super) fn ok(body: &Value) -> Answer {
    Ok(answer(StatusCode::OK, body))
}

/// No body and no `Content-Type`: what a queued deploy and a restart are answered with.
pub(super) fn empty(status: StatusCode) -> Answer {
    Ok(status.into_response())
}
