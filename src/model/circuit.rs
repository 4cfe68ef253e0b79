//! A circuit: who failed too often in a row is left alone for a while, then tried with one request.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::ModelErrorKind;

#[derive(Debug)]
pub(super) struct Circuit {
    failures_max: u32,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Instant,
    why: ModelErrorKind,
    /// One request is out to see whether it works again.
    is_tried: bool,
}

/// Why a request may not go out, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resting {
    pub why: ModelErrorKind,
    pub wait: Duration,
}

impl Circuit {
    pub fn new(failures_max: u32, rest: Duration) -> Self {
        Self { failures_max, rest, state: Mutex::new(State { failures: 0, open: None }) }
    }

    /// Whether a request may go out now. After a rest the first one may, and the others wait for what becomes of it.
    pub fn enter(&self) -> Result<(), Resting> {
        let mut state = self.state();
        let Some(open) = &mut state.open else { return Ok(()) };
        let wait = open.until.saturating_duration_since(Instant::now());
        if wait.is_zero() && !open.is_tried {
            open.is_tried = true;
            return Ok(());
        }
        Err(Resting { why: open.why, wait })
    }

    /// It answered, if only to refuse: whoever refuses is there.
    pub fn succeeded(&self) {
        *self.state() = State { failures: 0, open: None };
    }

    /// It failed: exhausted quotas open at once, since nothing but money helps; other trouble by its number.
    pub fn failed(&self, why: ModelErrorKind) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let was_trial = state.open.is_some();
        if was_trial || state.failures >= self.failures_max || why == ModelErrorKind::QuotaExhausted {
            state.open = Some(Open { until: Instant::now() + self.rest, why, is_tried: false });
        }
    }

    /// What became of a request is not known: it was given up. Another one may try.
    pub fn abandoned(&self) {
        if let Some(open) = &mut self.state().open {
            open.is_tried = false;
        }
    }

    pub fn is_open(&self) -> bool {
        self.state().open.is_some_and(|open| open.until > Instant::now())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_request_tries_after_the_rest() {
        let circuit = Circuit::new(2, REST);
        circuit.failed(ModelErrorKind::Transient);
        circuit.succeeded();
        circuit.failed(ModelErrorKind::Transient);
        assert_eq!(circuit.enter(), Ok(()), "not in a row");
        circuit.failed(ModelErrorKind::Transient);
        assert_eq!(circuit.enter(), Err(Resting { why: ModelErrorKind::Transient, wait: REST }));
        tokio::time::advance(REST).await;
        assert_eq!(circuit.enter(), Ok(()));
        assert!(circuit.enter().is_err(), "one at a time");
        circuit.failed(ModelErrorKind::Transient);
        assert_eq!(circuit.enter(), Err(Resting { why: ModelErrorKind::Transient, wait: REST }), "a failed trial");
        tokio::time::advance(REST).await;
        assert_eq!(circuit.enter(), Ok(()));
        circuit.abandoned();
        assert_eq!(circuit.enter(), Ok(()), "what was given up does not keep it closed for ever");
        circuit.succeeded();
        assert_eq!((circuit.enter(), circuit.is_open()), (Ok(()), false));
    }

    #[tokio::test(start_paused = true)]
    async fn an_exhausted_quota_opens_it_at_once() {
        let circuit = Circuit::new(5, REST);
        circuit.failed(ModelErrorKind::QuotaExhausted);
        assert!(circuit.is_open());
        assert_eq!(circuit.enter().expect_err("rests").why, ModelErrorKind::QuotaExhausted);
    }
}
