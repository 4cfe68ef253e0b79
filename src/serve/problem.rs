//! Every answer that says no: RFC 9457 problem documents, made in one place.
//!
//! A handler returns a [`Problem`]; [`rendered`] turns it, and whatever axum refuses by itself, into one document with the
//! request's id. Below `/v1` the document also holds OpenAI's `error`, as clients of that API read it.

use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::request_id::RequestId;

/// What a problem document is sent as.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What is wrong, without what is known only outside the handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// A word for programs: `body-too-large`.
    pub code: &'static str,
    pub detail: String,
    pub retry_after: Option<Duration>,
    /// The run whose answers may still come.
    pub run: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None, run: None }
    }

    /// What axum refused without a word of ours.
    fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => ("not-found", "there is nothing here; `/docs` shows what there is"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method-not-allowed", "the header `Allow` names the methods of this path")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("body-too-large", "the body is larger than this server takes"),
            StatusCode::INTERNAL_SERVER_ERROR => {
                ("internal", "the server failed; its log tells more under the request's id")
            }
            _ => ("refused", "the request was refused"),
        };
        Self::new(status, code, detail)
    }

    fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Refused")
    }

    fn document(&self, path: &str, request_id: &str) -> ProblemDocument {
        let for_openai = path.starts_with("/v1/").then(|| OpenAiError {
            message: self.detail.clone(),
            kind: if self.status.is_server_error() { "server_error" } else { "invalid_request_error" }.into(),
            code: self.code.replace('-', "_"),
            param: None,
        });
        ProblemDocument {
            kind: format!("urn:domain-runner:problem:{}", self.code),
            title: self.title().into(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            instance: path.into(),
            code: self.code.into(),
            request_id: request_id.into(),
            run: self.run.clone(),
            error: for_openai,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An RFC 9457 problem document
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `urn:domain-runner:problem:` and the code
    #[serde(rename = "type")]
    kind: String,
    /// What the status means
    title: String,
    status: u16,
    /// What is wrong here, and what helps
    detail: String,
    /// The path that was asked
    instance: String,
    /// What is wrong, in one word for programs
    code: String,
    /// The request's id, as the server's log has it
    request_id: String,
    /// The run whose answers may still come: see `GET /api/runs/{id}`
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// Below `/v1`: the same as OpenAI's clients read it
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<OpenAiError>,
}

/// OpenAI's shape of an error
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAiError {
    message: String,
    #[serde(rename = "type")]
    kind: String,
    code: String,
    param: Option<String>,
}

/// The same error as an event of a stream, whose status is long sent.
pub fn streamed(problem: &Problem) -> String {
    json!({"error": problem.document("/v1/", "").error}).to_string()
}

/// Gives every refusal its document.
pub async fn rendered(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() || own_document(&response) {
        return response;
    }
    let problem = response.extensions().get::<Problem>().cloned();
    let problem = problem.unwrap_or_else(|| Problem::of_status(status));
    let body = serde_json::to_string(&problem.document(&path, &id)).unwrap_or_default();
    let mut out = (problem.status, [(CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
    // What axum says beside its refusal stays said.
    if let Some(allow) = response.headers().get(ALLOW) {
        out.headers_mut().insert(ALLOW, allow.clone());
    }
    if problem.status == StatusCode::UNAUTHORIZED {
        out.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"domain-runner\""));
    }
    if let Some(wait) = problem.retry_after {
        out.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1_000).max(1) as u64));
    }
    out
}

/// `/readyz` says no with a document of its own.
fn own_document(response: &Response) -> bool {
    response.extensions().get::<Problem>().is_none()
        && response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}
