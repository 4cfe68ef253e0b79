//! What is asked, and what comes back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::provider::{Provider, Target};

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub text: String,
}

impl Message {
    pub fn system(text: impl Into<String>) -> Self {
        Self { role: Role::System, text: text.into() }
    }

    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, text: text.into() }
    }

    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, text: text.into() }
    }
}

/// A question for one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub target: Target,
    pub messages: Vec<Message>,
    /// Always sent: a provider's own limit may be 64,000, and each one costs.
    pub max_tokens: u32,
    pub temperature: Option<f64>,
    /// The answer must be one JSON document of this JSON Schema: asked for where the provider can, checked here in any case.
    pub schema: Option<Value>,
}

impl Request {
    /// One prompt, no more asked for.
    pub fn new(target: impl Into<Target>, prompt: impl Into<String>, max_tokens: u32) -> Self {
        let messages = vec![Message::user(prompt)];
        Self { target: target.into(), messages, max_tokens, temperature: None, schema: None }
    }
}

/// What was used, as the provider counted it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: u64,
    /// With the tokens of reasoning, which are paid for like those of the answer.
    pub output_tokens: u64,
}

impl Usage {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// What a model said, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    pub text: String,
    pub provider: Provider,
    /// The model that served, as the provider names it.
    pub model: String,
    /// Why it stopped, in one spelling for all providers: `stop`, `length`, `content_filter`, `tool_calls`, or the provider's own word.
    pub finish: String,
    /// With what answers took that did not fit and were asked for again. `None`: the provider did not say.
    pub usage: Option<Usage>,
    /// Of all of that, in millionths of a dollar; `None` where a price or the usage is unknown.
    pub cost_usd_micros: Option<u64>,
    /// From the first request to the whole answer, waits between attempts included.
    pub latency_ms: u64,
    /// Requests that were sent, with those to other targets.
    pub attempts: u32,
    /// Addresses the answer rests on, where the provider searches the web.
    pub citations: Vec<String>,
    /// The body as it came; a stream has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

impl Answer {
    /// The document of an answer that was asked for with a schema; it has been checked against it.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(self.text.trim()).ok()
    }
}

/// A piece of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    Text(String),
    /// The last one: the whole answer, with its usage.
    Done(Box<Answer>),
}
