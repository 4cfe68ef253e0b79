//! Answers against Render's own document (the relaxed copy, see contract §13).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openapi-subset-relaxed.json");

static OPENAPI: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(DOCUMENT).unwrap_or_else(|error| panic!("{DOCUMENT}: {error}"));
    let mut document = serde_json::from_str(&text).unwrap();
    allow_nulls(&mut document);
    document
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, Option<Arc<Validator>>>>> = LazyLock::new(Mutex::default);

/// Panics unless the document allows this answer. Paths it does not have are not checked.
pub(super) fn check(method: &str, path: &str, status: u16, body: &[u8]) {
    let Some(template) = template(path) else { return };
    let key = format!("{method} {template} {status}");
    let compiled = || compile(&template, &method.to_lowercase(), status).map(Arc::new);
    let validator = VALIDATORS.lock().unwrap().entry(key.clone()).or_insert_with(compiled).clone();
    let Some(validator) = validator.filter(|_| !body.is_empty()) else {
        assert!(body.is_empty(), "{key}: a body where the document has none");
        return;
    };
    let value: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{key}: {error}"));
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{} at {}", error, error.instance_path)).collect();
    assert!(errors.is_empty(), "{key}: {errors:#?}\n{value:#}");
}

fn template(path: &str) -> Option<String> {
    let asked: Vec<&str> = path.trim_start_matches("/v1").split('/').collect();
    let paths = OPENAPI["paths"].as_object().unwrap();
    let fits = |template: &&String| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == asked.len() && parts.iter().zip(&asked).all(|(part, seen)| part.starts_with('{') || part == seen)
    };
    // A literal segment beats a parameter: `/logs/values`.
    paths.keys().filter(fits).min_by_key(|template| template.matches('{').count()).cloned()
}

/// The schema of an answer; `None` if the document says that it has no body.
fn compile(template: &str, method: &str, status: u16) -> Option<Validator> {
    let responses = &OPENAPI["paths"][template][method]["responses"];
    let mut response = &responses[status.to_string()];
    let error = json!({"content": {"application/json": {"schema": OPENAPI["components"]["schemas"]["error"]}}});
    if response.is_null() {
        assert!(status >= 400, "{method} {template}: status {status} is not in Render's document");
        response = &error;
    }
    if let Some(reference) = response["$ref"].as_str() {
        response = OPENAPI.pointer(reference.trim_start_matches('#')).unwrap();
    }
    let schema = response.pointer("/content/application~1json/schema")?;
    let root = json!({"allOf": [schema], "components": OPENAPI["components"]});
    Some(jsonschema::options().with_draft(Draft::Draft4).should_validate_formats(true).build(&root).unwrap())
}

/// OpenAPI 3.0 says `nullable` where JSON Schema has a type `null`.
fn allow_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(allow_nulls),
        Value::Object(fields) => {
            fields.values_mut().for_each(allow_nulls);
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                let mut inner = Map::new();
                std::mem::swap(&mut inner, fields);
                fields.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
            }
        }
        _ => {}
    }
}
