//! How long to wait between two attempts, and whether there is to be another one.

use std::time::Duration;

use super::error::{ModelError, ModelErrorKind};
use super::settings::Settings;

/// An answer that does not fit is asked for once more: a model that misses twice will miss again, and each time is paid for.
const BAD_ANSWERS_MAX: u32 = 2;

/// The wait after the `failures`th failure at one target; `None` when another attempt there makes no sense.
///
/// `random` is from 0 to 1: without it all who were refused together would come back together.
pub(super) fn pause(error: &ModelError, failures: u32, settings: &Settings, random: f64) -> Option<Duration> {
    let is_hopeless = error.is_final || (error.kind == ModelErrorKind::BadAnswer && failures >= BAD_ANSWERS_MAX);
    if is_hopeless || !error.kind.is_worth_retrying() {
        return None;
    }
    let wait = match (error.retry_after, error.kind) {
        // Never sooner than asked, and a little later, each at its own time.
        (Some(asked), _) => asked + (asked / 4 + settings.backoff_base).mul_f64(random),
        (None, ModelErrorKind::BadAnswer) => Duration::ZERO,
        (None, _) => {
            let full = settings.backoff_base.saturating_mul(1 << failures.min(16).saturating_sub(1));
            full.mul_f64(0.5 + random / 2.0)
        }
    };
    (wait <= settings.wait_max).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Provider;

    fn settings() -> Settings {
        Settings::from_env(|_| None).expect("settings")
    }

    fn error(kind: ModelErrorKind, retry_after_s: Option<u64>) -> ModelError {
        let retry_after = retry_after_s.map(Duration::from_secs);
        ModelError { retry_after, ..ModelError::new(kind, Provider::OpenAi, "") }
    }

    #[test]
    fn who_is_asked_to_wait_waits_that_long_and_a_little_more() {
        let asked = error(ModelErrorKind::RateLimit, Some(8));
        let wait = |random| pause(&asked, 1, &settings(), random).expect("a wait");
        assert_eq!((wait(0.0), wait(1.0)), (Duration::from_secs(8), Duration::from_millis(10_500)));
    }

    #[test]
    fn waits_double_and_are_spread() {
        let failed = error(ModelErrorKind::Transient, None);
        let wait = |nth, random| pause(&failed, nth, &settings(), random).expect("a wait").as_millis();
        let waits = |random| [1, 2, 3].map(|nth| wait(nth, random));
        assert_eq!(waits(1.0), [500, 1_000, 2_000]);
        assert_eq!(waits(0.0), [250, 500, 1_000]);
    }

    #[test]
    fn what_waiting_does_not_mend_is_not_repeated() {
        let kinds = [ModelErrorKind::QuotaExhausted, ModelErrorKind::Auth, ModelErrorKind::ContextLength];
        assert!(kinds.into_iter().all(|kind| pause(&error(kind, None), 1, &settings(), 0.0).is_none()));
        assert_eq!(pause(&error(ModelErrorKind::RateLimit, Some(600)), 1, &settings(), 0.0), None, "too long");
        let bad = error(ModelErrorKind::BadAnswer, None);
        assert_eq!(pause(&bad, 1, &settings(), 0.5), Some(Duration::ZERO));
        assert_eq!(pause(&bad, 2, &settings(), 0.5), None);
    }
}
