//! `GET /api/runs/{id}`: what was asked, and what became of it.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::app::App;
use super::asking::{self, AnswerDocument, UsageDocument};
use super::problem::Problem;
use crate::storage::{AnswerRecord, Ended};
use crate::world;

/// A question that runs for longer than so many time limits has died with its process.
const TIMEOUTS_UNTIL_LOST: i32 = 4;

/// A run or a batch, with all its answers
#[derive(Debug, Serialize, ToSchema)]
pub struct RunDocument {
    id: String,
    /// `run` or `batch`
    kind: String,
    /// The request that began it
    request_id: String,
    /// RFC 3339
    created_at: String,
    /// Questions with an answer
    ok: usize,
    /// Questions without one, for good
    failed: usize,
    /// Questions a model still works on
    running: usize,
    answers: Vec<Question>,
}

/// A question, and its answer or why there is none
#[derive(Debug, Serialize, ToSchema)]
pub struct Question {
    /// From 0, in the order they were asked for
    position: i64,
    /// `running`, `ok`, `failed`, or `lost` with the process that asked
    state: &'static str,
    /// Who was to answer
    target: String,
    prompt: String,
    finished_at: Option<String>,
    answer: Option<AnswerDocument>,
    error: Option<Failure>,
    /// The provider's own document
    #[schema(value_type = Option<Object>)]
    raw: Option<Value>,
}

/// Why there is no answer
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// The class: `rate_limit`, `quota_exhausted`, `auth`, `context_length`, `content_policy`, `transient`, `bad_request`,
    /// `bad_answer`, `not_configured`, `circuit_open`
    kind: String,
    detail: String,
    /// The provider that was asked last
    provider: Option<String>,
    attempts: u32,
}

impl RunDocument {
    /// Of all the records of one run, in order; `None` of none.
    fn new(id: &str, records: Vec<AnswerRecord>, lost_before: Timestamp) -> Option<Self> {
        let first = records.first()?;
        let (kind, request_id) = (first.kind.clone(), first.request_id.clone());
        let created_at = time(first.created_ms);
        let answers: Vec<Question> = records.into_iter().map(|record| Question::new(record, lost_before)).collect();
        let count = |states: &[&str]| answers.iter().filter(|question| states.contains(&question.state)).count();
        let (ok, failed, running) = (count(&["ok"]), count(&["failed", "lost"]), count(&["running"]));
        Some(Self { id: id.to_owned(), kind, request_id, created_at, ok, failed, running, answers })
    }
}

impl Question {
    fn new(record: AnswerRecord, lost_before: Timestamp) -> Self {
        let AnswerRecord { position, created_ms, finished_ms, asked, ended, .. } = record;
        let state = match &ended {
            None if created_ms < lost_before.as_millisecond() => "lost",
            None => "running",
            Some(ended) if ended.error.is_some() => "failed",
            Some(_) => "ok",
        };
        let raw = ended.as_ref().and_then(|ended| serde_json::from_str(ended.raw.as_deref()?).ok());
        let (answer, error) = ended.map_or((None, None), outcome);
        let finished_at = finished_ms.map(time);
        Self { position, state, target: asked.target, prompt: asked.prompt, finished_at, answer, error, raw }
    }
}

fn outcome(ended: Ended) -> (Option<AnswerDocument>, Option<Failure>) {
    if let Some(kind) = ended.error {
        let detail = ended.error_detail.unwrap_or_default();
        return (None, Some(Failure { kind, detail, provider: ended.provider, attempts: ended.attempts }));
    }
    let usage = ended.input_tokens.zip(ended.output_tokens);
    let citations = ended.citations.and_then(|text| serde_json::from_str(&text).ok());
    let answer = AnswerDocument {
        provider: ended.provider.unwrap_or_default(),
        model: ended.model.unwrap_or_default(),
        text: ended.text.unwrap_or_default(),
        finish: ended.finish.unwrap_or_default(),
        usage: usage.map(|(input_tokens, output_tokens)| UsageDocument { input_tokens, output_tokens }),
        cost_usd_micros: ended.cost_usd_micros,
        latency_ms: ended.latency_ms.unwrap_or(0),
        attempts: ended.attempts,
        citations: citations.unwrap_or_default(),
    };
    (Some(answer), None)
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}

/// The run under this id, as it is now.
///
/// # Errors
/// There is none, or the database does not answer.
pub async fn find(app: &App, id: &str) -> Result<RunDocument, Problem> {
    let records = app.storage.run(id).await.map_err(|error| asking::of_storage(&error))?;
    let lost_before = world::now().checked_sub(app.limits.timeout * TIMEOUTS_UNTIL_LOST.unsigned_abs());
    let found = RunDocument::new(id, records, lost_before.unwrap_or(Timestamp::UNIX_EPOCH));
    found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no-such-run", format!("no run is kept as `{id}`")))
}

/// What was asked under this id, and what became of it
#[utoipa::path(get, path = "/api/runs/{id}", tag = "Models", operation_id = "get_run",
    params(("id" = String, Path, description = "As `POST /api/run` and `POST /api/batch` gave it")),
    responses((status = 200, description = "The run", body = RunDocument)), security(("token" = [])))]
pub async fn run(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<RunDocument>, Problem> {
    let Ok(Path(id)) = id else {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-path", "the id in the path is no text"));
    };
    find(&app, &id).await.map(Json)
}
