//! Providers on the loopback interface: real HTTP, scripted answers, and a record of what was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use domain_runner::model::{Models, Provider, Settings};
use serde_json::{Value, json};

/// One scripted answer.
#[derive(Clone)]
pub struct Scene {
    status: u16,
    headers: Vec<(&'static str, String)>,
    chunks: Vec<String>,
    /// The connection breaks after the last chunk.
    is_cut: bool,
    delay: Duration,
}

impl Scene {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, chunks: vec![body.to_string()], is_cut: false, delay: Duration::ZERO }
    }

    pub fn text(status: u16, body: &str) -> Self {
        let headers = vec![("content-type", "text/html".to_owned())];
        Self { headers, chunks: vec![body.to_owned()], ..Self::json(status, &Value::Null) }
    }

    /// Server-sent events; an event that is no string is sent as its JSON, named as its `type` says.
    pub fn events(events: &[Value]) -> Self {
        let event = |event: &Value| match event {
            Value::String(data) => format!("data: {data}\n\n"),
            other => match other["type"].as_str() {
                Some(name) => format!("event: {name}\ndata: {other}\n\n"),
                None => format!("data: {other}\n\n"),
            },
        };
        let headers = vec![("content-type", "text/event-stream".to_owned())];
        Self { headers, chunks: events.iter().map(event).collect(), ..Self::json(200, &Value::Null) }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Only the first `chunks` of it, then the connection breaks.
    pub fn cut_after(mut self, chunks: usize) -> Self {
        self.chunks.truncate(chunks);
        Self { is_cut: true, ..self }
    }

    /// Only the first `chunks` of it, and then an orderly end.
    pub fn ended_after(mut self, chunks: usize) -> Self {
        self.chunks.truncate(chunks);
        self
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Sent {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Sent {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[derive(Default)]
struct Script {
    scenes: VecDeque<Scene>,
    sent: Vec<Sent>,
}

/// A server that plays scenes in order; after the last it has nothing more to say and answers 500.
pub struct Upstream {
    address: String,
    script: Arc<Mutex<Script>>,
}

impl Upstream {
    pub async fn start(scenes: impl IntoIterator<Item = Scene>) -> Self {
        let script = Arc::new(Mutex::new(Script { scenes: scenes.into_iter().collect(), sent: Vec::new() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, script }
    }

    /// Without the slash at the end, as people write it.
    pub fn base_url(&self) -> String {
        format!("http://{}/some/v1", self.address)
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.script.lock().unwrap().sent.clone()
    }

    /// Models whose `providers` live here, with keys, and that wait for milliseconds where they else wait for seconds.
    pub fn models(&self, providers: &[Provider], more: &[(&str, &str)]) -> Models {
        Models::new(self.settings(providers, more)).unwrap()
    }

    pub fn settings(&self, providers: &[Provider], more: &[(&str, &str)]) -> Settings {
        let mut variables: Vec<(String, String)> = Vec::new();
        for provider in providers {
            variables.push((provider.key_variable(), KEY.to_owned()));
            variables.push((provider.variable("BASE_URL"), self.base_url()));
        }
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let find = |name: &str| variables.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let mut settings = Settings::from_env(find).unwrap();
        settings.backoff_base = Duration::from_millis(4);
        settings
    }
}

pub const KEY: &str = "sk-test-hunter2";

async fn answer(State(script): State<Arc<Mutex<Script>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let scene = {
        let mut script = script.lock().unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        script.sent.push(Sent { path: uri.to_string(), headers, body });
        script.scenes.pop_front()
    };
    let scene = scene.unwrap_or_else(|| Scene::json(500, &json!({"error": {"message": "no scene is left"}})));
    tokio::time::sleep(scene.delay).await;
    let mut response = Response::builder().status(StatusCode::from_u16(scene.status).unwrap());
    for (name, value) in scene.headers {
        response = response.header(name, value);
    }
    let mut chunks: Vec<Result<Bytes, std::io::Error>> =
        scene.chunks.into_iter().map(|chunk| Ok(Bytes::from(chunk))).collect();
    if scene.is_cut {
        chunks.push(Err(std::io::Error::other("cut")));
    }
    // One chunk at a time, or they would travel as one.
    let chunks = futures_util::StreamExt::then(futures_util::stream::iter(chunks), |chunk| async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        chunk
    });
    response.body(Body::from_stream(chunks)).unwrap()
}
