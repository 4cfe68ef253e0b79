//! Render's clock, as the `Date` of its answers shows it. This machine's may be hours off, and is never compared with it.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};

use crate::world;

/// `Date` has whole seconds: on average it is so much behind.
const HALF_A_SECOND: SignedDuration = SignedDuration::from_millis(500);

/// How far Render's clock is ahead of this machine's.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<SignedDuration>);

impl Clock {
    /// What time it is on Render, as far as its answers told; before the first one, this machine's time.
    pub fn now(&self) -> Timestamp {
        let ahead = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        world::now().saturating_add(ahead).unwrap_or_else(|_| world::now())
    }

    /// Sets the clock by an answer that has just come.
    pub fn set_by(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| jiff::fmt::rfc2822::parse(date.trim()).ok()) else { return };
        let ahead = date.timestamp().duration_since(world::now()) + HALF_A_SECOND;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_clock_goes_as_renders_does() {
        let clock = Clock::default();
        let off = |clock: &Clock| clock.now().duration_since(world::now()).as_hours();
        assert_eq!(off(&clock), 0);
        for (date, expected_h) in [("Sun, 22 Nov 2037 10:00:30 GMT", true), ("yesterday", true)] {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static(date));
            clock.set_by(&headers);
            assert_eq!(off(&clock) > 24 * 365, expected_h, "{date}");
        }
    }
}
