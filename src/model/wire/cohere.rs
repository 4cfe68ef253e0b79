//! Cohere's own API, version 2: `genai` speaks the first one, which knows no schemas.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream;
use genai_reqwest as http;
use serde_json::{Value, json};

use super::{Call, Piece, Pieces, Reply, lost};
use crate::model::error::{ModelError, ModelErrorKind};
use crate::model::exchange::{Role, Usage};
use crate::model::provider::Provider;
use crate::model::{refusal, schema};

/// The largest answers of any model stay below this; more is none.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) async fn complete(client: &http::Client, call: &Call<'_>) -> Result<Reply, ModelError> {
    let body = text(send(client, call, false).await?).await?;
    let body: Value = serde_json::from_str(&body).map_err(|_| bad("the answer is not JSON"))?;
    let mut answer = ended(&body, &body["finish_reason"]);
    let parts =
        body.pointer("/message/content").and_then(Value::as_array).ok_or_else(|| bad("the answer has no text"))?;
    answer.text = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    answer.citations = body.pointer("/message/citations").map(sources).unwrap_or_default();
    answer.raw = Some(body);
    Ok(answer)
}

pub(super) async fn stream(client: &http::Client, call: &Call<'_>) -> Result<Pieces, ModelError> {
    let response = send(client, call, true).await?;
    let state = (Box::pin(response.bytes_stream()), Vec::new(), VecDeque::new(), false);
    let pieces = stream::unfold(state, |(mut bytes, mut buffer, mut ready, is_over)| async move {
        loop {
            if let Some(piece) = ready.pop_front() {
                let is_over = is_over || !matches!(piece, Ok(Piece::Text(_)));
                return Some((piece, (bytes, buffer, ready, is_over)));
            }
            if is_over {
                return None;
            }
            match bytes.next().await {
                Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
                Some(Err(error)) => ready.push_back(Err(lost(Provider::Cohere, &error))),
                // Without its end the answer is half an answer; the reader of the pieces says so.
                None => return None,
            }
            if buffer.len() > BODY_BYTES_MAX {
                ready.push_back(Err(bad("the answer does not end")));
            }
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                ready.extend(piece(&String::from_utf8_lossy(&line)));
            }
        }
    });
    Ok(Box::pin(pieces))
}

async fn send(client: &http::Client, call: &Call<'_>, is_stream: bool) -> Result<http::Response, ModelError> {
    let url = call.access.base_url.join("chat").map_err(|_| bad("the base URL cannot be extended"))?;
    let request = client.post(url).bearer_auth(&call.key.0).json(&body(call, is_stream));
    let response = request.send().await.map_err(|error| lost(Provider::Cohere, &error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let headers = response.headers().clone();
    let body = text(response).await.unwrap_or_default();
    Err(refusal::of(Provider::Cohere, Some(status.as_u16()), &body, Some(&headers)))
}

fn body(call: &Call<'_>, is_stream: bool) -> Value {
    let request = call.request;
    let role = |role| match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let mut messages: Vec<Value> =
        request.messages.iter().map(|message| json!({"role": role(message.role), "content": message.text})).collect();
    let mut body = json!({"model": call.model, "max_tokens": request.max_tokens, "stream": is_stream});
    if let Some(schema) = &request.schema {
        messages.insert(0, json!({"role": "system", "content": schema::instruction(schema)}));
        body["response_format"] = json!({"type": "json_object", "schema": schema});
    }
    if let Some(temperature) = request.temperature {
        body["temperature"] = json!(temperature);
    }
    body["messages"] = Value::Array(messages);
    body
}

async fn text(response: http::Response) -> Result<String, ModelError> {
    let mut stream = Box::pin(response.bytes_stream());
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| lost(Provider::Cohere, &error))?);
        if bytes.len() > BODY_BYTES_MAX {
            return Err(bad("the answer is too large"));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What one line of the event stream brings.
fn piece(line: &str) -> Option<Result<Piece, ModelError>> {
    let event: Value = serde_json::from_str(line.trim_end().strip_prefix("data:")?.trim_start()).ok()?;
    match event["type"].as_str()? {
        "content-delta" => {
            let text = event.pointer("/delta/message/content/text")?.as_str()?;
            Some(Ok(Piece::Text(text.to_owned())))
        }
        "message-end" => {
            let delta = &event["delta"];
            // A stream that failed half-way ends like any other, with this reason.
            if delta["finish_reason"] == "ERROR" {
                return Some(Err(refusal::lost(Provider::Cohere, "the answer broke off")));
            }
            Some(Ok(Piece::End(ended(delta, &delta["finish_reason"]))))
        }
        _ => None,
    }
}

/// What stands at the end of an answer: why it stopped, and what it took.
fn ended(end: &Value, finish: &Value) -> Reply {
    let finish = match finish.as_str().unwrap_or_default() {
        "COMPLETE" | "STOP_SEQUENCE" => "stop".to_owned(),
        "MAX_TOKENS" => "length".to_owned(),
        "TOOL_CALL" => "tool_calls".to_owned(),
        "ERROR_TOXIC" => "content_filter".to_owned(),
        other => other.to_lowercase(),
    };
    // `billed_units` is what is paid for, `tokens` counts the template's own, too.
    let count = |unit: &str| {
        let count = |kind: &str| end.pointer(&format!("/usage/{kind}/{unit}"))?.as_f64();
        count("billed_units").or_else(|| count("tokens")).map(|count| count as u64)
    };
    let usage = match (count("input_tokens"), count("output_tokens")) {
        (Some(input_tokens), Some(output_tokens)) => Some(Usage { input_tokens, output_tokens }),
        _ => None,
    };
    Reply { finish, usage, ..Reply::default() }
}

fn sources(citations: &Value) -> Vec<String> {
    let all = citations.as_array().into_iter().flatten();
    let sources = all.filter_map(|citation| citation["sources"].as_array()).flatten();
    let mut urls: Vec<String> =
        sources.filter_map(|source| source.pointer("/document/url")?.as_str()).map(str::to_owned).collect();
    urls.dedup();
    urls
}

fn bad(why: &str) -> ModelError {
    ModelError::new(ModelErrorKind::BadAnswer, Provider::Cohere, why)
}
