//! What a provider's refusal means: the class of a failure, by its body first and its status second.
//!
//! Statuses mislead: an exhausted quota comes as 400, 401, 402, 403 or 429, a prompt that is too long as 400, 413 or 429.
//! Of the body only its codes are kept, never its prose: providers quote prompts and pieces of keys.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::error::{ModelError, ModelErrorKind};
use super::provider::Provider;

/// Prose is looked at this far: the class stands at its beginning.
const PROSE_CHARS_MAX: usize = 1_000;

/// The longest wait that is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// Words of codes and prose, in lower case, and what they mean; the first that fits decides.
const MEANINGS: &[(ModelErrorKind, &[&str])] = &[
    (
        ModelErrorKind::ContextLength,
        &[
            "context_length",
            "context length",
            "context window",
            "maximum context",
            "prompt is too long",
            "exceeds the maximum number of tokens",
            "too many tokens",
            "reduce the length",
            "request too large",
            "request_too_large",
            "reduce your message size",
            "input is too long",
        ],
    ),
    (
        ModelErrorKind::QuotaExhausted,
        &[
            "insufficient_quota",
            "billing_hard_limit",
            "billing_not_active",
            "credit balance is too low",
            "insufficient balance",
            "insufficient_balance",
            "insufficient credit",
            "insufficient_credit",
            "insufficient funds",
            "credit limit",
            "credit_limit",
            "out of credits",
            "used all available credits",
            "spending limit",
            "exceeded your current quota",
            "calls / month",
            "payment required",
        ],
    ),
    (
        ModelErrorKind::ContentPolicy,
        &[
            "content_policy",
            "content_filter",
            "content filter",
            "content management policy",
            "usage guidelines",
            "blockreason",
            "prohibited_content",
            "moderation",
        ],
    ),
    (
        ModelErrorKind::Auth,
        &[
            "invalid_api_key",
            "incorrect api key",
            "api key not valid",
            "api_key_invalid",
            "authentication_error",
            "permission_error",
            "invalid api token",
            "unauthorized",
        ],
    ),
    (ModelErrorKind::Transient, &["overloaded", "server_error", "engine_overloaded", "capacity"]),
    (ModelErrorKind::RateLimit, &["rate_limit", "rate limit", "too many requests", "resource_exhausted"]),
];

/// The failure that an answer with a bad status, or an error within a good one, stands for.
pub(super) fn of(provider: Provider, status: Option<u16>, body: &str, headers: Option<&HeaderMap>) -> ModelError {
    let body_json: Option<Value> = serde_json::from_str(body).ok();
    let words = body_json.as_ref().map_or_else(|| Words::bare(body), Words::read);
    let kind =
        google_quota(&words, body_json.as_ref()).or_else(|| words.meaning()).unwrap_or_else(|| by_status(status));
    let seen = match status {
        Some(status) => format!("HTTP {status}"),
        None => "an error within the answer".to_owned(),
    };
    let message = words.codes.iter().fold(seen, |seen, code| format!("{seen}, {code}"));
    let mut error = ModelError::new(kind, provider, message);
    error.status = status;
    error.retry_after = headers
        .and_then(|headers| waits(headers, crate::world::now()))
        .or_else(|| body_json.as_ref().and_then(google_delay))
        .map(|wait| wait.min(RETRY_AFTER_MAX));
    error
}

/// A request that got no answer at all.
pub(super) fn lost(provider: Provider, why: &'static str) -> ModelError {
    ModelError::new(ModelErrorKind::Transient, provider, why)
}

fn by_status(status: Option<u16>) -> ModelErrorKind {
    match status {
        Some(401 | 403) => ModelErrorKind::Auth,
        Some(402) => ModelErrorKind::QuotaExhausted,
        Some(413) => ModelErrorKind::ContextLength,
        Some(429) => ModelErrorKind::RateLimit,
        Some(408 | 409 | 425 | 500..) | None => ModelErrorKind::Transient,
        Some(_) => ModelErrorKind::BadRequest,
    }
}

/// What a body says, taken apart.
struct Words {
    /// Identifiers only.
    codes: Vec<String>,
    /// Codes and prose, in lower case.
    all: String,
}

impl Words {
    fn bare(text: &str) -> Self {
        Self { codes: Vec::new(), all: text.chars().take(PROSE_CHARS_MAX).collect::<String>().to_lowercase() }
    }

    fn read(body: &Value) -> Self {
        // Google sends an array where a stream was asked for.
        let root = body.get(0).unwrap_or(body);
        let inner = root.get("error").filter(|error| error.is_object()).unwrap_or(root);
        let mut codes: Vec<String> = Vec::new();
        for field in ["code", "type", "status"] {
            let word = inner.get(field).and_then(Value::as_str).filter(|word| is_identifier(word));
            codes.extend(word.map(str::to_owned));
        }
        codes.retain(|code| !matches!(code.as_str(), "error" | "invalid_request_error"));
        codes.dedup();
        let prose = [inner.get("message"), root.get("error"), root.get("message"), root.get("detail")];
        let prose = prose.into_iter().flatten().map(|words| match words {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let all = codes.iter().cloned().chain(prose).collect::<Vec<_>>().join("\n");
        Self { codes, ..Self::bare(&all) }
    }

    fn meaning(&self) -> Option<ModelErrorKind> {
        let fits = |words: &[&str]| words.iter().any(|word| self.all.contains(word));
        MEANINGS.iter().find(|(_, words)| fits(words)).map(|(kind, _)| *kind)
    }
}

fn is_identifier(word: &str) -> bool {
    (1..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// Google says "exceeded your current quota" of a minute as of a day; the quota's name tells them apart.
fn google_quota(words: &Words, body: Option<&Value>) -> Option<ModelErrorKind> {
    if !words.codes.iter().any(|code| code == "RESOURCE_EXHAUSTED") {
        return None;
    }
    let details = body.map(|body| body.get(0).unwrap_or(body).to_string()).unwrap_or_default();
    Some(if details.contains("PerDay") { ModelErrorKind::QuotaExhausted } else { ModelErrorKind::RateLimit })
}

/// `retryDelay` of Google's `RetryInfo`: `"37s"`, `"1.5s"`.
fn google_delay(body: &Value) -> Option<Duration> {
    let details = body.get(0).unwrap_or(body).pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    seconds(delay.strip_suffix('s')?)
}

/// How long `Retry-After` and its cousin in milliseconds ask to wait.
fn waits(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1_000.0).ok();
    }
    let text = text(RETRY_AFTER.as_str())?;
    seconds(text).or_else(|| {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
    })
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse::<f64>().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(provider: Provider, status: u16, body: &str) -> ModelErrorKind {
        of(provider, Some(status), body, None).kind
    }

    #[test]
    fn an_exhausted_quota_is_told_by_the_body_whatever_the_status() {
        for (provider, status, body) in [
            (
                Provider::OpenAi,
                429,
                r#"{"error":{"message":"You exceeded your current quota, please check your plan","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            ),
            (
                Provider::Anthropic,
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            ),
            (
                Provider::DeepSeek,
                402,
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
            ),
            (
                Provider::Xai,
                403,
                r#"{"code":"Some resource has been exhausted","error":"Your team has either used all available credits or reached its monthly spending limit."}"#,
            ),
            (
                Provider::Cohere,
                429,
                r#"{"message":"You are using a Trial key, which is limited to 1000 API calls / month."}"#,
            ),
            (
                Provider::Perplexity,
                401,
                r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":401}}"#,
            ),
            (
                Provider::Google,
                429,
                r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}"#,
            ),
        ] {
            assert_eq!(kind(provider, status, body), ModelErrorKind::QuotaExhausted, "{body}");
        }
    }

    #[test]
    fn a_limit_per_minute_is_no_exhausted_quota_even_in_googles_words() {
        let google = r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota, please check your plan and billing details","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37s"}]}}]"#;
        let error = of(Provider::Google, Some(429), google, None);
        assert_eq!((error.kind, error.retry_after), (ModelErrorKind::RateLimit, Some(Duration::from_secs(37))));
        let openai = r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 3","type":"requests","code":"rate_limit_exceeded"}}"#;
        assert_eq!(kind(Provider::OpenAi, 429, openai), ModelErrorKind::RateLimit);
        assert_eq!(kind(Provider::Mistral, 429, ""), ModelErrorKind::RateLimit);
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_in_every_dialect() {
        for (provider, status, body) in [
            (
                Provider::OpenAi,
                400,
                r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            ),
            (
                Provider::Anthropic,
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            ),
            (
                Provider::Anthropic,
                413,
                r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            ),
            (
                Provider::Google,
                400,
                r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048575)."}}"#,
            ),
            (
                Provider::Cohere,
                400,
                r#"{"message":"too many tokens: total number of tokens in the prompt cannot exceed 128000"}"#,
            ),
            (
                Provider::Groq,
                429,
                r#"{"error":{"message":"Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000","type":"tokens","code":"rate_limit_exceeded"}}"#,
            ),
        ] {
            assert_eq!(kind(provider, status, body), ModelErrorKind::ContextLength, "{body}");
        }
    }

    #[test]
    fn other_refusals_are_told_apart() {
        for (status, body, expected) in [
            (
                401,
                r#"{"error":{"message":"Incorrect API key provided: sk-abc","code":"invalid_api_key"}}"#,
                ModelErrorKind::Auth,
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#,
                ModelErrorKind::Auth,
            ),
            (
                400,
                r#"{"error":{"message":"rejected","code":"content_policy_violation"}}"#,
                ModelErrorKind::ContentPolicy,
            ),
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                ModelErrorKind::Transient,
            ),
            (
                404,
                r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
                ModelErrorKind::BadRequest,
            ),
            (422, r#"{"detail":[{"loc":["body","messages"],"msg":"field required"}]}"#, ModelErrorKind::BadRequest),
            (502, "<html>bad gateway</html>", ModelErrorKind::Transient),
        ] {
            assert_eq!(kind(Provider::OpenAi, status, body), expected, "{body}");
        }
    }

    #[test]
    fn codes_are_repeated_and_prose_is_not() {
        let body = r#"{"error":{"message":"Incorrect API key provided: sk-hunter2","type":"invalid_request_error","code":"invalid_api_key"}}"#;
        let shown = of(Provider::OpenAi, Some(401), body, None).to_string();
        assert_eq!(shown, "OpenAI gave no answer (auth): HTTP 401, invalid_api_key");
        let odd = r#"{"error":{"code":"sk hunter2 in a sentence","message":"x"}}"#;
        assert!(!of(Provider::OpenAi, Some(400), odd, None).to_string().contains("hunter2"));
    }

    #[test]
    fn waits_are_read_in_every_spelling() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("a time");
        let read = |name: &'static str, value: &str| {
            waits(&HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("a value"))]), now)
        };
        assert_eq!(read("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(read("retry-after-ms", "1500"), Some(Duration::from_millis(1_500)));
        assert_eq!(read("retry-after", "Tue, 24 Nov 2026 10:00:09 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(read("retry-after", "Tue, 24 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("retry-after", "-3"), None);
        assert_eq!(read("retry-after", "soon"), None);
    }
}
