//! Advice: a fix that a model proposed and that healed. It is kept whole, for no rule would find it again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::diagnosis::Stage;
use crate::remedy::Edit;

/// More than any small fix has. What is larger is used once and not remembered.
const ADVICE_BYTES_MAX: usize = 3_000;

/// What a model said of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// `openai/gpt-5.4-mini`.
    pub by: String,
    pub class: String,
    pub subject: String,
    pub stage: Stage,
    /// What is wrong.
    pub why: String,
    /// Lines of the log it rests on, the decisive one first: the failure is told by it.
    pub evidence: Vec<String>,
    /// What is changed.
    pub title: String,
    pub edits: Vec<Edit>,
}

/// Advice that helped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advised {
    #[serde(flatten)]
    pub advice: Advice,
    /// When it last healed.
    pub at: Timestamp,
}

impl Advice {
    /// Whether it is small enough to be kept in the learning state.
    pub fn is_small(&self) -> bool {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        // There it stands two levels deeper.
        text.len() + 4 * text.lines().count() <= ADVICE_BYTES_MAX
    }
}
