//! The dialects as their providers document them: a whole answer and a stream of each.

use domain_runner::model::Provider;
use serde_json::{Value, json};

use super::upstream::Scene;

/// What is expected of one provider on the wire.
pub struct Dialect {
    pub provider: Provider,
    /// Below the base URL, for the model `m-1`.
    pub path: &'static str,
    pub stream_path: &'static str,
    /// The header of the key, and what stands before the key there.
    pub key: (&'static str, &'static str),
    /// Where the limit of the answer stands in the request.
    pub max_tokens: &'static str,
    /// Where the prompt stands.
    pub prompt: &'static str,
    /// Where it says that JSON is wanted; with this value.
    pub json: (&'static str, &'static str),
    /// The answer `text` by `m-1-served`, for 11 and 7 tokens.
    pub whole: fn(text: &str) -> Value,
    pub pieces: fn(first: &str, second: &str) -> Scene,
    /// What the provider names; Cohere names nothing.
    pub served: &'static str,
}

pub fn all() -> Vec<Dialect> {
    let openai = |provider, json| Dialect {
        provider,
        path: "chat/completions",
        stream_path: "chat/completions",
        key: ("authorization", "Bearer "),
        max_tokens: "/max_tokens",
        prompt: "/messages/1/content",
        json: ("/response_format/type", json),
        whole: openai,
        pieces: openai_pieces,
        served: "m-1-served",
    };
    vec![
        openai(Provider::OpenAi, "json_schema"),
        openai(Provider::Together, "json_schema"),
        openai(Provider::DeepSeek, "json_object"),
        openai(Provider::Mistral, "json_schema"),
        openai(Provider::Ai21, "json_object"),
        Dialect { pieces: groq_pieces, ..openai(Provider::Groq, "json_object") },
        openai(Provider::Xai, "json_schema"),
        Dialect {
            path: "messages",
            stream_path: "messages",
            key: ("x-api-key", ""),
            prompt: "/messages/0/content",
            json: ("/output_config/format/type", "json_schema"),
            whole: anthropic,
            pieces: anthropic_pieces,
            ..openai(Provider::Anthropic, "")
        },
        Dialect {
            path: "models/m-1:generateContent",
            stream_path: "models/m-1:streamGenerateContent?alt=sse",
            key: ("x-goog-api-key", ""),
            max_tokens: "/generationConfig/maxOutputTokens",
            prompt: "/contents/0/parts/0/text",
            json: ("/generationConfig/responseMimeType", "application/json"),
            whole: google,
            pieces: google_pieces,
            ..openai(Provider::Google, "")
        },
        Dialect {
            path: "chat",
            stream_path: "chat",
            json: ("/response_format/type", "json_object"),
            whole: cohere,
            pieces: cohere_pieces,
            served: "m-1",
            ..openai(Provider::Cohere, "")
        },
        Dialect {
            path: "responses",
            stream_path: "responses",
            max_tokens: "/max_output_tokens",
            prompt: "/input/0/content",
            json: ("/response_format/type", "json_schema"),
            whole: responses,
            pieces: responses_pieces,
            ..openai(Provider::Perplexity, "")
        },
    ]
}

pub fn openai(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-1-served",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    })
}

fn openai_chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "model": "m-1-served", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

pub fn openai_pieces(first: &str, second: &str) -> Scene {
    Scene::events(&[
        openai_chunk(&json!({"role": "assistant", "content": first}), None),
        openai_chunk(&json!({"content": second}), None),
        openai_chunk(&json!({}), Some("stop")),
        json!({"id": "chatcmpl-1", "model": "m-1-served", "choices": [],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}),
        json!("[DONE]"),
    ])
}

fn groq_pieces(first: &str, second: &str) -> Scene {
    let mut end = openai_chunk(&json!({}), Some("stop"));
    end["x_groq"] = json!({"id": "req_1", "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}});
    let chunks = [openai_chunk(&json!({"content": first}), None), openai_chunk(&json!({"content": second}), None)];
    Scene::events(&[chunks[0].clone(), chunks[1].clone(), end, json!("[DONE]")])
}

pub fn anthropic(text: &str) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m-1-served",
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 11, "output_tokens": 7}
    })
}

pub fn anthropic_pieces(first: &str, second: &str) -> Scene {
    let delta =
        |text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    Scene::events(&[
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "m-1-served", "content": [],
            "usage": {"input_tokens": 11, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
        delta(first),
        delta(second),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ])
}

pub fn google(text: &str) -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "totalTokenCount": 18},
        "modelVersion": "m-1-served"
    })
}

pub fn google_pieces(first: &str, second: &str) -> Scene {
    let mut begin = google(first);
    begin["candidates"][0].as_object_mut().unwrap().remove("finishReason");
    Scene::events(&[begin, google(second)])
}

pub fn cohere(text: &str) -> Value {
    json!({
        "id": "1", "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": text}]},
        "usage": {"billed_units": {"input_tokens": 11, "output_tokens": 7}, "tokens": {"input_tokens": 60, "output_tokens": 9}}
    })
}

pub fn cohere_pieces(first: &str, second: &str) -> Scene {
    let delta = |text| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}});
    Scene::events(&[
        json!({"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        delta(first),
        delta(second),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE",
            "usage": {"billed_units": {"input_tokens": 11, "output_tokens": 7}}}}),
    ])
}

pub fn responses(text: &str) -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "m-1-served", "error": null,
        "output": [
            {"type": "search_results", "results": [{"url": "https://example.com/a", "title": "A"}]},
            {"type": "message", "role": "assistant", "status": "completed", "content": [
                {"type": "output_text", "text": text, "annotations": [
                    {"type": "url_citation", "url": "https://example.com/b"},
                    {"type": "url_citation", "url": "https://example.com/a"}]}]}
        ],
        "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18,
            "cost": {"currency": "USD", "total_cost": 0.0052}}
    })
}

pub fn responses_pieces(first: &str, second: &str) -> Scene {
    let delta =
        |text| json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": text});
    let whole = responses(&format!("{first}{second}"));
    Scene::events(&[
        json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "model": "m-1-served"}}),
        delta(first),
        delta(second),
        json!({"type": "response.completed", "response": whole}),
    ])
}
