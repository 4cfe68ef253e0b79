//! The API's description, and the two pages that show it: Swagger UI and Redoc, from the binary alone.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use utoipa_swagger_ui::Config;

use super::app::App;
use super::problem::Problem;

/// Redoc 2.5.4 from npm (`bundles/redoc.standalone.js`), as it is; its licences lie beside it.
const REDOC: &[u8] = include_bytes!("redoc/redoc.standalone.js");
const REDOC_PAGE: &str = include_str!("redoc/page.html");

/// Nothing is loaded from elsewhere. Both pages style themselves from script; Redoc searches in a worker of its own making.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'none'";

/// The binary changes with a deploy only.
const ASSET_CACHE: &str = "public, max-age=3600";

/// The OpenAPI description of this API
#[utoipa::path(get, path = "/openapi.json", tag = "Description", operation_id = "openapi",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object)))]
pub async fn openapi(State(app): State<App>) -> Response {
    let text = app.description.get().cloned().unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

/// The description as a page to try things on: Swagger UI
#[utoipa::path(get, path = "/docs", tag = "Description", operation_id = "docs",
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html")))]
pub async fn docs() -> Result<Response, Problem> {
    let index = file("index.html")?;
    // Its addresses are relative to a folder, and this is none.
    let text = String::from_utf8_lossy(&index.1).replacen("<head>", "<head>\n    <base href=\"/docs/\">", 1);
    Ok(page(text))
}

/// A file of Swagger UI.
pub async fn docs_file(Path(path): Path<String>) -> Result<Response, Problem> {
    if path.is_empty() || path == "index.html" {
        return docs().await;
    }
    let (kind, bytes) = file(&path)?;
    Ok(([(CONTENT_TYPE, kind.as_str()), (CACHE_CONTROL, ASSET_CACHE)], bytes).into_response())
}

fn file(path: &str) -> Result<(String, Vec<u8>), Problem> {
    let config = Config::from("/openapi.json");
    match utoipa_swagger_ui::serve(path, Arc::new(config)) {
        Ok(Some(file)) => Ok((file.content_type, file.bytes.into_owned())),
        _ => Err(Problem::new(StatusCode::NOT_FOUND, "not-found", "Swagger UI has no such file")),
    }
}

/// The description as a page to read: Redoc
#[utoipa::path(get, path = "/redoc", tag = "Description", operation_id = "redoc",
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html")))]
pub async fn redoc() -> Response {
    page(REDOC_PAGE.to_owned())
}

/// Redoc itself.
pub async fn redoc_script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, ASSET_CACHE)], REDOC).into_response()
}

fn page(text: String) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, PAGE_POLICY)], text).into_response()
}
