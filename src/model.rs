//! Models: eleven providers behind one interface, with what a caller would else have to do for each of them.
//!
//! A question goes to one target, or to a row of them. On its way it waits for the provider's limits (concurrency, requests
//! and tokens per minute), is repeated where that may help, within one budget of attempts, and comes back with what it
//! cost. Neither prompts, answers nor keys are logged or stand in an error.

mod asking;
mod bucket;
mod circuit;
mod error;
mod exchange;
mod gate;
mod patience;
mod prices;
mod provider;
mod refusal;
mod schema;
mod settings;
mod streaming;
mod wire;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use serde::Serialize;

use asking::Whole;
use gate::Gate;
use streaming::InPieces;
use wire::Wire;

pub use error::{ModelError, ModelErrorKind};
pub use exchange::{Answer, Delta, Message, Request, Role, Usage};
pub use prices::Price;
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
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    gates: BTreeMap<Provider, Arc<Gate>>,
    wire: Wire,
}

impl Models {
    /// With what the environment says (see [`Settings::from_env`]); no key at all is fine.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Self::new(Settings::from_env(env)?)
    }

    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let accesses = settings.providers.iter();
        let gates = accesses.map(|(provider, access)| (*provider, Arc::new(Gate::new(access, &settings)))).collect();
        Ok(Self { shared: Arc::new(Shared { gates, wire: Wire::new()?, settings }) })
    }

    /// All eleven, configured or not.
    pub fn providers(&self) -> Vec<ProviderStatus> {
        let status = |(provider, access): (&Provider, &settings::Access)| {
            let gate = &self.shared.gates[provider];
            ProviderStatus {
                provider: *provider,
                title: provider.title(),
                configured: access.key.is_some(),
                base_url: access.base_url.to_string(),
                default_model: access.model.clone(),
                circuit_open: !gate.is_open(),
                in_flight: gate.in_flight(),
                requests_per_minute: access.requests_per_minute.map(Into::into),
                tokens_per_minute: access.tokens_per_minute.map(Into::into),
            }
        };
        self.shared.settings.providers.iter().map(status).collect()
    }

    /// The model that answers for `target`.
    pub fn model<'a>(&'a self, target: &'a Target) -> &'a str {
        self.shared.model(target)
    }

    /// What `target` costs; `None` when nobody knows.
    pub fn price(&self, target: &Target) -> Option<Price> {
        self.shared.settings.prices.of(target.provider, self.model(target))
    }

    /// The day the prices are of, as `2026-11-24`.
    pub fn prices_as_of(&self) -> &str {
        &self.shared.settings.prices.as_of
    }

    /// Asks the request's target.
    pub async fn ask(&self, request: &Request) -> Result<Answer, ModelError> {
        self.ask_any(request, &[]).await
    }

    /// Asks the request's target and, where it has no answer, the others in turn: one budget of attempts for all.
    pub async fn ask_any(&self, request: &Request, fallbacks: &[Target]) -> Result<Answer, ModelError> {
        let (reply, account) = self.shared.persist::<Whole>(request, fallbacks).await?;
        Ok(account.answer(&self.shared, reply))
    }

    /// Asks the request's target for an answer piece by piece. Until the first piece it is repeated like any other.
    pub async fn stream(&self, request: &Request) -> Result<Deltas, ModelError> {
        self.stream_any(request, &[]).await
    }

    /// As [`Self::stream`], with others to ask where the target has no answer. Once pieces have come, nobody else is asked.
    pub async fn stream_any(&self, request: &Request, fallbacks: &[Target]) -> Result<Deltas, ModelError> {
        let (begun, account) = self.shared.persist::<InPieces>(request, fallbacks).await?;
        Ok(streaming::deltas(Arc::clone(&self.shared), begun, account, request.schema.as_ref()))
    }
}
