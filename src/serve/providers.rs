//! Who can be asked, and how the API names them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, SchemaType, Type};

use super::app::App;
use crate::model::{Models, Provider, Target};

/// Names of models are far shorter.
pub const MODEL_CHARS_MAX: usize = 200;

/// One of the eleven providers
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderDocument {
    /// As requests name it: `openai`
    name: &'static str,
    title: &'static str,
    /// Whether a key is set
    configured: bool,
    /// Whether it can be asked now: configured, and not left alone for failing too often
    available: bool,
    /// The variable its key is read from
    key_variable: String,
    /// The model that is asked when none is named
    default_model: String,
    /// Questions it works on
    in_flight: u32,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u32>,
}

/// All providers
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderList {
    providers: Vec<ProviderDocument>,
}

pub fn documents(models: &Models) -> Vec<ProviderDocument> {
    let document = |status: crate::model::ProviderStatus| ProviderDocument {
        name: status.provider.name(),
        title: status.title,
        configured: status.configured,
        available: status.configured && !status.circuit_open,
        key_variable: status.provider.key_variable(),
        default_model: status.default_model,
        in_flight: status.in_flight,
        requests_per_minute: status.requests_per_minute,
        tokens_per_minute: status.tokens_per_minute,
    };
    models.providers().into_iter().map(document).collect()
}

/// Those with a key, in the order they are asked when none is named.
pub fn configured(models: &Models) -> Vec<Provider> {
    models.providers().into_iter().filter(|status| status.configured).map(|status| status.provider).collect()
}

/// Which providers are there, and which can be asked?
#[utoipa::path(get, path = "/api/providers", tag = "Models", operation_id = "providers",
    responses((status = 200, description = "All eleven", body = ProviderList)))]
pub async fn providers(State(app): State<App>) -> Json<ProviderList> {
    Json(ProviderList { providers: documents(&app.models) })
}

/// A name as the API has it; `None` where it may be left out.
pub fn one_or_none() -> Object {
    let names = Provider::ALL.iter().map(|provider| Some(provider.name())).chain([None]);
    let kind = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(kind).enum_values(Some(names)).description(Some("A provider's name")).build()
}

/// A list of names.
pub fn names() -> Array {
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Provider::ALL.map(Provider::name)));
    ArrayBuilder::new().items(name).max_items(Some(Provider::ALL.len())).build()
}

/// `openai`, or `openai/gpt-5-mini`.
pub fn target() -> Object {
    let names = Provider::ALL.map(Provider::name).join("|");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!(r"^({names})(/[A-Za-z0-9](\.?[A-Za-z0-9_:/-]){{0,80}})?$")))
        .description(Some("A provider, or a provider and its model: `openai`, `openai/gpt-5-mini`"))
        .examples([serde_json::json!("openai/gpt-5-mini")])
        .build()
}

/// A list of those.
pub fn targets() -> Array {
    ArrayBuilder::new().items(target()).max_items(Some(super::batch::TARGETS_MAX)).build()
}

/// Reads what [`target`] describes.
///
/// # Errors
/// It names no provider, or no model.
pub fn read_target(text: &str) -> Result<Target, String> {
    let target: Target = text.parse().map_err(|error: crate::model::UnknownProvider| error.to_string())?;
    if let Some(model) = &target.model {
        check_model(model)?;
    }
    Ok(target)
}

/// Whether a model may be called that: what goes into addresses must not change them.
///
/// # Errors
/// It may not.
pub fn check_model(model: &str) -> Result<(), String> {
    let plain = |sign: u8| sign.is_ascii_alphanumeric() || b"._:/-".contains(&sign);
    let named = model.len() <= MODEL_CHARS_MAX && model.bytes().next().is_some_and(|sign| sign.is_ascii_alphanumeric());
    if named && model.bytes().all(plain) && !model.contains("..") {
        return Ok(());
    }
    Err(format!("a model's name has letters, digits and `._:/-`, {MODEL_CHARS_MAX} at most"))
}
