//! All providers but one, through `genai`: OpenAI's, Anthropic's and Google's wires and their relatives.
//!
//! Its traps, each with a test in `tests/it/model`: it logs payloads, so nothing it logs is kept; it takes words such as
//! `-high` off the ends of models' names; it ends some broken streams as if they were whole; its errors quote requests.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream;
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatResponse, ChatResponseFormat, ChatStreamEvent};
use genai::chat::{JsonSpec, StopReason};
use genai::resolver::{AuthData, Endpoint};
use genai::{Headers, ModelIden, ServiceTarget, webc};
use genai_reqwest as http;
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::{Call, Piece, Pieces, Reply, citations, lost};
use crate::model::error::{ModelError, ModelErrorKind};
use crate::model::exchange::{Role, Usage};
use crate::model::provider::Provider;
use crate::model::{prices, refusal, schema};

/// Words that `genai` takes off the end of a model's name and makes a setting of.
const EFFORTS: [&str; 8] = ["zero", "none", "minimal", "low", "medium", "high", "xhigh", "max"];

pub(super) async fn complete(client: &genai::Client, call: &Call<'_>) -> Result<Reply, ModelError> {
    let (target, chat) = (target(call, false), chat(call));
    let options = options(call).with_capture_raw_body(true);
    let asked = client.exec_chat(target, chat, Some(&options)).with_subscriber(NoSubscriber::default());
    asked.await.map(reply).map_err(|error| refused(call.provider, &error))
}

pub(super) async fn stream(client: &genai::Client, call: &Call<'_>) -> Result<Pieces, ModelError> {
    let provider = call.provider;
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let watching = Arc::clone(&seen);
    let options = options(call).with_raw_frame_fn(move |_, frame| {
        if let Some(frame) = frame.json() {
            watching.lock().unwrap_or_else(PoisonError::into_inner).look_at(&frame);
        }
    });
    let opened = client
        .exec_chat_stream(target(call, true), chat(call), Some(&options))
        .with_subscriber(NoSubscriber::default())
        .await
        .map_err(|error| refused(provider, &error))?;
    let needs_reason = matches!(kind(provider), AdapterKind::Gemini | AdapterKind::OpenAIResp);
    let pieces = stream::unfold((opened.stream, seen), move |(mut events, seen)| async move {
        loop {
            let piece = match events.next().with_subscriber(NoSubscriber::default()).await? {
                Ok(ChatStreamEvent::Chunk(chunk)) => Ok(Piece::Text(chunk.content)),
                // Two of its readers end a stream that broke off; then the reason is missing.
                Ok(ChatStreamEvent::End(end)) if needs_reason && end.captured_stop_reason.is_none() => {
                    Err(refusal::lost(provider, "the answer broke off"))
                }
                Ok(ChatStreamEvent::End(end)) => {
                    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
                    Ok(Piece::End(Reply {
                        finish: finish(end.captured_stop_reason.as_ref()),
                        usage: end.captured_usage.as_ref().and_then(usage).or(seen.usage),
                        model: seen.model,
                        citations: seen.citations,
                        cost_usd_micros: seen.cost_usd_micros,
                        ..Reply::default()
                    }))
                }
                Ok(_) => continue,
                Err(error) => Err(refused(provider, &error)),
            };
            return Some((piece, (events, seen)));
        }
    });
    Ok(Box::pin(pieces))
}

fn kind(provider: Provider) -> AdapterKind {
    match provider {
        // AI21 has no kind of its own and speaks OpenAI's dialect.
        Provider::OpenAi | Provider::Ai21 | Provider::Cohere => AdapterKind::OpenAI,
        Provider::Anthropic => AdapterKind::Anthropic,
        Provider::Together => AdapterKind::Together,
        Provider::DeepSeek => AdapterKind::DeepSeek,
        Provider::Mistral => AdapterKind::Mistral,
        Provider::Google => AdapterKind::Gemini,
        Provider::Groq => AdapterKind::Groq,
        // Its own chat completions ended on 2026-09-27; what follows has the shape of OpenAI's Responses.
        Provider::Perplexity => AdapterKind::OpenAIResp,
        Provider::Xai => AdapterKind::Xai,
    }
}

/// A name that `genai` leaves as it is, where it would not do so with `model`.
fn alias(model: &str) -> Option<String> {
    let is_cut = model.rsplit_once('-').is_some_and(|(_, last)| EFFORTS.contains(&last));
    (is_cut || model.contains("::")).then(|| format!("{}.", model.replace("::", "-")))
}

fn target(call: &Call<'_>, is_stream: bool) -> ServiceTarget {
    let (base, key) = (call.access.base_url.as_str(), call.key.0.as_str());
    let alias = alias(call.model);
    let auth = match (&alias, call.provider) {
        // Here the name is a part of the path: the path is given whole.
        (Some(_), Provider::Google) => {
            let verb = if is_stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let url = format!("{base}models/{}:{verb}", call.model);
            AuthData::RequestOverride { url, headers: Headers::from(("x-goog-api-key".to_owned(), key.to_owned())) }
        }
        _ => AuthData::from_single(key),
    };
    let model = alias.unwrap_or_else(|| call.model.to_owned());
    let model = ModelIden::new(kind(call.provider), model);
    ServiceTarget { endpoint: Endpoint::from_owned(base), auth, model }
}

fn chat(call: &Call<'_>) -> ChatRequest {
    let request = call.request;
    let mut systems: Vec<String> = request.schema.iter().map(schema::instruction).collect();
    let mut messages = Vec::new();
    for message in &request.messages {
        match message.role {
            Role::System => systems.push(message.text.clone()),
            Role::User => messages.push(ChatMessage::user(message.text.as_str())),
            Role::Assistant => messages.push(ChatMessage::assistant(message.text.as_str())),
        }
    }
    let chat = ChatRequest::new(messages);
    if systems.is_empty() { chat } else { chat.with_system(systems.join("\n\n")) }
}

fn options(call: &Call<'_>) -> ChatOptions {
    let request = call.request;
    // Left out, it would be 64,000 for Anthropic.
    let mut options = ChatOptions::default().with_max_tokens(request.max_tokens).with_capture_usage(true);
    if let Some(temperature) = request.temperature {
        options = options.with_temperature(temperature);
    }
    let mut extra = json!({});
    if alias(call.model).is_some() && call.provider != Provider::Google {
        extra["model"] = json!(call.model);
    }
    if call.provider == Provider::Perplexity {
        // The preset brings the search of the web; the model is pinned beside it, or the preset would choose one.
        extra["preset"] = json!("fast");
    }
    match (&request.schema, call.provider) {
        (None, _) => {}
        (Some(schema), Provider::Perplexity) => {
            let schema = json!({"name": "answer", "schema": schema});
            extra["response_format"] = json!({"type": "json_schema", "json_schema": schema});
        }
        // They know of JSON, but, all or some of their models, of no schema.
        (Some(_), Provider::DeepSeek | Provider::Ai21 | Provider::Groq) => {
            options = options.with_response_format(ChatResponseFormat::JsonMode);
        }
        (Some(schema), _) => options = options.with_response_format(JsonSpec::new("answer", schema.clone())),
    }
    if extra.as_object().is_some_and(|extra| !extra.is_empty()) {
        options = options.with_extra_body(extra);
    }
    options
}

fn reply(answer: ChatResponse) -> Reply {
    let body = answer.captured_raw_body;
    Reply {
        text: answer.content.texts().concat(),
        model: Some(answer.provider_model_iden.model_name.to_string()),
        finish: body.as_ref().and_then(incomplete).unwrap_or_else(|| finish(answer.stop_reason.as_ref())),
        usage: usage(&answer.usage),
        citations: body.as_ref().map(citations).unwrap_or_default(),
        cost_usd_micros: body.as_ref().and_then(prices::stated),
        raw: body,
    }
}

/// Responses that were cut say `incomplete`, and why in another place.
fn incomplete(body: &Value) -> Option<String> {
    let reason = body.pointer("/incomplete_details/reason")?.as_str()?;
    Some(if reason == "max_output_tokens" { "length".to_owned() } else { reason.to_owned() })
}

fn finish(reason: Option<&StopReason>) -> String {
    let word = match reason {
        None | Some(StopReason::Completed(_) | StopReason::StopSequence(_)) => "stop",
        Some(StopReason::MaxTokens(_)) => "length",
        Some(StopReason::ToolCall(_)) => "tool_calls",
        Some(StopReason::ContentFilter(_)) => "content_filter",
        Some(StopReason::Other(word)) => word,
    };
    word.to_owned()
}

fn usage(usage: &genai::chat::Usage) -> Option<Usage> {
    let thoughts = usage.completion_tokens_details.as_ref().and_then(|details| details.reasoning_tokens);
    let count = |count: Option<i32>| u64::try_from(count?).ok();
    let (input, output) = (count(usage.prompt_tokens), count(usage.completion_tokens.or(thoughts)));
    // Some of its readers make zeros of what was not said.
    if input.unwrap_or(0) == 0 && output.unwrap_or(0) == 0 {
        return None;
    }
    Some(Usage { input_tokens: input.unwrap_or(0), output_tokens: output.unwrap_or(0) })
}

/// What the frames of a stream say beside the text: `genai` passes on neither model nor sources.
#[derive(Default)]
struct Seen {
    model: Option<String>,
    usage: Option<Usage>,
    citations: Vec<String>,
    cost_usd_micros: Option<u64>,
}

impl Seen {
    fn look_at(&mut self, frame: &Value) {
        let whole = frame.get("response").or_else(|| frame.get("message")).unwrap_or(frame);
        let model = whole.get("model").or_else(|| whole.get("modelVersion")).and_then(Value::as_str);
        self.model = model.map(str::to_owned).or(self.model.take());
        let count = |unit: &str| whole.pointer(&format!("/usage/{unit}"))?.as_u64();
        if let (Some(input_tokens), Some(output_tokens)) = (count("prompt_tokens"), count("completion_tokens")) {
            // Groq's own place is read by `genai`; this one is where all others have it, and some gateways before Groq.
            self.usage = Some(Usage { input_tokens, output_tokens });
        }
        for url in citations(whole) {
            if !self.citations.contains(&url) {
                self.citations.push(url);
            }
        }
        self.cost_usd_micros = prices::stated(whole).or(self.cost_usd_micros);
    }
}

fn refused(provider: Provider, error: &genai::Error) -> ModelError {
    let bad = |why: &str| ModelError::new(ModelErrorKind::BadAnswer, provider, why);
    match error {
        genai::Error::WebModelCall { webc_error, .. } | genai::Error::WebAdapterCall { webc_error, .. } => {
            match webc_error {
                webc::Error::ResponseFailedStatus { status, body, headers } => {
                    refusal::of(provider, Some(status.as_u16()), body, Some(headers))
                }
                webc::Error::Reqwest(error) => lost(provider, error),
                _ => bad("the answer is not JSON"),
            }
        }
        genai::Error::HttpError { status, body, headers, .. } => {
            refusal::of(provider, Some(status.as_u16()), body, Some(headers))
        }
        genai::Error::WebStream { error, .. } => match error.downcast_ref::<genai::Error>() {
            Some(error) => refused(provider, error),
            None => match error.downcast_ref::<http::Error>() {
                Some(error) => lost(provider, error),
                None => refusal::lost(provider, "the answer broke off"),
            },
        },
        genai::Error::ChatResponse { body, .. } => refusal::of(provider, None, &body.to_string(), None),
        genai::Error::ChatResponseGeneration { response_body, .. } => {
            if response_body.pointer("/promptFeedback/blockReason").is_some() {
                return ModelError::new(ModelErrorKind::ContentPolicy, provider, "the prompt was blocked");
            }
            match response_body.get("error").filter(|error| !error.is_null()) {
                Some(_) => refusal::of(provider, None, &response_body.to_string(), None),
                None => bad("the answer has another shape than this provider's"),
            }
        }
        genai::Error::StreamParse { .. } => refusal::lost(provider, "the stream cannot be read"),
        genai::Error::RequiresApiKey { .. } | genai::Error::NoAuthData { .. } => {
            ModelError::new(ModelErrorKind::NotConfigured, provider, "no key")
        }
        _ => ModelError::new(ModelErrorKind::BadRequest, provider, "the request has no form this provider knows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_rewritten_get_an_alias_and_others_do_not() {
        assert_eq!(alias("my-model-high").as_deref(), Some("my-model-high."));
        assert_eq!(alias("a::b").as_deref(), Some("a-b."));
        for plain in ["gpt-5.4-mini", "high", "meta-llama/Llama-3.3-70B", "grok-4.3", "model-highest"] {
            assert_eq!(alias(plain), None, "{plain}");
        }
    }
}
