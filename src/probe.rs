//! Probes: does the service answer over HTTP, how fast, and with what? (spec C5, B4)

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::observation::Health;
use crate::world;

/// A free service wakes up within about a minute (contract §8); its own health checks allow 5 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// Slower than this is told, not failed (spec C5: < 1 s).
pub const SLOW_MS: u64 = 1_000;
/// Only the beginning of a body is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Endpoints that are looked at where the service has them (spec B4).
pub const ENDPOINTS: &[&str] = &["/healthz", "/readyz", "/status", "/docs", "/redoc"];

/// One endpoint's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    pub path: String,
    /// `None` when there was no answer.
    pub status_code: Option<u16>,
    pub response_time_ms: u64,
    /// 404: the service does not have it, which is no fault.
    pub present: bool,
}

/// Asks a service how it is.
#[derive(Debug, Clone)]
pub struct Probe {
    client: reqwest::Client,
    base: String,
    health_path: String,
}

struct Answer {
    status: u16,
    json: Option<bool>,
    body: String,
}

impl Probe {
    /// A probe of the service at `url`. An empty `health_path` means `/`.
    ///
    /// # Errors
    /// When no HTTP client can be made (no TLS roots).
    pub fn new(url: &str, health_path: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("domain-runner/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let health_path = match health_path {
            "" => "/".to_owned(),
            path if path.starts_with('/') => path.to_owned(),
            path => format!("/{path}"),
        };
        Ok(Self { client, base: url.trim_end_matches('/').to_owned(), health_path })
    }

    /// Where the health check goes.
    pub fn url(&self) -> String {
        format!("{}{}", self.base, self.health_path)
    }

    /// One health check now. 2xx and 3xx pass, as on Render.
    pub async fn health(&self) -> Health {
        let started = Instant::now();
        let answer = self.get(&self.health_path).await;
        let response_time_ms = elapsed_ms(started);
        let database_connected = match &answer {
            Ok(_) if self.health_path != "/readyz" => self.database().await,
            _ => None,
        };
        let timestamp = world::now();
        match answer {
            Ok(answer) => {
                let passed = (200..400).contains(&answer.status);
                let broken_json = answer.json == Some(false);
                let detail = match (passed, broken_json) {
                    (false, _) => format!("{} answered {}", self.health_path, answer.status),
                    (true, true) => format!("{} claims to be JSON and is not", self.health_path),
                    (true, false) if response_time_ms >= SLOW_MS => format!("slow: {response_time_ms} ms"),
                    (true, false) => String::new(),
                };
                Health {
                    healthy: passed,
                    status_code: Some(answer.status),
                    response_time_ms,
                    database_connected,
                    json_valid: answer.json,
                    timestamp,
                    detail,
                }
            }
            Err(error) => Health {
                healthy: false,
                status_code: None,
                response_time_ms,
                database_connected: None,
                json_valid: None,
                timestamp,
                detail: format!("no answer from {}: {}", self.url(), innermost(&error)),
            },
        }
    }

    /// What each of the well-known endpoints answers.
    pub async fn endpoints(&self) -> Vec<Endpoint> {
        let mut out = Vec::new();
        for path in ENDPOINTS {
            let started = Instant::now();
            let answer = self.get(path).await.ok();
            let status_code = answer.map(|answer| answer.status);
            let present = status_code.is_some_and(|status| status != 404);
            out.push(Endpoint { path: (*path).into(), status_code, response_time_ms: elapsed_ms(started), present });
        }
        out
    }

    /// `/readyz`: 200 connected, 503 not; no such endpoint tells nothing.
    async fn database(&self) -> Option<bool> {
        match self.get("/readyz").await {
            Ok(answer) if answer.status == 200 => match serde_json::from_str::<serde_json::Value>(&answer.body) {
                Ok(body) => {
                    let said = body.get("database").or_else(|| body.get("database_connected"));
                    said.map_or(Some(true), |said| match said {
                        serde_json::Value::Bool(yes) => Some(*yes),
                        serde_json::Value::String(word) => {
                            Some(matches!(word.as_str(), "connected" | "ok" | "up" | "ready" | "healthy"))
                        }
                        _ => Some(true),
                    })
                }
                Err(_) => Some(true),
            },
            Ok(answer) if answer.status == 503 => Some(false),
            _ => None,
        }
    }

    async fn get(&self, path: &str) -> Result<Answer, reqwest::Error> {
        let mut response = self.client.get(format!("{}{path}", self.base)).send().await?;
        let status = response.status().as_u16();
        let claims_json = response
            .headers()
            .get(reqwest::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains("json"));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_BYTES_MAX {
                break;
            }
        }
        let json = claims_json.then(|| serde_json::from_slice::<serde_json::Value>(&body).is_ok());
        Ok(Answer { status, json, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
