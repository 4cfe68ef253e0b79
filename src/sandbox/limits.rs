//! Rate limits: which endpoint allows how much, and what the `Ratelimit-*` headers say (contract §2).

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::Timestamp;

const MINUTE_SECONDS: i64 = 60;

/// Endpoints that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bucket {
    Read,
    Write,
    /// Deploys, PATCH of a service, suspend, resume, deploy hooks: per service.
    Deploy,
    Logs,
}

impl Bucket {
    pub(super) fn of(method: &Method, path: &str) -> Self {
        let tail = path.rsplit('/').next().unwrap_or_default();
        match method {
            _ if path.starts_with("/v1/logs") => Self::Logs,
            _ if path.starts_with("/deploy/") => Self::Deploy,
            &Method::GET | &Method::HEAD => Self::Read,
            &Method::POST if matches!(tail, "deploys" | "suspend" | "resume") => Self::Deploy,
            &Method::PATCH => Self::Deploy,
            _ => Self::Write,
        }
    }

    fn calls_per_minute(self) -> u32 {
        match self {
            Self::Read => 400,
            Self::Write => 100,
            Self::Deploy => 10,
            Self::Logs => 30,
        }
    }
}

/// How a caller stands after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub limit: u32,
    pub remaining: u32,
    /// Seconds left, not an epoch: what all recorded traffic has (contract §2).
    pub reset_seconds: i64,
    pub exceeded: bool,
}

/// Counts calls in windows of a minute.
#[derive(Debug, Default)]
pub(super) struct Limits(BTreeMap<Bucket, (Timestamp, u32)>);

impl Limits {
    pub(super) fn count(&mut self, bucket: Bucket, now: Timestamp) -> Standing {
        let (begun, calls) = self.0.entry(bucket).or_insert((now, 0));
        if now.as_second() - begun.as_second() >= MINUTE_SECONDS {
            (*begun, *calls) = (now, 0);
        }
        *calls += 1;
        let limit = bucket.calls_per_minute();
        Standing {
            limit,
            remaining: limit.saturating_sub(*calls),
            reset_seconds: begun.as_second() + MINUTE_SECONDS - now.as_second(),
            exceeded: *calls > limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_deploy_of_a_minute_is_refused_and_the_next_minute_starts_anew() {
        let mut limits = Limits::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let bucket = Bucket::of(&Method::POST, "/v1/services/srv-1/deploys");
        let standings: Vec<bool> = (0..11).map(|_| limits.count(bucket, at(5)).exceeded).collect();
        assert_eq!(standings.iter().filter(|exceeded| **exceeded).count(), 1);
        assert!(standings[10]);
        assert!(!limits.count(bucket, at(65)).exceeded);
    }
}
