//! What every route's description has in common: how it refuses, and what it demands.

use axum::http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use super::problem::PROBLEM_JSON;

/// What any route may answer.
const ANY: &[(u16, &str)] = &[
    (404, "There is nothing by this name"),
    (405, "The path has other methods; see the header `Allow`"),
    (500, "The server failed"),
    (503, "Not now; see the header `Retry-After`"),
];

/// What those answer beside that demand a token.
const GUARDED: &[(u16, &str)] = &[
    (400, "The request cannot be read, or the provider does not take it"),
    (401, "The token is missing or wrong"),
    (403, "No token is set, and the server can be reached from outside"),
];

/// What those answer beside that ask models.
const ASKING: &[(u16, &str)] = &[
    (402, "The provider wants to be paid first"),
    (408, "The body did not arrive in time"),
    (409, "The provider is not configured here"),
    (413, "The body is too large"),
    (415, "The body is no JSON"),
    (422, "The body has the wrong shape"),
    (429, "Too many requests, here or at the provider; see the header `Retry-After`"),
    (502, "The provider failed"),
    (504, "No answer came in time"),
];

/// Completes what the routes say of themselves.
pub fn complete(api: &mut OpenApi) {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The value of the server's SERVE_TOKEN; without one, no token is asked for on loopback"));
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    for item in api.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            let asks = operation.request_body.is_some();
            refusals(operation, ANY);
            if operation.security.is_some() {
                refusals(operation, GUARDED);
            }
            if asks {
                refusals(operation, ASKING);
            }
        }
    }
}

/// A route's own word on a status stays.
fn refusals(operation: &mut Operation, refusals: &[(u16, &str)]) {
    for (status, what) in refusals {
        let missing = || RefOr::T(refusal(*status, what));
        operation.responses.responses.entry(status.to_string()).or_insert_with(missing);
    }
}

fn refusal(status: u16, what: &str) -> Response {
    let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let document = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(format!("{title}: {what}")).content(PROBLEM_JSON, document).build()
}
