//! The model that is asked about failures no rule names.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::counsel::{self, Brief};
use crate::model::{Message, Models, Request, Target};

/// Enough for an answer of the form that is asked for, and for the thoughts of a model that thinks.
const ANSWER_TOKENS_MAX: u32 = 6_000;

/// For all attempts: an agent that says nothing for twice this long is taken for stalled.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(85);

/// A model, and the way to it.
pub struct Adviser {
    models: Models,
    target: Target,
}

impl Adviser {
    pub fn new(models: Models, target: Target) -> Self {
        let model = Some(models.model(&target).to_owned());
        Self { target: Target { model, ..target }, models }
    }

    /// `openai/gpt-5.4-mini`.
    pub fn name(&self) -> String {
        self.target.to_string()
    }

    /// The answer or why there is none, and what it took, in words.
    pub(super) async fn ask(&self, brief: &Brief) -> (Result<Value, String>, String) {
        let request = Request {
            target: self.target.clone(),
            messages: vec![Message::system(brief.task), Message::user(brief.case.as_str())],
            max_tokens: ANSWER_TOKENS_MAX,
            temperature: None,
            schema: Some(counsel::schema()),
        };
        let answered = match timeout(ANSWER_TIMEOUT, self.models.ask(&request)).await {
            Ok(answered) => answered,
            Err(_) => return (Err("it did not answer in time".into()), format!("asked {}: no answer", self.target)),
        };
        let (usage, cost) = match &answered {
            Ok(answer) => (answer.usage, answer.cost_usd_micros),
            Err(error) => (error.usage, error.cost_usd_micros),
        };
        let tokens = usage.map(|usage| format!("{} + {} tokens", usage.input_tokens, usage.output_tokens));
        let dollars = cost.map(|micros| format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000));
        let took: Vec<String> = tokens.into_iter().chain(dollars).collect();
        let took = if took.is_empty() { "nothing known of its cost".to_owned() } else { took.join(", ") };
        let told = format!("asked {} about a failure no rule names: {took}", self.target);
        let answer = answered.map_err(|error| error.to_string());
        (answer.and_then(|answer| answer.json().ok_or_else(|| "its answer is no document".to_owned())), told)
    }
}
