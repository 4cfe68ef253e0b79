//! One question until it is answered: attempts, waits between them, and the next target, within one budget.

use std::future::Future;

use jsonschema::Validator;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::Shared;
use super::error::{ModelError, ModelErrorKind};
use super::exchange::{Answer, Request, Usage};
use super::gate::{Barred, Pass};
use super::provider::{Provider, Target};
use super::wire::{Call, Reply};
use super::{patience, refusal, schema};

/// Tokens are about this long in prompts of any kind; a guess on the safe side, for limits and never for costs.
const CHARS_PER_TOKEN: usize = 3;

/// A way to send one request and to take what comes.
pub(super) trait Way {
    type Out: Send;

    /// The pass comes back with a failure, to be settled with it.
    fn go(
        shared: &Shared,
        call: &Call<'_>,
        validator: Option<&Validator>,
        pass: Pass,
    ) -> impl Future<Output = Result<Self::Out, (Pass, ModelError)>> + Send;
}

/// The answer in one piece.
pub(super) struct Whole;

impl Way for Whole {
    type Out = Reply;

    async fn go(
        shared: &Shared,
        call: &Call<'_>,
        validator: Option<&Validator>,
        pass: Pass,
    ) -> Result<Reply, (Pass, ModelError)> {
        let answered = timeout(shared.settings.request_timeout, shared.wire.complete(call)).await;
        let reply = answered.unwrap_or_else(|_| Err(refusal::lost(call.provider, "no answer in time")));
        match reply.and_then(|reply| checked(call.provider, reply, validator)) {
            Ok(reply) => {
                pass.answered(reply.usage);
                Ok(reply)
            }
            Err(error) => Err((pass, error)),
        }
    }
}

/// Who answers, and what it took until then.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub provider: Provider,
    model: String,
    attempts: u32,
    started: Instant,
    spent: Spent,
}

/// What was used and paid for, over all attempts.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    usage: Option<Usage>,
    cost_usd_micros: u64,
    /// Of a part nobody knows what it cost.
    is_unknown: bool,
}

impl Account {
    /// Books what an answer took, fitting or not.
    fn book(&mut self, shared: &Shared, served: Option<&str>, usage: Option<Usage>, stated: Option<u64>) {
        let prices = &shared.settings.prices;
        let price = || prices.of(self.provider, &self.model).or_else(|| prices.of(self.provider, served?));
        let cost = stated.or_else(|| Some(price()?.cost_usd_micros(usage?)));
        self.spent.is_unknown |= cost.is_none();
        self.spent.cost_usd_micros = self.spent.cost_usd_micros.saturating_add(cost.unwrap_or(0));
        self.spent.usage = match (self.spent.usage, usage) {
            (Some(so_far), Some(more)) => Some(so_far.plus(more)),
            (so_far, more) => more.or(so_far),
        };
    }

    fn cost_usd_micros(&self) -> Option<u64> {
        Some(self.spent.cost_usd_micros).filter(|_| !self.spent.is_unknown && self.spent.usage.is_some())
    }

    pub fn answer(mut self, shared: &Shared, reply: Reply) -> Answer {
        self.book(shared, reply.model.as_deref(), reply.usage, reply.cost_usd_micros);
        let served = reply.model.filter(|model| !model.is_empty());
        Answer {
            text: reply.text,
            provider: self.provider,
            finish: reply.finish,
            usage: self.spent.usage,
            cost_usd_micros: self.cost_usd_micros(),
            latency_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts: self.attempts,
            citations: reply.citations,
            raw: reply.raw,
            model: served.unwrap_or(self.model),
        }
    }

    /// Tells the gate of a failure, and books what it took.
    pub fn failed(&mut self, shared: &Shared, pass: Pass, error: &ModelError) {
        pass.failed(error.kind, error.retry_after);
        if error.usage.is_some() {
            self.book(shared, None, error.usage, error.cost_usd_micros);
        }
    }

    /// `error`, with all that was used up to it.
    pub fn close(self, error: ModelError) -> ModelError {
        let (usage, cost_usd_micros) = (self.spent.usage, self.cost_usd_micros());
        ModelError { attempts: self.attempts, usage, cost_usd_micros, ..error }
    }
}

impl Shared {
    /// Attempts until one succeeds. Each target that follows keeps one attempt of the budget.
    pub async fn persist<W: Way>(
        &self,
        request: &Request,
        fallbacks: &[Target],
    ) -> Result<(W::Out, Account), ModelError> {
        let provider = request.target.provider;
        let bad = |why| ModelError::new(ModelErrorKind::BadRequest, provider, why);
        let validator = request.schema.as_ref().map(schema::validator).transpose().map_err(bad)?;
        let mut account =
            Account { provider, model: String::new(), attempts: 0, started: Instant::now(), spent: Spent::default() };
        let mut failure: Option<ModelError> = None;
        for (index, target) in std::iter::once(&request.target).chain(fallbacks).enumerate() {
            let kept = u32::try_from(fallbacks.len() - index).unwrap_or(u32::MAX);
            let mut failures = 0;
            while account.attempts < self.settings.attempts_max {
                account.provider = target.provider;
                self.model(target).clone_into(&mut account.model);
                let error = match self.attempt::<W>(request, &mut account, validator.as_ref()).await {
                    Ok(out) => return Ok((out, account)),
                    Err(error) => error,
                };
                failures += 1;
                debug!(kind = %error.kind, attempt = account.attempts, "no answer from `{target}`");
                let wait = patience::pause(&error, failures, &self.settings, fastrand::f64());
                let was_asked = !matches!(error.kind, ModelErrorKind::NotConfigured | ModelErrorKind::CircuitOpen);
                // What somebody answered says more than that somebody else could not be asked.
                if was_asked || failure.is_none() {
                    failure = Some(error);
                }
                match wait {
                    Some(wait) if account.attempts.saturating_add(kept) < self.settings.attempts_max => {
                        sleep(wait).await;
                    }
                    _ => break,
                }
            }
            if failure.as_ref().is_some_and(|error| !error.kind.is_worth_falling_back()) {
                break;
            }
        }
        Err(account.close(failure.unwrap_or_else(|| bad("no attempt is allowed"))))
    }

    pub fn model<'a>(&'a self, target: &'a Target) -> &'a str {
        target.model.as_deref().unwrap_or(&self.settings.providers[&target.provider].model)
    }

    /// One request, after waiting for its turn.
    async fn attempt<W: Way>(
        &self,
        request: &Request,
        account: &mut Account,
        validator: Option<&Validator>,
    ) -> Result<W::Out, ModelError> {
        let provider = account.provider;
        let access = &self.settings.providers[&provider];
        let Some(key) = &access.key else {
            let message = format!("{} is not set", provider.key_variable());
            return Err(ModelError::new(ModelErrorKind::NotConfigured, provider, message));
        };
        let pass = self.gates[&provider].enter(estimate(request), self.settings.wait_max).await;
        let pass = pass.map_err(|barred| turned_away(provider, &barred))?;
        account.attempts += 1;
        let model = account.model.clone();
        let call = Call { provider, access, key, model: &model, request };
        match W::go(self, &call, validator, pass).await {
            Ok(out) => Ok(out),
            Err((pass, error)) => {
                account.failed(self, pass, &error);
                Err(error)
            }
        }
    }
}

fn estimate(request: &Request) -> f64 {
    let chars: usize = request.messages.iter().map(|message| message.text.len()).sum();
    (chars / CHARS_PER_TOKEN) as f64 + f64::from(request.max_tokens)
}

fn turned_away(provider: Provider, barred: &Barred) -> ModelError {
    let error = |kind, message: &str| ModelError { is_final: true, ..ModelError::new(kind, provider, message) };
    match barred {
        Barred::Resting(resting) => {
            let failed = format!("it failed too often just now ({}) and is left alone for a while", resting.why);
            let kind = match resting.why {
                ModelErrorKind::QuotaExhausted => ModelErrorKind::QuotaExhausted,
                _ => ModelErrorKind::CircuitOpen,
            };
            ModelError { retry_after: Some(resting.wait), ..error(kind, &failed) }
        }
        Barred::TooBusy => error(ModelErrorKind::RateLimit, "its turn, by the limits set here, would come too late"),
    }
}

/// The reply as it may be handed on: with an answer in it, and of the schema that was asked for.
pub(super) fn checked(
    provider: Provider,
    mut reply: Reply,
    validator: Option<&Validator>,
) -> Result<Reply, ModelError> {
    let is_cut = reply.finish == "length";
    let bad = |kind, message: String, reply: &Reply| ModelError {
        usage: reply.usage,
        cost_usd_micros: reply.cost_usd_micros,
        // Cut off once, cut off again.
        is_final: is_cut,
        ..ModelError::new(kind, provider, message)
    };
    if reply.text.trim().is_empty() {
        let (kind, why) = match reply.finish.as_str() {
            "content_filter" => (ModelErrorKind::ContentPolicy, "the answer was withheld"),
            "length" => (ModelErrorKind::BadAnswer, "all of `max_tokens` was used up before the answer began"),
            _ => (ModelErrorKind::BadAnswer, "the answer is empty"),
        };
        return Err(bad(kind, why.to_owned(), &reply));
    }
    if let Some(validator) = validator {
        match schema::fitting(&reply.text, validator) {
            Ok(document) => reply.text = document,
            Err(_) if is_cut => {
                let why = "the document was cut off by `max_tokens`".to_owned();
                return Err(bad(ModelErrorKind::BadAnswer, why, &reply));
            }
            Err(why) => return Err(bad(ModelErrorKind::BadAnswer, why, &reply)),
        }
    }
    Ok(reply)
}
