//! What can go wrong with a model, in classes that say what to do about it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::exchange::Usage;
use super::provider::Provider;

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// Too many requests or tokens for now; time heals it.
    RateLimit,
    /// Nothing more is paid for: credit, budget or plan. Told by the body, whatever the status; time alone does not heal it.
    QuotaExhausted,
    /// The key is missing, wrong, or not allowed to do this.
    Auth,
    /// The prompt is longer than the model reads.
    ContextLength,
    /// The provider refuses the prompt, or cut the answer.
    ContentPolicy,
    /// Time-outs, broken connections, 5xx, overload.
    Transient,
    /// The provider does not understand the request: an unknown model, a wrong parameter.
    BadRequest,
    /// An answer that is none: no JSON, not of the schema, empty, cut off.
    BadAnswer,
    /// No key is set for the provider.
    NotConfigured,
    /// The provider failed too often just now and is left alone for a while.
    CircuitOpen,
}

impl ModelErrorKind {
    /// As it stands in metrics and records: `rate_limit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Auth => "auth",
            Self::ContextLength => "context_length",
            Self::ContentPolicy => "content_policy",
            Self::Transient => "transient",
            Self::BadRequest => "bad_request",
            Self::BadAnswer => "bad_answer",
            Self::NotConfigured => "not_configured",
            Self::CircuitOpen => "circuit_open",
        }
    }

    /// Whether the same request may succeed at the same target a little later.
    pub fn is_worth_retrying(self) -> bool {
        matches!(self, Self::RateLimit | Self::Transient | Self::BadAnswer)
    }

    /// Whether another target may answer what this one did not: all but a request that is wrong in itself.
    pub fn is_worth_falling_back(self) -> bool {
        self != Self::BadRequest
    }
}

impl fmt::Display for ModelErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A question that got no answer. Holds neither prompt nor key, and may be logged.
#[derive(Debug, Clone, Error)]
#[error("{} gave no answer ({kind}): {message}", .provider.title())]
pub struct ModelError {
    pub kind: ModelErrorKind,
    /// The one that was asked last.
    pub provider: Provider,
    /// Our words, and the provider's codes; never its prose, which may quote prompts and keys.
    pub message: String,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// Requests that were sent.
    pub attempts: u32,
    /// What was used all the same: answers that did not fit are paid for, too.
    pub usage: Option<Usage>,
    /// What that cost, where it is known.
    pub cost_usd_micros: Option<u64>,
    /// The same question would get the same: another attempt there is no use.
    pub(super) is_final: bool,
}

impl ModelError {
    pub(crate) fn new(kind: ModelErrorKind, provider: Provider, message: impl Into<String>) -> Self {
        Self {
            kind,
            provider,
            message: message.into(),
            retry_after: None,
            status: None,
            attempts: 0,
            usage: None,
            cost_usd_micros: None,
            is_final: false,
        }
    }
}
