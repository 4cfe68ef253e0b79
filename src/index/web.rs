//! The one HTTP client of this room: polite, bounded, and silent about the credentials a URL may carry.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, RANGE};
use reqwest::{Certificate, Client, Response, StatusCode, Url};
use tokio::sync::Semaphore;

/// Requests in flight at once: registries throttle clients that ask faster.
const FLIGHTS_MAX: usize = 4;

/// Attempts at one request; only the registry's own hiccups are tried again.
const ATTEMPTS_MAX: u32 = 3;

/// Pause before the second attempt; doubled for the third.
const RETRY_WAIT_MS: u64 = 300;

/// Redirects followed: registries use one, to their file host.
const REDIRECTS_MAX: usize = 4;

/// Why an index gave no answer. No variant shows a URL: it may carry the user's password.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("this run is offline")]
    Offline,
    #[error("`{host}` could not be reached")]
    Unreachable { host: String, source: reqwest::Error },
    #[error("`{host}` answered {status}")]
    Refused { host: String, status: u16 },
    #[error("the answer of `{host}` is longer than {limit_bytes} bytes")]
    TooLong { host: String, limit_bytes: usize },
}

impl WebError {
    /// Whether the server said for certain that there is no such thing.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 410, .. })
    }

    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403, .. })
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !source.is_builder() && !source.is_redirect(),
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::Offline | Self::TooLong { .. } => false,
        }
    }
}

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("failed to read the certificates in `{}`", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("failed to understand the certificates in `{}`", path.display())]
    Malformed { path: PathBuf, source: reqwest::Error },
    #[error("failed to set up the HTTP client")]
    Setup(#[source] reqwest::Error),
}

/// What came back.
pub(super) struct Fetched {
    pub(super) body: Vec<u8>,
    pub(super) content_type: String,
    /// Where `body` begins in the whole file, and how long that is, if only a range came back.
    pub(super) range: Option<(usize, usize)>,
    /// After redirects: relative links start here.
    pub(super) url: Url,
}

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) url: &'a Url,
    pub(super) accept: &'a str,
    /// Value of the `Range` header.
    pub(super) range: Option<&'a str>,
    pub(super) limit_bytes: usize,
}

pub(super) struct Web {
    client: Client,
    flights: Semaphore,
    offline: bool,
}

impl Web {
    /// `ca_files` are trusted beside the system's roots (which heed `SSL_CERT_FILE`).
    pub(super) fn new(timeout: Duration, offline: bool, ca_files: &[PathBuf]) -> Result<Self, ClientError> {
        let mut builder = Client::builder()
            .user_agent(concat!("domain-runner/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .connect_timeout(timeout)
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX));
        for path in ca_files {
            let pem = std::fs::read(path).map_err(|source| ClientError::Unreadable { path: path.clone(), source })?;
            let roots = Certificate::from_pem_bundle(&pem)
                .map_err(|source| ClientError::Malformed { path: path.clone(), source })?;
            builder = roots.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        let client = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { client, flights: Semaphore::new(FLIGHTS_MAX), offline })
    }

    pub(super) async fn get(&self, ask: Ask<'_>) -> Result<Fetched, WebError> {
        if self.offline {
            return Err(WebError::Offline);
        }
        let mut attempt = 1;
        loop {
            match self.attempt(ask).await {
                Err(error) if error.is_transient() && attempt < ATTEMPTS_MAX => {
                    tracing::debug!(attempt, "asking an index again: {error}");
                    tokio::time::sleep(Duration::from_millis(RETRY_WAIT_MS << (attempt - 1))).await;
                    attempt += 1;
                }
                end => return end,
            }
        }
    }

    async fn attempt(&self, ask: Ask<'_>) -> Result<Fetched, WebError> {
        let host = host_of(ask.url);
        let unreachable =
            |error: reqwest::Error| WebError::Unreachable { host: host.clone(), source: error.without_url() };
        // Never closed, so a permit always comes; without one we would merely be less polite.
        let _permit = self.flights.acquire().await.ok();
        let mut request = self.client.get(ask.url.clone()).header(ACCEPT, ask.accept);
        if let Some(range) = ask.range {
            request = request.header(RANGE, range);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            return Err(WebError::Refused { host, status: status.as_u16() });
        }
        let header = |name| header_text(&response, name);
        let content_type = header(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        let range = if status == StatusCode::PARTIAL_CONTENT {
            header(reqwest::header::CONTENT_RANGE).as_deref().and_then(content_range)
        } else {
            None
        };
        let url = response.url().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ask.limit_bytes {
                return Err(WebError::TooLong { host, limit_bytes: ask.limit_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { body, content_type, range, url })
    }
}

/// The host of a URL, for messages.
pub(super) fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or("the index").to_owned()
}

/// A URL as a cache key: what names the user stays out of files.
pub(super) fn without_credentials(url: &Url) -> String {
    let mut url = url.clone();
    // Fails only for URLs without a host, which carry no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn header_text(response: &Response, name: reqwest::header::HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// `bytes 150601-216136/216137` as start and whole length.
fn content_range(text: &str) -> Option<(usize, usize)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, whole.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_gives_start_and_length() {
        assert_eq!(content_range("bytes 150601-216136/216137"), Some((150_601, 216_137)));
        assert_eq!(content_range("bytes */10"), None);
    }
}
