//! All routes, what stands before them, and the description that is made of them.

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Router, routing};
use tower_http::cors::CorsLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::problem::{OpenAiError, ProblemDocument};
use super::request_id::X_REQUEST_ID;
use super::{
    access, batch, chat, description, docs, health, measures, observed, problem, providers, request_id, run, runs,
};

/// What the description begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "domain-runner",
        description = "Asks language models of eleven providers. Every refusal is an RFC 9457 problem document.",
    ),
    tags(
        (name = "Models", description = "Prompts and answers"),
        (name = "OpenAI", description = "The same for OpenAI's clients: set their base URL to `…/v1`"),
        (name = "Health", description = "How the service is"),
        (name = "Description", description = "This API, described"),
    ),
    components(schemas(ProblemDocument, OpenAiError)),
)]
struct Preamble;

/// The service's routes. `origins` are web pages that may call them; by default there are none.
pub fn router(app: App, origins: &[HeaderValue]) -> Router {
    let open = OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::status))
        .routes(routes!(measures::metrics))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::docs))
        .routes(routes!(docs::redoc))
        .routes(routes!(providers::providers));
    let guarded = OpenApiRouter::new()
        .routes(routes!(run::run))
        .routes(routes!(batch::batch))
        .routes(routes!(runs::run))
        .routes(routes!(chat::completions))
        .routes(routes!(chat::models))
        .route_layer(from_fn_with_state(app.clone(), access::guarded));
    let whole = OpenApiRouter::with_openapi(Preamble::openapi()).merge(open).merge(guarded);
    let (routes, mut api) = whole.split_for_parts();
    description::complete(&mut api);
    // Set once: a process has one router.
    let _ = app.description.set(api.to_json().unwrap_or_default());

    let routes = routes
        .route("/docs/", routing::get(docs::docs))
        .route("/docs/{*path}", routing::get(docs::docs_file))
        .route("/redoc.js", routing::get(docs::redoc_script))
        .fallback(|| async { axum::http::StatusCode::NOT_FOUND })
        .layer(DefaultBodyLimit::max(app.limits.body_bytes_max))
        .layer(from_fn_with_state(app.clone(), observed::observed))
        .layer(from_fn(problem::rendered))
        .layer(from_fn(request_id::given));
    let routes = if origins.is_empty() { routes } else { routes.layer(cors(origins)) };
    routes.with_state(app)
}

fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, X_REQUEST_ID])
        .expose_headers([X_REQUEST_ID, header::RETRY_AFTER])
}
