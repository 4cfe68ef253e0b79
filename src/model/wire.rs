//! One request to one provider over HTTP: no retries, no limits, no judgement of what comes back.

mod cohere;
mod many;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use genai_reqwest as http;
use serde_json::Value;

use super::error::{ModelError, ModelErrorKind};
use super::exchange::{Request, Usage};
use super::provider::Provider;
use super::refusal;
use super::settings::{Access, Key, SettingsError};

/// Who has not taken the connection by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Names of models stand in paths and in records; real ones stay below 80 characters.
const MODEL_CHARS_MAX: usize = 200;

/// A request, with all that is known of its way.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub provider: Provider,
    pub access: &'a Access,
    pub key: &'a Key,
    pub model: &'a str,
    pub request: &'a Request,
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// Of a stream: nothing, it came in pieces.
    pub text: String,
    /// As the provider names it.
    pub model: Option<String>,
    pub finish: String,
    pub usage: Option<Usage>,
    pub citations: Vec<String>,
    /// What the provider itself says it cost, in millionths of a dollar.
    pub cost_usd_micros: Option<u64>,
    pub raw: Option<Value>,
}

/// A piece of a streamed answer; the end is the last one.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    End(Reply),
}

pub(super) type Pieces = Pin<Box<dyn Stream<Item = Result<Piece, ModelError>> + Send>>;

/// The HTTP clients. Redirects are not followed: whoever redirects must not get the key.
pub(super) struct Wire {
    beyond: Clients,
    /// Without the proxies of the environment, which could not reach this machine and would see the key.
    here: Clients,
}

struct Clients {
    http: http::Client,
    genai: genai::Client,
}

impl Wire {
    pub fn new() -> Result<Self, SettingsError> {
        let tls = tls()?;
        let builder = || {
            http::Client::builder()
                .user_agent(concat!("domain-runner/", env!("CARGO_PKG_VERSION")))
                .tls_backend_preconfigured(tls.clone())
                .redirect(http::redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
        };
        Ok(Self { beyond: Clients::new(builder())?, here: Clients::new(builder().no_proxy())? })
    }

    /// The whole answer.
    pub async fn complete(&self, call: &Call<'_>) -> Result<Reply, ModelError> {
        let clients = self.clients(call)?;
        match call.provider {
            Provider::Cohere => cohere::complete(&clients.http, call).await,
            _ => many::complete(&clients.genai, call).await,
        }
    }

    /// The answer piece by piece.
    pub async fn stream(&self, call: &Call<'_>) -> Result<Pieces, ModelError> {
        let clients = self.clients(call)?;
        match call.provider {
            Provider::Cohere => cohere::stream(&clients.http, call).await,
            _ => many::stream(&clients.genai, call).await,
        }
    }

    fn clients(&self, call: &Call<'_>) -> Result<&Clients, ModelError> {
        let is_name = call.model.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@+".contains(c));
        if !is_name || call.model.is_empty() || call.model.len() > MODEL_CHARS_MAX || call.model.contains("..") {
            return Err(ModelError::new(ModelErrorKind::BadRequest, call.provider, "no model has such a name"));
        }
        let host = call.access.base_url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        Ok(if is_here { &self.here } else { &self.beyond })
    }
}

impl Clients {
    fn new(builder: http::ClientBuilder) -> Result<Self, SettingsError> {
        let http = builder.build().map_err(|source| SettingsError::Client(source.into()))?;
        let genai = genai::Client::builder().with_reqwest(http.clone()).build();
        Ok(Self { http, genai: genai.map_err(|source| SettingsError::Client(source.into()))? })
    }
}

/// TLS by `ring`, with the machine's certificates; where it has none, as small images do, with Mozilla's.
fn tls() -> Result<rustls::ClientConfig, SettingsError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|source| SettingsError::Client(source.into()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A request that came to nothing on its way; the error of the client is not quoted, it may hold more than a reason.
fn lost(provider: Provider, error: &http::Error) -> ModelError {
    let why = match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () if error.is_builder() || error.is_request() => "the request could not be sent",
        () => "the connection broke",
    };
    refusal::lost(provider, why)
}

/// Addresses an answer rests on, wherever its provider puts them, each once.
fn citations(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut add = |url: Option<&Value>| {
        if let Some(url) = url.and_then(Value::as_str).filter(|url| !found.iter().any(|known| known == url)) {
            found.push(url.to_owned());
        }
    };
    list(body.get("citations")).iter().for_each(|url| add(Some(url)));
    list(body.get("search_results")).iter().for_each(|result| add(result.get("url")));
    for item in list(body.get("output")) {
        list(item.get("results")).iter().for_each(|result| add(result.get("url")));
        for part in list(item.get("content")) {
            list(part.get("annotations")).iter().for_each(|note| add(note.get("url")));
        }
    }
    for chunk in list(body.pointer("/candidates/0/groundingMetadata/groundingChunks")) {
        add(chunk.pointer("/web/uri"));
    }
    found
}
