//! A question on its way to a model and back: written down, asked, counted, written down again.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::app::App;
use super::measures;
use super::problem::Problem;
use crate::model::{Answer, ModelError, ModelErrorKind, Request, Target};
use crate::storage::{Asked, Ended, RunKind, StorageError};
use crate::world;

/// Tokens of an answer when the caller names no limit: a page or two. Each one costs.
pub const TOKENS: u32 = 1_024;
/// Tokens of an answer a caller may ask for.
pub const TOKENS_MAX: u32 = 32_768;
/// Characters of one prompt: some hundred pages, more than most models read.
pub const PROMPT_CHARS_MAX: usize = 400_000;

/// Between attempts to keep an answer: a database that restarts is back by then, and a caller still waits.
const KEEPING_WAITS: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// What a model said, and what it took
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AnswerDocument {
    /// Who answered
    pub provider: String,
    /// The model that served, as the provider names it
    pub model: String,
    pub text: String,
    /// Why it stopped: `stop`, `length`, `content_filter`, or the provider's own word
    pub finish: String,
    /// What was used, as the provider counted it; null where it did not say
    pub usage: Option<UsageDocument>,
    /// Millionths of a dollar; null where a price or the usage is unknown
    pub cost_usd_micros: Option<u64>,
    /// From the first request to the whole answer
    pub latency_ms: u64,
    /// Requests that were sent, with those to other providers
    pub attempts: u32,
    /// Addresses the answer rests on, where the provider searches the web
    pub citations: Vec<String>,
}

/// Tokens
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UsageDocument {
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl From<Answer> for AnswerDocument {
    fn from(answer: Answer) -> Self {
        let usage = answer
            .usage
            .map(|usage| UsageDocument { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens });
        Self {
            provider: answer.provider.name().to_owned(),
            model: answer.model,
            text: answer.text,
            finish: answer.finish,
            usage,
            cost_usd_micros: answer.cost_usd_micros,
            latency_ms: answer.latency_ms,
            attempts: answer.attempts,
            citations: answer.citations,
        }
    }
}

/// Asks, and counts it.
///
/// # Errors
/// No target answers.
pub async fn ask(app: &App, request: &Request, fallbacks: &[Target]) -> Result<Answer, ModelError> {
    measures::asked(request.target.provider);
    let outcome = app.models.ask_any(request, fallbacks).await;
    match &outcome {
        Ok(answer) => tracing::info!(
            provider = answer.provider.name(),
            model = answer.model,
            attempts = answer.attempts,
            ms = answer.latency_ms,
            "a model answered"
        ),
        Err(error) => unanswered(error),
    }
    outcome
}

/// Counts and tells a question without an answer.
pub fn unanswered(error: &ModelError) {
    measures::unanswered(error.provider, error.kind);
    tracing::warn!(
        provider = error.provider.name(),
        error = error.kind.name(),
        attempts = error.attempts,
        why = error.message,
        "a question got no answer"
    );
}

/// Writes down what is about to be asked, under a new id.
///
/// # Errors
/// The database does not take it: nothing is asked, so that no paid answer is lost.
pub async fn begin(app: &App, kind: RunKind, request_id: &str, asked: &[Asked]) -> Result<String, Problem> {
    let run = format!("run-{}", world::random_word(24));
    app.storage.begin_run(&run, kind, request_id, asked).await.map_err(|error| of_storage(&error))?;
    Ok(run)
}

/// Writes down how a question ended. A database that fails for good takes the answer from nobody.
pub async fn end(app: &App, run: &str, position: usize, outcome: &Result<Answer, ModelError>) {
    let ended = ended(outcome);
    let mut waits = KEEPING_WAITS.into_iter();
    while let Err(error) = app.storage.end_answer(run, position, &ended).await {
        tracing::error!(run, position, error = &error as &dyn std::error::Error, "an answer could not be kept");
        let Some(wait) = waits.next() else { return };
        tokio::time::sleep(wait).await;
    }
}

fn ended(outcome: &Result<Answer, ModelError>) -> Ended {
    match outcome {
        Ok(answer) => Ended {
            provider: Some(answer.provider.name().to_owned()),
            model: Some(answer.model.clone()),
            text: Some(answer.text.clone()),
            finish: Some(answer.finish.clone()),
            input_tokens: answer.usage.map(|usage| usage.input_tokens),
            output_tokens: answer.usage.map(|usage| usage.output_tokens),
            cost_usd_micros: answer.cost_usd_micros,
            latency_ms: Some(answer.latency_ms),
            attempts: answer.attempts,
            citations: Some(Value::from(answer.citations.clone()).to_string()),
            raw: answer.raw.as_ref().map(Value::to_string),
            ..Ended::default()
        },
        Err(error) => Ended {
            provider: Some(error.provider.name().to_owned()),
            attempts: error.attempts,
            error: Some(error.kind.name().to_owned()),
            error_detail: Some(error.message.clone()),
            ..Ended::default()
        },
    }
}

/// What a caller is told when no model answered.
pub fn of_model(error: &ModelError) -> Problem {
    use ModelErrorKind as Kind;
    let (status, code) = match error.kind {
        Kind::RateLimit => (StatusCode::TOO_MANY_REQUESTS, "provider-rate-limit"),
        // Time does not heal it, and clients repeat what is answered with 429 or 5xx.
        Kind::QuotaExhausted => (StatusCode::PAYMENT_REQUIRED, "provider-quota-exhausted"),
        // The key is this server's, not the caller's.
        Kind::Auth => (StatusCode::BAD_GATEWAY, "provider-refused-key"),
        Kind::ContextLength => (StatusCode::BAD_REQUEST, "context-length-exceeded"),
        Kind::ContentPolicy => (StatusCode::BAD_REQUEST, "content-policy"),
        Kind::BadRequest => (StatusCode::BAD_REQUEST, "provider-refused-request"),
        Kind::Transient => (StatusCode::BAD_GATEWAY, "provider-failed"),
        Kind::BadAnswer => (StatusCode::BAD_GATEWAY, "provider-answered-badly"),
        Kind::NotConfigured => (StatusCode::CONFLICT, "provider-not-configured"),
        Kind::CircuitOpen => (StatusCode::SERVICE_UNAVAILABLE, "provider-resting"),
    };
    let mut problem = Problem::new(status, code, error.to_string());
    problem.retry_after = error.retry_after;
    problem
}

/// What a caller is told when the database does not do its part.
pub fn of_storage(error: &StorageError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "the database failed");
    let detail = "the database does not answer; `/readyz` tells more";
    let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database-not-ready", detail);
    problem.retry_after = Some(Duration::from_secs(5));
    problem
}

/// What a caller is told whose body has the right shape and says something that cannot be.
pub fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", detail)
}

/// Whether a prompt may be asked.
///
/// # Errors
/// It is empty, or longer than is taken.
pub fn check_prompt(name: &str, text: &str) -> Result<(), Problem> {
    match text.chars().count() {
        0 => Err(invalid(format!("`{name}` is empty"))),
        count if count > PROMPT_CHARS_MAX => {
            Err(invalid(format!("`{name}` has {count} characters; {PROMPT_CHARS_MAX} are taken")))
        }
        _ => Ok(()),
    }
}

/// The limit of an answer's tokens.
///
/// # Errors
/// It is out of range.
pub fn check_tokens(name: &str, tokens: Option<u32>) -> Result<u32, Problem> {
    match tokens.unwrap_or(TOKENS) {
        tokens @ 1..=TOKENS_MAX => Ok(tokens),
        tokens => Err(invalid(format!("`{name}` is {tokens}; it may be 1 to {TOKENS_MAX}"))),
    }
}

/// Whether a temperature is one.
///
/// # Errors
/// It is out of range.
pub fn check_temperature(temperature: Option<f64>) -> Result<(), Problem> {
    match temperature {
        Some(degrees) if !(0.0..=2.0).contains(&degrees) => {
            Err(invalid(format!("`temperature` is {degrees}; it may be 0 to 2")))
        }
        _ => Ok(()),
    }
}
