//! Bodies as handlers want them, refused with a problem document where they are none.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt as _;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

use super::app::App;
use super::problem::Problem;

/// For a body to arrive: a slow sender must not hold a connection for ever.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Of a body that is too large: a sender who is cut off in the middle never reads why. Beyond this he is cut off.
const POURED_AWAY_BYTES_MAX: usize = 16 << 20;

/// A JSON body of this shape.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > app.limits.body_bytes_max) {
            if announced.is_some_and(|bytes| bytes <= POURED_AWAY_BYTES_MAX) {
                let pieces = request.into_body().into_data_stream();
                let _ = tokio::time::timeout(BODY_TIMEOUT, pieces.for_each(async |_| ())).await;
            }
            return Err(too_large(app));
        }
        match tokio::time::timeout(BODY_TIMEOUT, Json::<T>::from_request(request, app)).await {
            Ok(Ok(Json(value))) => Ok(Self(value)),
            Ok(Err(rejection)) => Err(refused(&rejection, app)),
            Err(_) => {
                let detail = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail))
            }
        }
    }
}

fn too_large(app: &App) -> Problem {
    let detail = format!("a body may have {} bytes here", app.limits.body_bytes_max);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
}

fn refused(rejection: &JsonRejection, app: &App) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(error) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", inner(&error.body_text()))
        }
        JsonRejection::JsonSyntaxError(error) => {
            Problem::new(StatusCode::BAD_REQUEST, "not-json", inner(&error.body_text()))
        }
        JsonRejection::MissingJsonContentType(_) => {
            let detail = "send JSON with the header `content-type: application/json`";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail)
        }
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => too_large(app),
        _ => Problem::new(StatusCode::BAD_REQUEST, "unreadable-body", "the body could not be read to its end"),
    }
}

/// The error without axum's preamble.
fn inner(text: &str) -> String {
    text.split_once(": ").map_or(text, |(_, rest)| rest).to_owned()
}

/// A whole number; `7.0` is one, as JSON Schema has it.
pub fn whole<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    match Option::<f64>::deserialize(source)? {
        None => Ok(None),
        Some(number) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) => {
            // Whole and in range.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at just before")]
            Ok(Some(number as u32))
        }
        Some(number) => Err(D::Error::custom(format!("`{number}` is no whole number from 0"))),
    }
}

/// One of several shapes, told apart by the word in `type`: serde by itself would take a number for the word.
pub fn tagged<'de, D: Deserializer<'de>, T: DeserializeOwned>(source: D) -> Result<Option<T>, D::Error> {
    match Value::deserialize(source)? {
        Value::Null => Ok(None),
        value if value["type"].is_string() => serde_json::from_value(value).map(Some).map_err(D::Error::custom),
        _ => Err(D::Error::custom("`type` is missing, or no word")),
    }
}
