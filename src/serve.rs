//! The web service (`domain-runner serve`): eleven model providers behind one API, with health, description and measures.
//!
//! It starts with nothing set: no key, no token, no database. What then cannot be done answers with what to set. Several
//! instances may share one PostgreSQL; an instance holds nothing that another one needs.

mod access;
mod app;
mod asking;
mod batch;
mod chat;
mod description;
mod docs;
mod extract;
mod health;
mod measures;
mod observed;
mod problem;
mod providers;
mod request_id;
mod router;
mod run;
mod runs;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::HeaderValue;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tracing::Instrument as _;

pub use self::app::Limits;
pub use self::measures::MeasuresError;

use self::access::Access;
use self::app::{App, Parts};
use crate::model::Models;
use crate::storage::Storage;
use crate::world;

/// What the operator decides.
#[derive(Debug)]
pub struct Settings {
    /// A name or an address.
    pub host: String,
    /// 0 takes any free port.
    pub port: u16,
    /// What callers must send; never shown.
    pub token: Option<String>,
    /// Let anyone in, also from outside.
    pub no_auth: bool,
    /// Web pages that may call the API.
    pub origins: Vec<HeaderValue>,
    pub limits: Limits,
    /// For what is under way when the service is told to end.
    pub grace: Duration,
    /// The learning state of the service that is deployed from here.
    pub learning_path: PathBuf,
}

/// Why the service could not begin, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("failed to listen on port {port} of `{host}`")]
    Listen { host: String, port: u16, source: std::io::Error },
    #[error(transparent)]
    Measures(#[from] MeasuresError),
    #[error("the server ended")]
    Server(#[source] std::io::Error),
}

/// How the service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every request had its answer.
    Drained,
    /// So many requests were cut off when the grace was over.
    Cut { requests: u32 },
}

/// Serves until `stop`, then finishes what is under way. `begun` hears the address as soon as it answers.
///
/// # Errors
/// The port is taken, or the server fails.
pub async fn serve(
    settings: Settings,
    models: Models,
    storage: Storage,
    begun: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<Ended, ServeError> {
    let session = format!("serve-{}-{}", world::now().as_second(), world::random_word(6));
    let span = tracing::info_span!("serve", session_id = %session);
    let (address, listener) = listen(&settings.host, settings.port).await?;
    let app = App(Arc::new(Parts {
        session,
        started: world::now(),
        limits: settings.limits,
        access: Access::new(settings.token.as_deref(), settings.no_auth, address.ip()),
        models,
        storage: storage.clone(),
        metrics: measures::begin()?,
        learning_path: settings.learning_path,
        description: OnceLock::new(),
        turns: Arc::new(Semaphore::new(settings.limits.concurrency as usize)),
    }));
    let tending = tokio::spawn(measures::tend(app.metrics.clone()));
    let preparing = tokio::spawn({
        let storage = storage.clone();
        async move { storage.prepare().await }.instrument(span.clone())
    });
    let ended = async {
        welcome(&app, address);
        begun(address);
        run(&app, listener, &settings.origins, settings.grace, stop).await
    };
    let ended = ended.instrument(span).await;
    tending.abort();
    preparing.abort();
    storage.close().await;
    ended
}

async fn listen(host: &str, port: u16) -> Result<(SocketAddr, TcpListener), ServeError> {
    let failed = |source| ServeError::Listen { host: host.to_owned(), port, source };
    // `[::1]` is how an address of this kind is written beside a port.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let listener = TcpListener::bind((name, port)).await.map_err(failed)?;
    Ok((listener.local_addr().map_err(failed)?, listener))
}

/// What an operator reads first in the log.
fn welcome(app: &App, address: SocketAddr) {
    let configured: Vec<&str> = providers::configured(&app.models).iter().map(|provider| provider.name()).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        commit = world::env("RENDER_GIT_COMMIT"),
        %address,
        access = app.access.name(),
        providers = configured.join(","),
        database = app.storage.dialect().name(),
        "serving"
    );
    if app.access == Access::Closed {
        tracing::warn!(
            "no token is set: models are asked for nobody. Set SERVE_TOKEN, or SERVE_NO_AUTH=1 to let anyone in, or bind \
             with --host 127.0.0.1"
        );
    }
}

async fn run(
    app: &App,
    listener: TcpListener,
    origins: &[HeaderValue],
    grace: Duration,
    stop: impl Future<Output = ()>,
) -> Result<Ended, ServeError> {
    let routes = router::router(app.clone(), origins);
    // Small pieces of a stream must not wait for an acknowledgement.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let (stopping, mut stopped) = watch::channel(false);
    let until = async move {
        // Ends also when nobody can say so any more.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let server = axum::serve(listener, routes).with_graceful_shutdown(until);
    let mut server = tokio::spawn(async move { server.await }.in_current_span());
    tokio::select! {
        ended = &mut server => return over(ended).map(|()| Ended::Drained),
        () = stop => {}
    }
    tracing::info!(asking = app.asking(), "told to end: no new connections; what is under way is finished");
    stopping.send_replace(true);
    // Connections first, then what their callers no longer wait for: an answer that is paid for is kept.
    let drained = async {
        over((&mut server).await)?;
        // Never closed.
        let _ = app.turns.acquire_many(app.limits.concurrency).await;
        Ok(())
    };
    match timeout(grace, drained).await {
        Ok(result) => {
            tracing::info!("ended, with nothing left to do");
            result.map(|()| Ended::Drained)
        }
        Err(_) => {
            server.abort();
            let requests = app.asking();
            tracing::warn!(requests, "the grace is over: what was under way is cut off");
            Ok(Ended::Cut { requests })
        }
    }
}

fn over(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<(), ServeError> {
    ended.map_err(std::io::Error::other).flatten().map_err(ServeError::Server)
}
