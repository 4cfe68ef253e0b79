//! What OpenAI's clients send, and what of it is understood.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::asking::{self, invalid};
use super::super::extract::{tagged, whole};
use super::super::problem::Problem;
use super::super::providers;
use crate::model::{Message, Request, Role};

/// Turns of one conversation.
const MESSAGES_MAX: usize = 1_000;

/// A conversation, in OpenAI's shape
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    #[schema(schema_with = providers::target)]
    model: String,
    #[schema(min_items = 1, max_items = 1000)]
    messages: Vec<ChatMessage>,
    /// Tokens of the answer, at most [default: 1024]
    #[schema(minimum = 1, maximum = 32_768)]
    #[serde(default, deserialize_with = "whole")]
    max_completion_tokens: Option<u32>,
    /// The older name of `max_completion_tokens`
    #[schema(minimum = 1, maximum = 32_768)]
    #[serde(default, deserialize_with = "whole")]
    max_tokens: Option<u32>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    #[serde(default, deserialize_with = "tagged")]
    response_format: Option<ResponseFormat>,
    /// Answers: one
    #[schema(minimum = 1, maximum = 1)]
    #[serde(default, deserialize_with = "whole")]
    n: Option<u32>,
    /// Taken and not used
    #[serde(rename = "user")]
    _user: Option<String>,
    /// Taken and not used
    #[schema(value_type = Option<Object>)]
    #[serde(rename = "metadata")]
    _metadata: Option<Map<String, Value>>,
    /// Taken and not used: this API keeps no conversations
    #[serde(rename = "store")]
    _store: Option<bool>,
}

/// A turn
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    role: ChatRole,
    content: ChatContent,
    /// Taken and not used
    #[serde(rename = "name")]
    _name: Option<String>,
}

/// Who speaks
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    System,
    /// The same as `system`
    Developer,
    User,
    Assistant,
}

/// What is said
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text, or a list of `{\"type\": \"text\", \"text\": …}`")]
pub enum ChatContent {
    Text(String),
    Parts(Vec<ChatPart>),
}

/// A piece of what is said
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChatPart {
    #[serde(rename = "type")]
    _kind: PartKind,
    text: String,
}

/// What a piece is: text
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    Text,
}

/// What a stream holds beside the answer
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamOptions {
    /// A last event with the tokens
    include_usage: Option<bool>,
}

/// What the answer must be
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    Text {},
    /// Any JSON object
    JsonObject {},
    JsonSchema {
        json_schema: NamedSchema,
    },
}

/// A JSON Schema with a name
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedSchema {
    /// Taken and not used
    #[serde(rename = "name")]
    _name: String,
    /// Taken and not used
    #[serde(rename = "description")]
    _description: Option<String>,
    #[schema(value_type = Option<Object>)]
    schema: Option<Map<String, Value>>,
    /// Taken and not used: every answer is checked
    #[serde(rename = "strict")]
    _strict: Option<bool>,
}

/// How a stream is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    pub include_usage: bool,
}

impl ChatRequest {
    /// What to ask, and how to stream it if it shall be.
    ///
    /// # Errors
    /// It says something that cannot be.
    pub fn read(self) -> Result<(Request, Option<Manner>), Problem> {
        let Self { model, messages, max_completion_tokens, max_tokens, temperature, stream, stream_options, .. } = self;
        let target = providers::read_target(&model)
            .map_err(|why| Problem::new(StatusCode::NOT_FOUND, "model-not-found", why))?;
        if messages.is_empty() || messages.len() > MESSAGES_MAX {
            return Err(invalid(format!("`messages` has {} entries; it may have 1 to {MESSAGES_MAX}", messages.len())));
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err(invalid("`n` is 1 here: ask again for another answer"));
        }
        asking::check_temperature(temperature)?;
        let older = asking::check_tokens("max_tokens", max_tokens)?;
        let max_tokens = match max_completion_tokens {
            None => older,
            newer => asking::check_tokens("max_completion_tokens", newer)?,
        };
        let messages: Vec<Message> = messages.into_iter().map(Message::from).collect();
        if messages.iter().map(|message| message.text.chars().count()).sum::<usize>() > asking::PROMPT_CHARS_MAX {
            return Err(invalid(format!("the messages have more than {} characters", asking::PROMPT_CHARS_MAX)));
        }
        let schema = match self.response_format {
            None | Some(ResponseFormat::Text {}) => None,
            Some(ResponseFormat::JsonObject {}) => Some(serde_json::json!({"type": "object"})),
            Some(ResponseFormat::JsonSchema { json_schema }) => {
                Some(Value::Object(json_schema.schema.unwrap_or_default()))
            }
        };
        let include_usage = stream_options.unwrap_or_default().include_usage.unwrap_or(false);
        let manner = stream.unwrap_or(false).then_some(Manner { include_usage });
        Ok((Request { target, messages, max_tokens, temperature, schema }, manner))
    }
}

impl From<ChatMessage> for Message {
    fn from(message: ChatMessage) -> Self {
        let role = match message.role {
            ChatRole::System | ChatRole::Developer => Role::System,
            ChatRole::User => Role::User,
            ChatRole::Assistant => Role::Assistant,
        };
        let text = match message.content {
            ChatContent::Text(text) => text,
            ChatContent::Parts(parts) => parts.into_iter().map(|part| part.text).collect(),
        };
        Self { role, text }
    }
}
