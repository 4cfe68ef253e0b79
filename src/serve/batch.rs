//! `POST /api/batch`: every prompt to every provider.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

use super::app::App;
use super::asking::{self, PROMPT_CHARS_MAX, invalid};
use super::extract::{Body, whole};
use super::problem::Problem;
use super::providers;
use super::request_id::RequestId;
use super::run::{carried_out, not_configured};
use super::runs::{self, RunDocument};
use crate::model::{Message, Request, Target};
use crate::storage::{Asked, RunKind};

/// Prompts of one batch. More belong into several: an answer waits for all.
pub const PROMPTS_MAX: usize = 100;
/// Targets of one batch: two models of every provider.
pub const TARGETS_MAX: usize = 22;
/// Questions of one batch that are on their way at the same time; each provider has its own limit beside.
const PARALLEL: usize = 16;

/// Prompts for models
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Each goes to each of the providers
    #[schema(schema_with = prompts)]
    prompts: Vec<String>,
    /// Whom to ask: `openai`, or `openai/gpt-5-mini`; when none is named, all that are configured
    #[serde(default)]
    #[schema(schema_with = providers::targets)]
    providers: Vec<String>,
    /// What the models are told before each prompt
    #[schema(min_length = 1, max_length = 400_000)]
    system: Option<String>,
    /// Tokens of each answer, at most [default: 1024]
    #[schema(minimum = 1, maximum = 32_768)]
    #[serde(default, deserialize_with = "whole")]
    max_tokens: Option<u32>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
}

/// A list of prompts, as the description has it.
fn prompts() -> Array {
    let prompt = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(PROMPT_CHARS_MAX));
    ArrayBuilder::new()
        .items(prompt)
        .min_items(Some(1))
        .max_items(Some(PROMPTS_MAX))
        .description(Some("Each goes to each of the providers"))
        .examples([serde_json::json!(["What is example.com?", "Who owns example.com?"])])
        .build()
}

impl BatchRequest {
    fn check(&self) -> Result<(), Problem> {
        if self.prompts.is_empty() || self.prompts.len() > PROMPTS_MAX {
            return Err(invalid(format!(
                "`prompts` has {} entries; it may have 1 to {PROMPTS_MAX}",
                self.prompts.len()
            )));
        }
        if self.providers.len() > TARGETS_MAX {
            return Err(invalid(format!("`providers` has {} entries; {TARGETS_MAX} are taken", self.providers.len())));
        }
        for prompt in &self.prompts {
            asking::check_prompt("prompts", prompt)?;
        }
        if let Some(system) = &self.system {
            asking::check_prompt("system", system)?;
        }
        asking::check_temperature(self.temperature)
    }

    fn targets(&self, app: &App) -> Result<Vec<Target>, Problem> {
        let configured = providers::configured(&app.models);
        let mut targets = Vec::new();
        for name in &self.providers {
            let target = providers::read_target(name).map_err(invalid)?;
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        if targets.is_empty() {
            targets = configured.iter().copied().map(Target::from).collect();
        }
        if targets.iter().any(|target| configured.contains(&target.provider)) {
            return Ok(targets);
        }
        Err(not_configured(&targets))
    }
}

/// Ask models, every prompt to every provider
///
/// The answer comes when all are there, prompt by prompt; a question without an answer says why and fails no other one.
#[utoipa::path(post, path = "/api/batch", tag = "Models", operation_id = "batch", request_body = BatchRequest,
    responses((status = 200, description = "All answers", body = RunDocument)), security(("token" = [])))]
pub async fn batch(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    Body(body): Body<BatchRequest>,
) -> Result<Json<RunDocument>, Problem> {
    body.check()?;
    let max_tokens = asking::check_tokens("max_tokens", body.max_tokens)?;
    let targets = body.targets(&app)?;
    let turn = app.turn()?;
    let system = body.system.map(Message::system);
    let (mut asked, mut requests) = (Vec::new(), Vec::new());
    for prompt in body.prompts {
        for target in &targets {
            asked.push(Asked { target: target.to_string(), prompt: prompt.clone() });
            let messages = system.iter().cloned().chain([Message::user(prompt.clone())]).collect();
            let target = target.clone();
            requests.push(Request { target, messages, max_tokens, temperature: body.temperature, schema: None });
        }
    }
    let run = asking::begin(&app, RunKind::Batch, &request_id.0, &asked).await?;
    let work = {
        let (app, run) = (app.clone(), Arc::<str>::from(run.as_str()));
        async move {
            let _turn = turn;
            let question = |(position, request): (usize, Request)| {
                let (app, run) = (app.clone(), Arc::clone(&run));
                async move {
                    let outcome = asking::ask(&app, &request, &[]).await;
                    asking::end(&app, &run, position, &outcome).await;
                }
            };
            stream::iter(requests.into_iter().enumerate()).for_each_concurrent(PARALLEL, question).await;
        }
    };
    carried_out(&app, &run, work).await?;
    runs::find(&app, &run).await.map(Json)
}
