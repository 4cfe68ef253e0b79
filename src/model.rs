//! Models: eleven providers behind one interface, with what a caller would else have to do for each of them.
//!
//! A question goes to one target, or to a row of them. On its way it waits for the provider's limits (concurrency, requests
//! and tokens per minute), is repeated where that may help, within one budget of attempts, and comes back with what it
//! cost. Neither prompts, answers nor keys are logged or stand in an error.

mod error;
mod exchange;
mod provider;
mod settings;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use serde::Serialize;

pub use error::{ModelError, ModelErrorKind};
pub use exchange::{Answer, Delta, Message, Request, Role, Usage};
pub use provider::{Provider, Target, UnknownProvider};
pub use settings::{Settings, SettingsError};

/// The pieces of an answer as they arrive; ends after [`Delta::Done`] or the first error.
pub type Deltas = Pin<Box<dyn Stream<Item = Result<Delta, ModelError>> + Send>>;

/// What is known of a provider without asking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderStatus {
    pub provider: Provider,
    pub title: &'static str,
    /// Whether a key is set.
    pub configured: bool,
    pub base_url: String,
    /// The model that is asked when none is named.
    pub default_model: String,
    /// Whether it failed too often just now and is left alone for a while.
    pub circuit_open: bool,
    /// Questions it is working on.
    pub in_flight: u32,
    pub requests_per_minute: Option<u32>,
    pub tokens_per_minute: Option<u32>,
}

/// All providers. Cheap to clone; clones share connections, limits and circuits.
#[derive(Clone)]
pub struct Models {
    shared: Arc<Settings>,
}

impl Models {
    /// With what the environment says (see [`Settings::from_env`]); no key at all is fine.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Ok(Self::new(Settings::from_env(env)?))
    }

    pub fn new(settings: Settings) -> Self {
        Self { shared: Arc::new(settings) }
    }

    /// All eleven, configured or not.
    pub fn providers(&self) -> Vec<ProviderStatus> {
        let status = |(provider, access): (&Provider, &settings::Access)| ProviderStatus {
            provider: *provider,
            title: provider.title(),
            configured: access.key.is_some(),
            base_url: access.base_url.to_string(),
            default_model: access.model.clone(),
            circuit_open: false,
            in_flight: 0,
            requests_per_minute: access.requests_per_minute.map(Into::into),
            tokens_per_minute: access.tokens_per_minute.map(Into::into),
        };
        self.shared.providers.iter().map(status).collect()
    }

    /// Asks the request's target.
    pub async fn ask(&self, request: &Request) -> Result<Answer, ModelError> {
        self.ask_any(request, &[]).await
    }

    /// Asks the request's target and, where it has no answer, the others in turn: one budget of attempts for all.
    pub async fn ask_any(&self, request: &Request, _fallbacks: &[Target]) -> Result<Answer, ModelError> {
        let provider = request.target.provider;
        Err(ModelError::new(ModelErrorKind::NotConfigured, provider, format!("{} is not set", provider.key_variable())))
    }

    /// Asks the request's target for an answer piece by piece. Until the first piece it is repeated like any other.
    pub async fn stream(&self, request: &Request) -> Result<Deltas, ModelError> {
        let provider = request.target.provider;
        Err(ModelError::new(ModelErrorKind::NotConfigured, provider, format!("{} is not set", provider.key_variable())))
    }
}
