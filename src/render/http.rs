//! One request and its retries: key, time-outs, size caps, rate limits. Knows nothing of services.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::clock::Clock;
use super::error::{RenderError, Result};
use super::settings::{self, RetryPolicy, Settings};
use super::wire;
use crate::observation::redaction::Redactor;

/// The largest real answers, 100 long log lines or 100 services, stay below 1 MiB; more is not Render.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Rate windows last a minute (contract §2); who must wait longer is told so instead.
const SERVER_WAIT_MAX: Duration = Duration::from_secs(65);

/// A rate limit that does not say when it ends is waited for eight times as long as other trouble.
const LIMIT_STEPS: u32 = 3;

/// Render numbers resets in seconds left, its documents say epoch seconds: this tells them apart (contract §2).
const EPOCH_SECONDS_MIN: i64 = 1_000_000_000;

/// One request as data.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// What is asked for, as a noun: for errors and logs.
    pub what: String,
    /// The answer holds secrets: it must not be quoted.
    secret: bool,
}

impl Call {
    pub fn get(what: impl Into<String>, path: &[&str]) -> Self {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Self { method: Method::GET, path, query: Vec::new(), body: None, what: what.into(), secret: false }
    }

    pub fn post(what: impl Into<String>, path: &[&str], body: Option<Value>) -> Self {
        Self { method: Method::POST, body, ..Self::get(what, path) }
    }

    /// Adds a query parameter; the same name again repeats the key.
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Calls that share a rate limit (contract §2).
    fn bucket(&self) -> String {
        match (self.path.first().map(String::as_str), &self.method) {
            (Some("logs"), _) => "logs".to_owned(),
            (_, &Method::GET) => "read".to_owned(),
            _ => format!("{} {}", self.method, self.path.join("/")),
        }
    }
}

/// An answer with a good status. An empty body is `Null`.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

/// Which failures `Http::call` repeats by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// All transient ones: the call changes nothing, or nothing more when repeated.
    Freely,
    /// Only those after which the server certainly did nothing.
    IfUndone,
}

/// A failed try, and how long the server asked to wait.
struct Failed {
    error: RenderError,
    wait: Option<Duration>,
}

impl From<RenderError> for Failed {
    fn from(error: RenderError) -> Self {
        Self { error, wait: None }
    }
}

/// Sends calls. Cheap to clone; clones share connections and rate limits.
#[derive(Clone)]
pub(super) struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    base: Url,
    authorization: HeaderValue,
    /// Knows the key: a server may quote it back.
    redactor: Redactor,
    retry: RetryPolicy,
    request_timeout_ms: u64,
    clock: Clock,
    /// Used-up rate limits, and when they are renewed.
    used_up: Mutex<HashMap<String, Instant>>,
}

impl Http {
    pub fn new(settings: Settings) -> Result<Self> {
        let base = settings::check_url(&settings.base_url)?;
        let key = settings.key.trim();
        if key.is_empty() {
            return Err(RenderError::BadKey { why: "it is empty" });
        }
        if key.chars().any(|c| c.is_control() || !c.is_ascii()) {
            return Err(RenderError::BadKey { why: "it holds characters no API key has" });
        }
        let authorization = HeaderValue::from_str(&format!("Bearer {key}"));
        let mut authorization =
            authorization.map_err(|_| RenderError::BadKey { why: "it does not fit into a header" })?;
        authorization.set_sensitive(true);
        let mut builder = Client::builder()
            .user_agent(concat!("domain-runner/", env!("CARGO_PKG_VERSION")))
            .https_only(base.scheme() == "https")
            // The API never redirects; whoever does must not get the key.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .timeout(Duration::from_millis(settings.request_timeout_ms));
        if base.host_str().is_some_and(settings::is_loopback) {
            // A proxy would get the key in the clear, and could not reach this machine anyway.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|source| RenderError::Setup { source })?;
        let shared = Shared {
            client,
            base,
            authorization,
            redactor: Redactor::new([key.to_owned()]),
            retry: settings.retry,
            request_timeout_ms: settings.request_timeout_ms,
            clock: Clock::default(),
            used_up: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What time it is on Render.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub fn retry(&self) -> RetryPolicy {
        self.shared.retry
    }

    /// The JSON that answers a question.
    pub async fn get(&self, call: &Call) -> Result<Value> {
        Ok(self.call(call, Repeat::Freely).await?.body)
    }

    /// Sends a call, again where that is allowed and may help.
    pub async fn call(&self, call: &Call, repeat: Repeat) -> Result<Answer> {
        let mut attempt = 1;
        loop {
            let Failed { error, wait } = match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let may_repeat = repeat == Repeat::Freely || !error.may_have_acted();
            let too_long = wait.is_some_and(|wait| wait > SERVER_WAIT_MAX);
            if !error.is_transient() || !may_repeat || too_long || attempt >= self.shared.retry.attempts_max {
                return Err(error);
            }
            let unnamed_limit = wait.is_none() && matches!(error, RenderError::RateLimited { .. });
            let back_off = self.back_off(if unnamed_limit { attempt + LIMIT_STEPS } else { attempt });
            let wait = wait.unwrap_or_default() + back_off;
            debug!(attempt, wait_ms = wait.as_millis() as u64, "asking Render again for {}: {error}", call.what);
            sleep(wait).await;
            attempt += 1;
        }
    }

    /// How long to wait after the `attempt`th failure: doubling, capped, and half of it random.
    pub fn back_off(&self, attempt: u32) -> Duration {
        let RetryPolicy { base_ms, cap_ms, .. } = self.shared.retry;
        let doubled = base_ms.saturating_mul(1 << attempt.saturating_sub(1).min(20));
        let whole_ms = doubled.min(cap_ms);
        Duration::from_millis(fastrand::u64(whole_ms / 2..=whole_ms))
    }

    /// One request, one answer.
    async fn attempt(&self, call: &Call) -> std::result::Result<Answer, Failed> {
        let url = self.url(call)?;
        self.await_renewal(call).await?;
        let shared = &self.shared;
        let mut request = shared.client.request(call.method.clone(), url);
        request = request.header(AUTHORIZATION, shared.authorization.clone()).header(ACCEPT, "application/json");
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.lost(call, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        shared.clock.set_by(&headers);
        self.note_rate(call, &headers);
        if status.is_redirection() {
            let location = headers.get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or("nowhere");
            return Err(RenderError::Redirected { url: self.address(), location: self.quote(location) }.into());
        }
        let body = self.body(call, response).await;
        if status.is_success() {
            return Ok(Answer { status, body: self.decode(call, &body?)? });
        }
        // The status says enough where the body of a refusal is lost.
        let message = self.quote(&wire::error_message(&body.unwrap_or_default()));
        let wait = wait_named(&headers, status, self.now());
        Err(Failed { error: refusal(call, status, message, wait), wait })
    }

    fn decode(&self, call: &Call, body: &[u8]) -> Result<Value> {
        if body.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(body).map_err(|error| {
            let what = call.what.clone();
            let excerpt = if call.secret {
                "it is not JSON, and may hold secrets".to_owned()
            } else {
                self.quote(&String::from_utf8_lossy(body))
            };
            RenderError::Undecodable { what, excerpt, truncated: error.is_eof() }
        })
    }

    /// Reads a body, as long as it is no larger than it may be; counted after decompression.
    async fn body(&self, call: &Call, mut response: Response) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.lost(call, error))? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(RenderError::TooLarge { what: call.what.clone(), limit_bytes: BODY_BYTES_MAX });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn lost(&self, call: &Call, error: reqwest::Error) -> RenderError {
        if error.is_timeout() && !error.is_connect() {
            return RenderError::TimedOut { what: call.what.clone(), after_ms: self.shared.request_timeout_ms };
        }
        RenderError::Unreachable { url: self.address(), source: error.without_url() }
    }

    /// A piece of foreign text, fit for an error: short, printable, without secrets.
    fn quote(&self, text: &str) -> String {
        wire::excerpt(&self.shared.redactor.redact(text))
    }

    fn address(&self) -> String {
        self.shared.base.to_string()
    }

    fn url(&self, call: &Call) -> Result<Url> {
        let plain = |part: &str| {
            part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                && !part.trim_matches('.').is_empty()
        };
        if !call.path.iter().all(|part| plain(part)) {
            // An id from outside must not walk to another endpoint.
            return Err(RenderError::NotFound { what: wire::excerpt(&call.what), similar: Vec::new() });
        }
        let mut url = self.shared.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }

    /// Waits until the rate limit of `call` is renewed, where it is known to be used up.
    async fn await_renewal(&self, call: &Call) -> std::result::Result<(), Failed> {
        let renewal = {
            let mut used_up = self.shared.used_up.lock().unwrap_or_else(PoisonError::into_inner);
            used_up.retain(|_, renewal| *renewal > Instant::now());
            used_up.get(&call.bucket()).copied()
        };
        let Some(wait) = renewal.map(|renewal| renewal - Instant::now()) else { return Ok(()) };
        if wait > SERVER_WAIT_MAX {
            let error = RenderError::RateLimited { what: call.what.clone(), wait_s: Some(wait.as_secs()) };
            return Err(Failed { error, wait: Some(wait) });
        }
        debug!(wait_ms = wait.as_millis() as u64, "waiting for Render's rate limit before asking for {}", call.what);
        sleep(wait).await;
        Ok(())
    }

    fn note_rate(&self, call: &Call, headers: &HeaderMap) {
        let remaining = number(headers, "ratelimit-remaining");
        if let (Some(..=0), Some(wait)) = (remaining, reset_named(headers, self.now())) {
            let mut used_up = self.shared.used_up.lock().unwrap_or_else(PoisonError::into_inner);
            used_up.insert(call.bucket(), Instant::now() + wait);
        }
    }
}

/// The error for a status that is none of success and redirection.
fn refusal(call: &Call, status: StatusCode, message: String, wait: Option<Duration>) -> RenderError {
    let what = call.what.clone();
    match status.as_u16() {
        401 => RenderError::Unauthorized { message },
        403 => RenderError::Forbidden { what, message },
        404 | 410 => RenderError::NotFound { what, similar: Vec::new() },
        409 => RenderError::Conflict { what, message },
        429 => RenderError::RateLimited { what, wait_s: wait.map(|wait| wait.as_secs()) },
        status @ 500.. => RenderError::Server { what, status, message },
        status => RenderError::Rejected { what, status, message },
    }
}

/// How long a refusing server asks to wait: `Retry-After` in either form, else when a used-up limit is renewed.
fn wait_named(headers: &HeaderMap, status: StatusCode, now: Timestamp) -> Option<Duration> {
    let after = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok());
    let after = after.and_then(|after| match after.trim().parse::<u32>() {
        Ok(seconds) => Some(Duration::from_secs(seconds.into())),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(after.trim()).ok()?.timestamp();
            Some(Duration::from_secs(u64::try_from(at.as_second() - now.as_second()).unwrap_or(0)))
        }
    });
    after.or_else(|| reset_named(headers, now).filter(|_| status == StatusCode::TOO_MANY_REQUESTS))
}

/// When the rate limit is renewed, from now on.
fn reset_named(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let reset = number(headers, "ratelimit-reset")?;
    let seconds = if reset > EPOCH_SECONDS_MIN { reset - now.as_second() } else { reset };
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(u32::MAX.into())))
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_in_every_form_render_may_use() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let epoch = (now.as_second() + 40).to_string();
        for (name, value, expected_s) in [
            ("retry-after", "7", Some(7)),
            ("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT", Some(30)),
            ("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT", Some(0)),
            ("ratelimit-reset", "51", Some(51)),
            ("ratelimit-reset", epoch.as_str(), Some(40)),
            ("ratelimit-reset", "soon", None),
            ("x-other", "3", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
            let wait = wait_named(&headers, StatusCode::TOO_MANY_REQUESTS, now);
            assert_eq!(wait.map(|wait| wait.as_secs()), expected_s, "{name}: {value}");
        }
    }

    #[test]
    fn an_id_never_walks_to_another_endpoint() {
        let http = Http::new(Settings::new("https://api.render.com/v1", "rnd_test")).unwrap();
        for id in ["..", "a/b", "", "a?b", "a%2fb"] {
            assert!(http.url(&Call::get("service", &["services", id])).is_err(), "{id}");
        }
        let call = Call::get("logs", &["logs"]).with("type", "app").with("type", "build").with("startTime", "1+1");
        let url = http.url(&call).unwrap();
        assert_eq!(url.as_str(), "https://api.render.com/v1/logs?type=app&type=build&startTime=1%2B1");
    }

    #[test]
    fn keys_that_no_header_may_hold_are_refused() {
        for key in ["", "rnd_a\nX: y", "rnd_\u{1b}[0m", "rnd_ä"] {
            let result = Http::new(Settings::new("https://api.render.com/v1", key));
            assert!(matches!(result, Err(RenderError::BadKey { .. })), "{key:?}");
        }
    }
}
