//! How the service is: alive, ready, and in what state.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::providers::{ProviderDocument, documents};
use crate::storage::Readiness;
use crate::world;

/// The process answers
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`
    status: &'static str,
}

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", tag = "Health", operation_id = "healthz",
    responses((status = 200, description = "It is", body = Health)))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether requests can be served
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// `ready` or `not_ready`
    status: &'static str,
    database: Database,
}

/// The database and its tables
#[derive(Debug, Serialize, ToSchema)]
pub struct Database {
    /// `sqlite` or `postgresql`
    kind: &'static str,
    /// It answers, and its tables are up to date
    connected: bool,
    /// The version of its tables
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<i64>,
    /// Why it is not ready
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

async fn database(app: &App) -> Database {
    let kind = app.storage.dialect().name();
    match app.storage.readiness().await {
        Readiness::Ready { schema } => Database { kind, connected: true, schema: Some(schema), why: None },
        Readiness::Preparing { why } => Database { kind, connected: false, schema: None, why: Some(why) },
    }
}

/// Can requests be served? The database is reached, its tables are up to date
#[utoipa::path(get, path = "/readyz", tag = "Health", operation_id = "readyz", responses(
    (status = 200, description = "They can", body = Ready),
    (status = 503, description = "Not now", body = Ready)))]
pub async fn readyz(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let database = database(&app).await;
    match database.connected {
        true => (StatusCode::OK, Json(Ready { status: "ready", database })),
        false => (StatusCode::SERVICE_UNAVAILABLE, Json(Ready { status: "not_ready", database })),
    }
}

/// What runs here, since when, with what
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    name: &'static str,
    version: &'static str,
    /// The commit that was deployed, where the platform tells (`RENDER_GIT_COMMIT`)
    commit: Option<String>,
    /// This process, in every line of its log
    session_id: String,
    /// RFC 3339
    started_at: String,
    uptime_seconds: u64,
    /// What the routes that ask models demand: `token`, `anyone`, `loopback`, `closed`
    access: &'static str,
    database: Database,
    providers: Vec<ProviderDocument>,
    queue: Queue,
}

/// Requests that ask models
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// At work now
    running: u32,
    /// At most at the same time
    capacity: u32,
}

/// What runs here, since when, with what?
#[utoipa::path(get, path = "/status", tag = "Health", operation_id = "status",
    responses((status = 200, description = "The state of this process", body = Status)))]
pub async fn status(State(app): State<App>) -> Json<Status> {
    let uptime = world::now().duration_since(app.started).as_secs();
    Json(Status {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        commit: world::env("RENDER_GIT_COMMIT"),
        session_id: app.session.clone(),
        started_at: app.started.to_string(),
        uptime_seconds: u64::try_from(uptime).unwrap_or(0),
        access: app.access.name(),
        database: database(&app).await,
        providers: documents(&app.models),
        queue: Queue { running: app.asking(), capacity: app.limits.concurrency },
    })
}
