//! `POST /api/run`: one prompt, one answer.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument as _;
use utoipa::ToSchema;

use super::app::App;
use super::asking::{self, AnswerDocument, PROMPT_CHARS_MAX, TOKENS_MAX, invalid};
use super::extract::{Body, whole};
use super::problem::Problem;
use super::providers::{self, MODEL_CHARS_MAX};
use super::request_id::RequestId;
use crate::model::{Message, Provider, Request, Target};
use crate::storage::{Asked, RunKind};

/// A prompt for a model
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    #[schema(min_length = 1, max_length = 400_000, example = "What is example.com?")]
    prompt: String,
    /// Whom to ask; when none is named, all that are configured in turn, until one answers
    #[schema(schema_with = providers::one_or_none)]
    provider: Option<Provider>,
    /// Its model; when none is named, the provider's usual one
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[A-Za-z0-9](\.?[A-Za-z0-9_:/-])*$",
        example = "gpt-5-mini"
    )]
    model: Option<String>,
    /// What the model is told before the prompt
    #[schema(min_length = 1, max_length = 400_000)]
    system: Option<String>,
    /// Tokens of the answer, at most [default: 1024]
    #[schema(minimum = 1, maximum = 32_768)]
    #[serde(default, deserialize_with = "whole")]
    max_tokens: Option<u32>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    /// A JSON Schema: the answer is one document of it, or the request fails
    #[schema(value_type = Option<Object>)]
    schema: Option<serde_json::Map<String, Value>>,
    /// Whom to ask, in turn, when `provider` has no answer
    #[serde(default)]
    #[schema(schema_with = providers::names)]
    fallbacks: Vec<Provider>,
}

/// An answer, kept under its id
#[derive(Debug, Serialize, ToSchema)]
pub struct RunAnswer {
    /// See `GET /api/runs/{id}`
    id: String,
    #[serde(flatten)]
    answer: AnswerDocument,
}

impl RunRequest {
    fn check(&self) -> Result<(), Problem> {
        asking::check_prompt("prompt", &self.prompt)?;
        if let Some(system) = &self.system {
            asking::check_prompt("system", system)?;
        }
        if let Some(model) = &self.model {
            providers::check_model(model).map_err(invalid)?;
            if self.provider.is_none() {
                let detail = "`model` says nothing without its `provider`";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "model-without-provider", detail));
            }
        }
        if self.fallbacks.len() > Provider::ALL.len() {
            return Err(invalid(format!("`fallbacks` names more than {} providers", Provider::ALL.len())));
        }
        asking::check_temperature(self.temperature)
    }

    /// Whom to ask first, and then.
    fn targets(&self, app: &App) -> Result<(Target, Vec<Target>), Problem> {
        let configured = providers::configured(&app.models);
        let mut wanted: Vec<Target> = match self.provider {
            Some(provider) => vec![Target { provider, model: self.model.clone() }],
            None => configured.iter().copied().map(Target::from).collect(),
        };
        for fallback in &self.fallbacks {
            if !wanted.iter().any(|target| target.provider == *fallback) {
                wanted.push(Target::from(*fallback));
            }
        }
        if !wanted.iter().any(|target| configured.contains(&target.provider)) {
            return Err(not_configured(&wanted));
        }
        Ok((wanted.remove(0), wanted))
    }
}

/// What a caller is told who asks nobody that can be asked.
pub fn not_configured(wanted: &[Target]) -> Problem {
    let mut keys: Vec<String> = wanted.iter().map(|target| target.provider.key_variable()).collect();
    keys.dedup();
    let detail = match keys.is_empty() {
        true => "no provider is configured here; set a key such as OPENAI_API_KEY, `GET /api/providers` names them all"
            .into(),
        false => format!("not configured here: set {}; `GET /api/providers` shows which are", keys.join(" or ")),
    };
    Problem::new(StatusCode::CONFLICT, "provider-not-configured", detail)
}

/// What `work` for `run` comes to. It is done on its own, so that an answer that is paid for is kept when the caller leaves.
///
/// # Errors
/// The caller waited too long, and the answers may still come; or the work died, and the log has the panic.
pub async fn carried_out<T: Send + 'static>(
    app: &App,
    run: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let task = tokio::spawn(work.in_current_span());
    let mut problem = match tokio::time::timeout(app.limits.timeout, task).await {
        Ok(Ok(out)) => return Ok(out),
        Ok(Err(_)) => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log tells more")
        }
        Err(_) => {
            let detail = format!(
                "no model answered within {} s; what still comes is kept, see `GET /api/runs/{run}`",
                app.limits.timeout.as_secs()
            );
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "too-slow", detail)
        }
    };
    problem.run = Some(run.to_owned());
    Err(problem)
}

/// Ask a model
///
/// The question is kept before it is asked and its answer when it comes, also when the caller has left by then.
#[utoipa::path(post, path = "/api/run", tag = "Models", operation_id = "run", request_body = RunRequest,
    responses((status = 200, description = "The answer", body = RunAnswer)), security(("token" = [])))]
pub async fn run(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    Body(body): Body<RunRequest>,
) -> Result<Json<RunAnswer>, Problem> {
    body.check()?;
    let max_tokens = asking::check_tokens("max_tokens", body.max_tokens)?;
    let (target, fallbacks) = body.targets(&app)?;
    let turn = app.turn()?;
    let asked = Asked { target: target.to_string(), prompt: body.prompt.clone() };
    let run = asking::begin(&app, RunKind::Run, &request_id.0, &[asked]).await?;
    let mut messages: Vec<Message> = body.system.map(Message::system).into_iter().collect();
    messages.push(Message::user(body.prompt));
    let schema = body.schema.map(Value::Object);
    let request = Request { target, messages, max_tokens, temperature: body.temperature, schema };
    let work = {
        let (app, run) = (app.clone(), run.clone());
        async move {
            let _turn = turn;
            let outcome = asking::ask(&app, &request, &fallbacks).await;
            asking::end(&app, &run, 0, &outcome).await;
            outcome
        }
    };
    match carried_out(&app, &run, work).await? {
        Ok(answer) => Ok(Json(RunAnswer { id: run, answer: answer.into() })),
        Err(error) => {
            let mut problem = asking::of_model(&error);
            problem.run = Some(run);
            Err(problem)
        }
    }
}

// The description states them as numbers, as its macro wants them.
const _: () = assert!(PROMPT_CHARS_MAX == 400_000 && TOKENS_MAX == 32_768 && MODEL_CHARS_MAX == 200);
