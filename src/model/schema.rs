//! Answers that must be one JSON document of a schema: asked for, and then looked at.

use jsonschema::Validator;
use serde_json::Value;

/// What a model that has no field for a schema is told, and any other, too: a reminder costs little.
pub(super) fn instruction(schema: &Value) -> String {
    format!("Answer with one JSON document and nothing else. It must fit this JSON Schema:\n{schema}")
}

/// The check, or why `schema` is none.
pub(super) fn validator(schema: &Value) -> Result<Validator, &'static str> {
    jsonschema::validator_for(schema).map_err(|_| "the schema that was asked for is none")
}

/// The bare document of an answer that fits; else what is wrong with it, without a word of it.
pub(super) fn fitting(text: &str, validator: &Validator) -> Result<String, String> {
    let bare = unfenced(text);
    let document: Value = serde_json::from_str(bare).map_err(|_| "the answer is no JSON document".to_owned())?;
    match validator.iter_errors(&document).next() {
        None => Ok(bare.to_owned()),
        Some(error) => Err(format!("the answer breaks the schema's rule at `{}`", error.schema_path)),
    }
}

/// Many models wrap documents into a Markdown fence, whatever they are told.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inner.map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str) -> Result<String, String> {
        let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
        fitting(text, &validator(&schema).expect("a schema"))
    }

    #[test]
    fn a_fitting_document_is_taken_out_of_its_fence() {
        for text in ["{\"n\": 1}", " {\"n\": 1}\n", "```json\n{\"n\": 1}\n```", "```\n{\"n\": 1}```"] {
            assert_eq!(check(text).expect(text), "{\"n\": 1}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_without_being_quoted() {
        for text in ["hunter2", "{\"n\": \"hunter2\"}", "{\"hunter2\": 1}", "Sure! {\"n\": 1}", "[]", ""] {
            let why = check(text).expect_err(text);
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(validator(&json!({"type": "nonsense"})).is_err());
    }
}
