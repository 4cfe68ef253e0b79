//! `POST /v1/chat/completions` and `GET /v1/models`: OpenAI's API in front of all providers, so that its clients work here.
//!
//! What of that API could not be done for every provider is refused, not passed over.

mod request;
mod stream;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use self::request::ChatRequest;
use super::app::App;
use super::asking;
use super::extract::Body;
use super::problem::Problem;
use super::request_id::RequestId;
use super::{measures, providers};
use crate::model::{Answer, Usage};
use crate::world;
use axum::http::StatusCode;

/// An answer in OpenAI's shape
#[derive(Debug, Serialize, ToSchema)]
pub struct Completion {
    id: String,
    /// `chat.completion`
    object: &'static str,
    /// Seconds since 1970
    created: i64,
    /// The provider and the model that served
    model: String,
    choices: Vec<Choice>,
    usage: Option<CompletionUsage>,
}

/// One answer; there is never more than one
#[derive(Debug, Serialize, ToSchema)]
pub struct Choice {
    index: u32,
    message: ChoiceMessage,
    /// `stop`, `length`, `content_filter`, or the provider's own word
    finish_reason: String,
    logprobs: Option<String>,
}

/// What the model said
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceMessage {
    /// `assistant`
    role: &'static str,
    content: String,
    refusal: Option<String>,
}

/// Tokens, in OpenAI's words
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CompletionUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl From<Usage> for CompletionUsage {
    fn from(usage: Usage) -> Self {
        let (prompt_tokens, completion_tokens) = (usage.input_tokens, usage.output_tokens);
        Self { prompt_tokens, completion_tokens, total_tokens: prompt_tokens.saturating_add(completion_tokens) }
    }
}

/// The provider and the model that served, as a request would name them.
fn served(answer: &Answer) -> String {
    format!("{}/{}", answer.provider.name(), answer.model)
}

impl From<Answer> for Completion {
    fn from(answer: Answer) -> Self {
        let message = ChoiceMessage { role: "assistant", content: answer.text.clone(), refusal: None };
        let finish_reason = answer.finish.clone();
        Self {
            id: format!("chatcmpl-{}", world::random_word(24)),
            object: "chat.completion",
            created: world::now().as_second(),
            model: served(&answer),
            choices: vec![Choice { index: 0, message, finish_reason, logprobs: None }],
            usage: answer.usage.map(CompletionUsage::from),
        }
    }
}

/// Ask a model, as OpenAI's clients do
///
/// `model` is a provider and its model: `anthropic/claude-haiku-4-5`. With `stream` the answer comes as server-sent events.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "OpenAI", operation_id = "chat_completions",
    request_body = ChatRequest, responses((status = 200, description = "The answer; with `stream`, its pieces", content(
        (Completion = "application/json"), (Object = "text/event-stream")))), security(("token" = [])))]
pub async fn completions(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    Body(body): Body<ChatRequest>,
) -> Result<Response, Problem> {
    let (request, manner) = body.read()?;
    if !providers::configured(&app.models).contains(&request.target.provider) {
        return Err(super::run::not_configured(&[request.target]));
    }
    let turn = app.turn()?;
    if let Some(manner) = manner {
        measures::asked(request.target.provider);
        let begun = tokio::time::timeout(app.limits.timeout, app.models.stream(&request)).await;
        let deltas = begun.map_err(|_| too_slow(&app))?.map_err(|error| {
            asking::unanswered(&error);
            asking::of_model(&error)
        })?;
        return Ok(stream::events(deltas, &request.target, manner, turn, request_id).await?.into_response());
    }
    let answer = tokio::time::timeout(app.limits.timeout, asking::ask(&app, &request, &[])).await;
    match answer.map_err(|_| too_slow(&app))? {
        Ok(answer) => Ok(Json(Completion::from(answer)).into_response()),
        Err(error) => Err(asking::of_model(&error)),
    }
}

fn too_slow(app: &App) -> Problem {
    let detail = format!("the model did not answer within {} s", app.limits.timeout.as_secs());
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "too-slow", detail)
}

/// Models that can be asked, in OpenAI's shape
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelList {
    /// `list`
    object: &'static str,
    data: Vec<ModelDocument>,
}

/// A model
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelDocument {
    /// The provider and its model, as `model` in a request names them
    id: String,
    /// `model`
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

/// Models that can be asked: each configured provider's usual one; others of its models can be named just so
#[utoipa::path(get, path = "/v1/models", tag = "OpenAI", operation_id = "models",
    responses((status = 200, description = "The models", body = ModelList)), security(("token" = [])))]
pub async fn models(State(app): State<App>) -> Json<ModelList> {
    let configured = app.models.providers().into_iter().filter(|status| status.configured);
    let document = |status: crate::model::ProviderStatus| ModelDocument {
        id: format!("{}/{}", status.provider.name(), status.default_model),
        object: "model",
        created: app.started.as_second(),
        owned_by: status.provider.name(),
    };
    Json(ModelList { object: "list", data: configured.map(document).collect() })
}
