//! Keys, addresses and limits: read from the environment once, and never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::Url;
use thiserror::Error;

use super::prices::Prices;
use super::provider::Provider;

/// Requests for one question, over retries and fall-backs together: enough for two hiccups at one provider and one move.
const ATTEMPTS_MAX: u32 = 4;

/// For one request: long reasoning answers take minutes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(180);

/// The first wait between two attempts; each further one is twice as long.
const BACKOFF_BASE: Duration = Duration::from_millis(500);

/// Who asks us to wait longer than this is left for another target, or the question fails.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Questions one provider works on at a time.
const CONCURRENCY: u32 = 16;

/// Failures in a row after which a provider is left alone.
const CIRCUIT_FAILURES: u32 = 5;

/// How long it is left alone; then one question tries it.
const CIRCUIT_REST: Duration = Duration::from_secs(30);

/// A secret that shows itself to nobody.
#[derive(Clone)]
pub(super) struct Key(pub String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How one provider is reached.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub key: Option<Key>,
    /// With the slash at the end: without it the last segment would be lost when paths are joined.
    pub base_url: Url,
    pub model: String,
    pub concurrency: u32,
    pub requests_per_minute: Option<NonZeroU32>,
    pub tokens_per_minute: Option<NonZeroU32>,
}

/// How all of them are reached, and how much patience there is.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) providers: BTreeMap<Provider, Access>,
    pub attempts_max: u32,
    pub request_timeout: Duration,
    pub backoff_base: Duration,
    pub wait_max: Duration,
    pub circuit_failures: u32,
    pub circuit_rest: Duration,
    pub(super) prices: Prices,
}

/// What keeps the models from being set up.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A variable that says something impossible. Its value is not repeated: it may be a key in the wrong place.
    #[error("`{variable}` {why}")]
    Variable { variable: String, why: &'static str },
    #[error("failed to read the prices in `{path}`")]
    Prices { path: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("failed to set up an HTTP client")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Settings {
    /// Reads, for each provider, `…_API_KEY`, `…_BASE_URL`, `…_MODEL`, `…_CONCURRENCY`, `…_RPM`, `…_TPM`, and for all
    /// `MODEL_ATTEMPTS`, `MODEL_TIMEOUT_S`, `MODEL_PRICES` (a file). None is needed; an empty one counts as unset.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let read = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut providers = BTreeMap::new();
        for provider in Provider::ALL {
            providers.insert(provider, access(provider, &read)?);
        }
        let timeout = number(&read, "MODEL_TIMEOUT_S")?.map(|seconds| Duration::from_secs(u64::from(seconds.get())));
        Ok(Self {
            providers,
            attempts_max: number(&read, "MODEL_ATTEMPTS")?.map_or(ATTEMPTS_MAX, NonZeroU32::get),
            request_timeout: timeout.unwrap_or(REQUEST_TIMEOUT),
            backoff_base: BACKOFF_BASE,
            wait_max: WAIT_MAX,
            circuit_failures: CIRCUIT_FAILURES,
            circuit_rest: CIRCUIT_REST,
            prices: read("MODEL_PRICES").map_or_else(|| Ok(Prices::built_in()), prices)?,
        })
    }
}

fn prices(path: String) -> Result<Prices, SettingsError> {
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|source| SettingsError::Prices { path: path.clone(), source: source.into() })?;
    Prices::built_in().with(&text).map_err(|source| SettingsError::Prices { path, source: source.into() })
}

fn access(provider: Provider, read: &impl Fn(&str) -> Option<String>) -> Result<Access, SettingsError> {
    let key = provider.key_variable();
    let secret = read(&key);
    if secret.as_deref().is_some_and(|secret| !secret.chars().all(|c| c.is_ascii_graphic())) {
        return Err(SettingsError::Variable { variable: key, why: "holds characters no key has" });
    }
    let variable = provider.variable("BASE_URL");
    let base_url = read(&variable).unwrap_or_else(|| provider.default_base_url().to_owned());
    let concurrency = number(read, &provider.variable("CONCURRENCY"))?;
    Ok(Access {
        key: secret.map(Key),
        base_url: base(&base_url).map_err(|why| SettingsError::Variable { variable, why })?,
        model: read(&provider.variable("MODEL")).unwrap_or_else(|| provider.default_model().to_owned()),
        concurrency: concurrency.map_or(CONCURRENCY, NonZeroU32::get),
        requests_per_minute: number(read, &provider.variable("RPM"))?,
        tokens_per_minute: number(read, &provider.variable("TPM"))?,
    })
}

fn base(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "is no URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("is no http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must be scheme, host and path: keys have variables of their own");
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err("names no host");
    }
    if url.scheme() == "http" && !is_private(host) {
        return Err("is plain http to a public host: the key would travel in the clear");
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// This machine, or a private network: an address that is not routed, or a name without a dot.
fn is_private(host: &str) -> bool {
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => !host.contains('.'),
    }
}

fn number(read: &impl Fn(&str) -> Option<String>, variable: &str) -> Result<Option<NonZeroU32>, SettingsError> {
    let Some(text) = read(variable) else { return Ok(None) };
    let number = text
        .parse()
        .map_err(|_| SettingsError::Variable { variable: variable.to_owned(), why: "is no whole number above 0" })?;
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_env(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_base_url_ends_with_one_slash_however_it_was_written() {
        for (given, read_as) in [
            ("http://127.0.0.1:9/x/v1", "http://127.0.0.1:9/x/v1/"),
            ("http://127.0.0.1:9/x/v1/", "http://127.0.0.1:9/x/v1/"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/"),
            ("http://litellm:4000/v1", "http://litellm:4000/v1/"),
            ("https://gateway.example", "https://gateway.example/"),
        ] {
            let settings = read(&[("MISTRAL_BASE_URL", given)]).expect("settings");
            assert_eq!(settings.providers[&Provider::Mistral].base_url.as_str(), read_as);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_variable_and_without_its_value() {
        for (variable, value) in [
            ("OPENAI_BASE_URL", "https://user:hunter2@api.example"),
            ("OPENAI_BASE_URL", "ftp://hunter2"),
            ("OPENAI_BASE_URL", "http://hunter2.example/v1"),
            ("MODEL_TIMEOUT_S", "hunter2"),
            ("OPENAI_API_KEY", "hunter2\nhunter2"),
            ("GROQ_RPM", "hunter2"),
            ("GROQ_TPM", "0"),
        ] {
            let error = read(&[(variable, value)]).expect_err(value).to_string();
            assert!(error.contains(variable) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_key_shows_itself_to_nobody() {
        let settings = read(&[("OPENAI_API_KEY", "sk-hunter2")]).expect("settings");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
