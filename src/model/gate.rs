//! The way in to one provider: how many at a time, how many and how much per minute, and whether at all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::bucket::Bucket;
use super::circuit::{Circuit, Resting};
use super::error::ModelErrorKind;
use super::exchange::Usage;
use super::settings::{Access, Settings};

#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    places_max: u32,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    circuit: Circuit,
    /// Until when the provider asked all to wait.
    pause: Mutex<Option<Instant>>,
}

/// Why nobody gets in.
#[derive(Debug)]
pub(super) enum Barred {
    Resting(Resting),
    /// The wait for the limits per minute would be longer than there is patience.
    TooBusy,
}

/// The right to send one request. Dropped unsettled, the request was given up.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
    _place: OwnedSemaphorePermit,
    tokens: f64,
    stage: Stage,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Out,
    Settled,
}

impl Gate {
    pub fn new(access: &Access, settings: &Settings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(access.concurrency as usize)),
            places_max: access.concurrency,
            requests: access.requests_per_minute.map(Bucket::new),
            tokens: access.tokens_per_minute.map(Bucket::new),
            circuit: Circuit::new(settings.circuit_failures, settings.circuit_rest),
            pause: Mutex::new(None),
        }
    }

    /// Waits for a place and for the limits per minute; `tokens` is an estimate of what the request takes.
    pub async fn enter(self: &Arc<Self>, tokens: f64, patience: Duration) -> Result<Pass, Barred> {
        // Whoever would be turned away at the end need not queue.
        if self.circuit.is_open() {
            self.circuit.enter().map_err(Barred::Resting)?;
        }
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return Err(Barred::TooBusy) };
        let paused = self.paused();
        if paused > patience {
            return Err(Barred::TooBusy);
        }
        let take = |bucket: &Option<Bucket>, amount| match bucket {
            Some(bucket) => bucket.take(amount, patience).ok_or(Barred::TooBusy),
            None => Ok(Duration::ZERO),
        };
        let for_request = take(&self.requests, 1.0)?;
        let for_tokens = take(&self.tokens, tokens).inspect_err(|_| {
            self.requests.iter().for_each(|bucket| bucket.settle(1.0, 0.0));
        })?;
        let mut pass = Pass { gate: Arc::clone(self), _place: place, tokens, stage: Stage::Waiting };
        sleep(for_request.max(for_tokens).max(paused)).await;
        self.circuit.enter().map_err(Barred::Resting)?;
        pass.stage = Stage::Out;
        Ok(pass)
    }

    pub fn is_open(&self) -> bool {
        !self.circuit.is_open()
    }

    pub fn in_flight(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        self.places_max.saturating_sub(free)
    }

    fn paused(&self) -> Duration {
        let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

impl Pass {
    /// The request was answered.
    pub fn answered(mut self, usage: Option<Usage>) {
        self.stage = Stage::Settled;
        self.gate.circuit.succeeded();
        if let (Some(bucket), Some(usage)) = (&self.gate.tokens, usage) {
            bucket.settle(self.tokens, (usage.input_tokens + usage.output_tokens) as f64);
        }
    }

    /// The request failed. Where the provider asks to wait, everybody does.
    pub fn failed(mut self, kind: ModelErrorKind, retry_after: Option<Duration>) {
        self.stage = Stage::Settled;
        match kind {
            ModelErrorKind::Transient | ModelErrorKind::QuotaExhausted => self.gate.circuit.failed(kind),
            _ => self.gate.circuit.succeeded(),
        }
        if let Some(wait) = retry_after.filter(|_| kind == ModelErrorKind::RateLimit) {
            let until = Instant::now() + wait;
            let mut pause = self.gate.pause.lock().unwrap_or_else(PoisonError::into_inner);
            *pause = pause.max(Some(until));
        }
        self.gate.tokens.iter().for_each(|bucket| bucket.settle(self.tokens, 0.0));
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        match self.stage {
            Stage::Waiting => {
                self.gate.requests.iter().for_each(|bucket| bucket.settle(1.0, 0.0));
                self.gate.tokens.iter().for_each(|bucket| bucket.settle(self.tokens, 0.0));
            }
            // It may have been worked on, and counted: what was taken stays taken.
            Stage::Out => self.gate.circuit.abandoned(),
            Stage::Settled => {}
        }
    }
}
