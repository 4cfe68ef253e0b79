//! A limit per minute, as a bucket that refills: of requests, or of tokens.
//!
//! What is taken is an estimate, settled with the truth afterwards; so the level may fall below zero, and who comes then
//! waits the longer. Takers wait in the order they came.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE_S: f64 = 60.0;

#[derive(Debug)]
pub(super) struct Bucket {
    per_minute: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    level: f64,
    at: Instant,
}

impl Bucket {
    /// Holds a sixth of a minute's worth at once: providers count in short windows too.
    pub fn new(per_minute: NonZeroU32) -> Self {
        let per_minute = f64::from(per_minute.get());
        let state = State { level: burst(per_minute), at: Instant::now() };
        Self { per_minute, state: Mutex::new(state) }
    }

    /// Takes `amount` and says how long to wait until it is there; `None`, and nothing taken, if that is longer than `patience`.
    pub fn take(&self, amount: f64, patience: Duration) -> Option<Duration> {
        let mut state = self.refilled();
        let missing = (amount.min(burst(self.per_minute)) - state.level).max(0.0);
        let wait = Duration::from_secs_f64(missing * MINUTE_S / self.per_minute);
        if wait > patience {
            return None;
        }
        state.level -= amount;
        Some(wait)
    }

    /// `used` was taken in truth where `taken` was estimated.
    pub fn settle(&self, taken: f64, used: f64) {
        let mut state = self.refilled();
        state.level = (state.level + taken - used).min(burst(self.per_minute));
    }

    fn refilled(&self) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = now.saturating_duration_since(state.at).as_secs_f64() * self.per_minute / MINUTE_S;
        state.level = (state.level + gained).min(burst(self.per_minute));
        state.at = now;
        state
    }
}

fn burst(per_minute: f64) -> f64 {
    (per_minute / 6.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_secs(3_600);

    fn bucket(per_minute: u32) -> Bucket {
        Bucket::new(NonZeroU32::new(per_minute).expect("above 0"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_what_follows_comes_at_the_rate() {
        let bucket = bucket(60);
        let waits: Vec<u64> = (0..13).map(|_| bucket.take(1.0, PATIENT).expect("patient").as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(bucket.take(1.0, PATIENT), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_patient_enough_takes_nothing() {
        let bucket = bucket(6);
        assert_eq!(bucket.take(1.0, PATIENT), Some(Duration::ZERO));
        assert_eq!(bucket.take(1.0, Duration::from_secs(9)), None);
        assert_eq!(bucket.take(1.0, Duration::from_secs(10)), Some(Duration::from_secs(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_estimate_is_settled_with_the_truth_in_both_directions() {
        let bucket = bucket(600);
        assert_eq!(bucket.take(100.0, PATIENT), Some(Duration::ZERO));
        bucket.settle(100.0, 10.0);
        assert_eq!(bucket.take(90.0, PATIENT), Some(Duration::ZERO), "90 of 100 came back");
        bucket.settle(90.0, 190.0);
        assert_eq!(bucket.take(10.0, PATIENT), Some(Duration::from_secs(11)), "100 were owed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_larger_than_the_bucket_waits_for_a_full_one_and_not_forever() {
        let bucket = bucket(60);
        assert_eq!(bucket.take(500.0, PATIENT), Some(Duration::ZERO));
        assert!(
            bucket.take(1.0, PATIENT).is_some_and(|wait| wait > Duration::from_secs(400)),
            "its debt is waited for"
        );
    }
}
