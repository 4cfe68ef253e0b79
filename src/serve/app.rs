//! What every handler may use.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::Access;
use super::problem::Problem;
use crate::model::Models;
use crate::storage::Storage;

/// What a request may cost this server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub body_bytes_max: usize,
    /// Requests that ask models at the same time; a further one is told to come back.
    pub concurrency: u32,
    /// For one request. What was asked of a model by then is kept when it comes.
    pub timeout: Duration,
}

/// The service's own facts and its ways to the outside. Cheap to clone.
#[derive(Clone)]
pub struct App(pub(super) Arc<Parts>);

pub struct Parts {
    pub session: String,
    pub started: Timestamp,
    pub limits: Limits,
    pub access: Access,
    pub models: Models,
    pub storage: Storage,
    pub metrics: PrometheusHandle,
    /// The learning state of the service that is deployed from here.
    pub learning_path: PathBuf,
    /// The API's OpenAPI document, as it is sent; set when the routes are made.
    pub description: OnceLock<String>,
    /// One for each request that asks models; all are free when nothing is left to wait for.
    pub turns: Arc<Semaphore>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Leave to ask models, until it is dropped.
    ///
    /// # Errors
    /// As many requests as are allowed hold one.
    pub fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.turns).try_acquire_owned().map_err(|_| {
            let detail =
                format!("{} requests ask models already, as many as this server takes", self.limits.concurrency);
            let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
            problem.retry_after = Some(Duration::from_secs(1));
            problem
        })
    }

    /// Requests that ask models now.
    pub fn asking(&self) -> u32 {
        self.limits.concurrency - u32::try_from(self.turns.available_permits()).unwrap_or(0)
    }
}
