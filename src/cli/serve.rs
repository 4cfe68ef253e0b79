//! `serve`: the web service, from arguments and the environment to its end.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use serde_json::json;

use super::Global;
use super::duration;
use super::exit::{Exit, Usage};
use super::interrupt::Signals;
use super::screen::hand_over;
use super::veil;
use crate::memory::Store;
use crate::model::Models;
use crate::serve::{Ended, Limits, ServeError, Settings, serve};
use crate::storage::{Location, Storage};
use crate::world;

/// Where Render and most platforms expect a service that is told nothing else.
const PORT: u16 = 8080;

/// Serve models of eleven providers over HTTP, with health, metrics and documentation
///
/// Starts with nothing set: /healthz, /readyz, /status, /docs and /redoc answer; answers are kept in artifacts/serve.sqlite3.
/// Keys are read from OPENAI_API_KEY and its like. Reachable from outside, models are asked only for callers with the token of
/// SERVE_TOKEN; on 127.0.0.1 without one, for this machine. DATABASE_URL names a PostgreSQL that several instances share. The
/// log is JSON on stderr; -v or DOMAIN_RUNNER_LOG=debug say more. SIGTERM finishes what is under way.
///
/// Example: OPENAI_API_KEY=sk-… domain-runner serve --host 127.0.0.1
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The address to bind to; other machines reach 0.0.0.0 [env: SERVE_HOST=] [default: 0.0.0.0]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The port; 0 takes any [env: PORT=] [default: 8080]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Ask models for anyone who reaches this server, without a token [env: SERVE_NO_AUTH=1]
    #[arg(long)]
    no_auth: bool,
    /// Let web pages of this origin call the API; may be repeated [env: SERVE_CORS_ORIGINS=, separated by commas]
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,
    /// A request's body, at most
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1..))]
    body_max: u32,
    /// Requests that ask models at the same time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// For one request; answers that come later are kept
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5m")]
    timeout: Duration,
    /// For what is under way at SIGTERM; Render kills after 30 s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "25s")]
    grace: Duration,
}

impl ServeArgs {
    fn settings(self, learning_path: PathBuf) -> anyhow::Result<Settings> {
        let refused = |message: String, hint: &str| Err(Usage::error(Exit::Usage, message, hint));
        let port = match (self.port, world::env("PORT")) {
            (Some(port), _) => port,
            (None, None) => PORT,
            (None, Some(text)) => match text.trim().parse() {
                Ok(port) => port,
                Err(_) => return refused("PORT is no port".into(), "set it to 1 to 65535, or unset it"),
            },
        };
        let mut origins = self.cors_origin;
        if origins.is_empty() {
            origins = world::env("SERVE_CORS_ORIGINS").unwrap_or_default().split(',').map(str::to_owned).collect();
        }
        let named =
            origins.iter().map(|origin| origin.trim().trim_end_matches('/')).filter(|origin| !origin.is_empty());
        let mut origins = Vec::new();
        for origin in named {
            let is_one = origin.starts_with("https://") || origin.starts_with("http://");
            match HeaderValue::from_str(origin) {
                Ok(value) if is_one => origins.push(value),
                _ => {
                    let message = format!("`{origin}` is no origin for --cors-origin or SERVE_CORS_ORIGINS");
                    return refused(message, "write scheme and host: https://app.example.com");
                }
            }
        }
        Ok(Settings {
            host: self.host.or_else(|| world::env("SERVE_HOST")).unwrap_or_else(|| "0.0.0.0".into()),
            port,
            // A secret from a file ends with a line feed, which no header can hold.
            token: world::env("SERVE_TOKEN").map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            no_auth: self.no_auth || world::env("SERVE_NO_AUTH").is_some_and(|word| said_yes(&word)),
            origins,
            limits: Limits {
                body_bytes_max: self.body_max as usize,
                concurrency: self.concurrency,
                timeout: self.timeout,
            },
            grace: self.grace,
            learning_path,
        })
    }
}

/// Doors stay shut unless the word is clear.
fn said_yes(word: &str) -> bool {
    ["1", "true", "yes", "on"].iter().any(|yes| word.trim().eq_ignore_ascii_case(yes))
}

pub async fn run(global: &Global, args: ServeArgs) -> anyhow::Result<Exit> {
    let store = Store::open(&global.dir)?;
    let settings = args.settings(store.learning_path())?;
    let models = Models::from_env(world::env)
        .map_err(|error| Usage::error(Exit::Usage, format!("{error}"), "correct the variable, or unset it"))?;
    let location = match world::env("DATABASE_URL") {
        Some(url) => Location::parse(&url).map_err(|error| {
            Usage::error(Exit::Usage, format!("{error}"), "write postgresql://…, or sqlite:///a/file; or unset it")
        })?,
        None => Location::file(&store.answers_path()),
    };
    let storage = Storage::new(location).map_err(|_| {
        Usage::error(Exit::Usage, "DATABASE_URL cannot be read", "write postgresql://user:password@host/name")
    })?;
    let mut signals = Signals::listen()?;
    let json = global.json;
    let begun = |address| {
        if json {
            hand_over(&json!({"v": 1, "kind": "serve", "url": format!("http://{address}")}).to_string());
        }
    };
    let stop = async move {
        signals.next().await;
    };
    match serve(settings, models, storage, begun, stop).await {
        Ok(Ended::Drained) => Ok(Exit::Ok),
        Ok(Ended::Cut { .. }) => Ok(Exit::Terminated),
        Err(error @ ServeError::Listen { .. }) => {
            let message = veil::clean(&format!("{:#}", anyhow::Error::from(error)));
            Err(Usage::error(Exit::Failure, message, "another program may use the port: --port 0 takes a free one"))
        }
        Err(error) => Err(error.into()),
    }
}
