//! A model provider on loopback that speaks OpenAI's chat completions and says what the prompt tells it to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Longer than any question takes to get here, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key it wants to see.
pub(super) const KEY: &str = "sk-test-0123456789abcdef";

#[derive(Clone)]
pub(super) struct Upstream {
    pub address: String,
    inner: Arc<Inner>,
}

struct Inner {
    seen: Mutex<Vec<Value>>,
    /// Prompts with `wait` take one each.
    gate: Semaphore,
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let inner = Arc::new(Inner { seen: Mutex::default(), gate: Semaphore::new(0) });
        let routes = Router::new()
            .route("/v1/chat/completions", routing::post(complete))
            .fallback(|| async { (StatusCode::NOT_FOUND, "this upstream has no such route") })
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, inner }
    }

    /// What was asked so far, in order.
    pub(super) fn seen(&self) -> Vec<Value> {
        self.inner.seen.lock().unwrap().clone()
    }

    /// Lets `count` prompts with `wait` have their answer.
    pub(super) fn release(&self, count: usize) {
        self.inner.gate.add_permits(count);
    }

    /// Until `count` questions are there.
    pub(super) async fn has_seen(&self, count: usize) {
        for _ in 0..PATIENCE.as_millis() / 10 {
            if self.inner.seen.lock().unwrap().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} questions came, not {count}", self.seen().len());
    }
}

fn refused(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({"error": {"message": format!("scripted {code}"), "type": code, "code": code}})))
        .into_response()
}

async fn complete(State(inner): State<Arc<Inner>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    inner.seen.lock().unwrap().push(body.clone());
    if headers.get(header::AUTHORIZATION).is_none_or(|given| given != &format!("Bearer {KEY}")) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_api_key");
    }
    let last = body["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    let prompt = last.as_str().map_or_else(|| last[0]["text"].as_str().unwrap().to_owned(), str::to_owned);
    if prompt.contains("wait") {
        inner.gate.acquire().await.unwrap().forget();
    }
    match () {
        () if prompt.contains("quota") => return refused(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota"),
        () if prompt.contains("too long") => return refused(StatusCode::BAD_REQUEST, "context_length_exceeded"),
        () if prompt.contains("break") => return refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        () => {}
    }
    let text = if prompt.contains("json") { json!({"known": true}).to_string() } else { format!("echo: {prompt}") };
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
    if body["stream"] == true {
        return streamed(&text, &usage, prompt.contains("halfway"));
    }
    let message = json!({"role": "assistant", "content": text});
    Json(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"], "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }))
    .into_response()
}

/// Word by word; `halfway` the connection breaks.
fn streamed(text: &str, usage: &Value, halfway: bool) -> Response {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let mut events: Vec<Result<String, std::io::Error>> =
        text.split_inclusive(' ').map(|word| Ok(chunk(json!({"content": word}), Value::Null).to_string())).collect();
    if halfway {
        events.push(Err(std::io::Error::other("scripted")));
    } else {
        events.push(Ok(chunk(json!({}), json!("stop")).to_string()));
        events.push(Ok(
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
            "usage": usage})
            .to_string(),
        ));
        events.push(Ok("[DONE]".to_owned()));
    }
    let lines = events.into_iter().map(|event| event.map(|text| format!("data: {text}\n\n")));
    // What came before the break must be on its way by then.
    let paced = stream::iter(lines).then(async |line| {
        if line.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        line
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(paced)).into_response()
}
