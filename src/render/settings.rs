//! Where the API is, with which key, and how patiently it is asked.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::error::{RenderError, Result};
use crate::world;

/// The public API (contract §2).
pub const DEFAULT_BASE_URL: &str = "https://api.render.com/v1";

/// How often a call is repeated. Waits double from `base_ms` up to `cap_ms`, with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first try counts.
    pub attempts_max: u32,
    pub base_ms: u64,
    pub cap_ms: u64,
}

impl Default for RetryPolicy {
    /// Five tries ride out about 15 seconds of trouble, a restart of the API but not an outage,
    /// and with the longer waits of a rate limit about a minute, which is its window.
    fn default() -> Self {
        Self { attempts_max: 5, base_ms: 1_000, cap_ms: 30_000 }
    }
}

/// Everything a client needs to know.
#[derive(Clone)]
pub struct Settings {
    /// The full base, `/v1` included.
    pub base_url: String,
    pub key: String,
    pub retry: RetryPolicy,
    /// For one try, from the first byte sent to the last byte read.
    pub request_timeout_ms: u64,
    pub connect_timeout_ms: u64,
}

impl Settings {
    /// Settings with the usual patience.
    pub fn new(base_url: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            key: key.into(),
            retry: RetryPolicy::default(),
            request_timeout_ms: 30_000,
            connect_timeout_ms: 10_000,
        }
    }
}

impl fmt::Debug for Settings {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("base_url", &self.base_url).field("retry", &self.retry).finish_non_exhaustive()
    }
}

/// The API's base address: the first of `--api-url`, `RENDER_API_URL`, `RENDER_HOST` that is set, else Render's own.
///
/// `RENDER_HOST` as Render's CLI means it is a full base with scheme and path; as its MCP server means it, a bare
/// host name. The latter gets `https://` and `/v1`. A slash at the end is dropped.
pub fn base_url(api_url: Option<&str>, render_api_url: Option<String>, render_host: Option<String>) -> Result<String> {
    let given = [api_url.map(str::to_owned), render_api_url, render_host];
    let given = given.into_iter().flatten().find(|text| !text.trim().is_empty());
    let given = given.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
    let bare = given.trim().trim_end_matches('/');
    let full = match (bare.contains("://"), bare.contains('/')) {
        (true, _) => bare.to_owned(),
        (false, true) => format!("https://{bare}"),
        (false, false) => format!("https://{bare}/v1"),
    };
    check_url(&full)?;
    Ok(full)
}

/// Parses a base address and refuses what would expose the key: plain HTTP to anything but this machine.
pub(super) fn check_url(text: &str) -> Result<Url> {
    let bad = |shown: &str, why: &str| RenderError::BadUrl { url: shown.to_owned(), why: why.to_owned() };
    let url = match Url::parse(text) {
        Ok(url) => url,
        // A password may stand in front of an `@`; then nothing is shown.
        Err(error) => return Err(bad(if text.contains('@') { "…" } else { text }, &error.to_string())),
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad(&host, "it holds a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad(&host, "it holds a query or a fragment"));
    }
    match url.scheme() {
        "https" if !host.is_empty() => Ok(url),
        "http" if is_loopback(&host) => Ok(url),
        "http" => Err(RenderError::InsecureUrl { url: url.to_string() }),
        _ => Err(bad(text, "it is not an http address")),
    }
}

/// This machine itself, as a host of a URL.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The API key: `RENDER_API_KEY`, else the one that `render login` left in the CLI's settings.
pub fn api_key() -> Option<String> {
    world::env("RENDER_API_KEY").or_else(cli_key)
}

/// The key in Render's CLI settings, where there are any.
fn cli_key() -> Option<String> {
    let path = cli_settings_path(
        world::env("RENDER_CLI_CONFIG_PATH"),
        world::env("RENDER_CLI_CONFIG_DIR"),
        world::env("HOME"),
    )?;
    std::fs::read_to_string(path).ok().as_deref().and_then(key_in_cli_settings)
}

/// Where Render's CLI keeps its settings (contract §11): the legacy variable names the file and wins.
fn cli_settings_path(file: Option<String>, folder: Option<String>, home: Option<String>) -> Option<PathBuf> {
    let folder = || folder.map(PathBuf::from).or_else(|| home.map(|home| Path::new(&home).join(".render")));
    file.map(PathBuf::from).or_else(|| folder().map(|folder| folder.join("cli.yaml")))
}

/// `api.key` of the CLI's settings. Reads just this one nested key, in block or in flow style.
fn key_in_cli_settings(yaml: &str) -> Option<String> {
    let mut lines = yaml.lines().skip_while(|line| !line.starts_with("api:"));
    let inline = lines.next()?.trim_start_matches("api:").trim();
    let value = match inline.strip_prefix('{') {
        Some(flow) => flow.trim_end_matches('}').split(',').find_map(|pair| pair.trim().strip_prefix("key:"))?,
        None => lines
            .take_while(|line| line.starts_with([' ', '\t', '#']) || line.is_empty())
            .find_map(|line| line.trim().strip_prefix("key:"))?,
    };
    let value = value.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
        _ => value.split(" #").next().unwrap_or_default().trim(),
    };
    Some(value.to_owned()).filter(|value| !matches!(value.as_str(), "" | "null" | "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_address_is_full_and_ends_without_a_slash() {
        for (api_url, render_host, expected) in [
            (None, None, "https://api.render.com/v1"),
            (None, Some("https://api.render.com/v1/"), "https://api.render.com/v1"),
            (None, Some("api.example.com"), "https://api.example.com/v1"),
            (None, Some("api.example.com/v2/"), "https://api.example.com/v2"),
            (Some("http://127.0.0.1:4020/v1"), Some("api.example.com"), "http://127.0.0.1:4020/v1"),
            (Some("http://[::1]:4020/v1"), None, "http://[::1]:4020/v1"),
        ] {
            assert_eq!(base_url(api_url, None, render_host.map(str::to_owned)).unwrap(), expected);
        }
        let from_env = base_url(None, Some("https://a.example/v1".to_owned()), Some("b.example".to_owned()));
        assert_eq!(from_env.unwrap(), "https://a.example/v1");
    }

    #[test]
    fn addresses_that_would_expose_the_key_are_refused() {
        for url in ["http://api.render.com/v1", "http://127.0.0.1.example.com/v1", "http://10.0.0.1/v1"] {
            assert!(matches!(check_url(url), Err(RenderError::InsecureUrl { .. })), "{url}");
        }
        for url in ["ftp://api.render.com", "https://me:secret@api.render.com", "https://a.example/v1?x=1", "https://"]
        {
            let error = check_url(url).unwrap_err();
            assert!(matches!(error, RenderError::BadUrl { .. }), "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_cli_key_is_read_in_every_usual_spelling() {
        for (yaml, expected) in [
            ("version: 1\nworkspace: tea-1\napi:\n    key: rnd_abc\n    host: x\n", Some("rnd_abc")),
            ("api:\n  host: x\n\n  # mine\n  key: \"rnd_a#b\" # note\ndashboard_url: y\n", Some("rnd_a#b")),
            ("api: {host: x, key: 'rnd_abc'}\n", Some("rnd_abc")),
            ("api:\n  key: rnd_abc # note\n", Some("rnd_abc")),
            ("api:\n  host: x\nother:\n  key: no\n", None),
            ("api:\n  key: null\n", None),
            ("apikey: no\n", None),
            ("", None),
        ] {
            assert_eq!(key_in_cli_settings(yaml).as_deref(), expected, "{yaml}");
        }
    }

    #[test]
    fn the_legacy_variable_names_the_settings_file_and_wins() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(cli_settings_path(some("/f.yaml"), some("/d"), some("/h")), Some("/f.yaml".into()));
        assert_eq!(cli_settings_path(None, some("/d"), some("/h")), Some("/d/cli.yaml".into()));
        assert_eq!(cli_settings_path(None, None, some("/h")), Some("/h/.render/cli.yaml".into()));
        assert_eq!(cli_settings_path(None, None, None), None);
    }
}
