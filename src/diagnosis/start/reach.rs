//! Reach: did the platform find the service, or did the service end before it could?

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::service::{DeployStatus, FailureReason};

/// The platform's words for a service that nobody can reach.
static UNREACHED: Phrases = Phrases::new(&[
    r"Port scan timeout reached",
    r"failed to detect open port",
    r"Timed out after waiting for internal health check",
    r"No open (?:HTTP )?ports detected",
    r"nothing listens there",
    r"==> Timed [Oo]ut",
]);

/// What only a process that ended leaves behind.
static ENDED: Phrases = Phrases::new(&[
    r"Exited with status [1-9]",
    r"Application exited early",
    r"Out of memory \(used over",
    r"^Traceback \(most recent call last\)",
    r"-- container ended with status",
]);

/// The line (an index) that tells that the service runs but is not reached. `None` for builds, for services that work
/// and for those that ended.
pub fn unreached(case: &Case<'_>) -> Option<usize> {
    if case.log.failing.is_some() || ended(case) {
        return None;
    }
    let failed = match case.status {
        None => true,
        Some(status) => matches!(status, DeployStatus::UpdateFailed),
    };
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let said = UNREACHED.last(case, &lines).map(|found| found.line);
    let reason = matches!(case.reason, Some(FailureReason::TimedOut { .. } | FailureReason::Unhealthy(_)));
    match said {
        Some(line) if failed => Some(line),
        None if failed && reason => case.log.lines.iter().rposition(|line| !line.text.trim().is_empty()),
        _ => None,
    }
}

/// Whether the process ended by itself or was ended.
pub fn ended(case: &Case<'_>) -> bool {
    let reason = matches!(
        case.reason,
        Some(FailureReason::NonZeroExit(_) | FailureReason::OomKilled { .. } | FailureReason::EarlyExit)
    );
    reason || ENDED.anywhere(case)
}

/// Whether this is about a service that was started, not about a build.
pub fn is_runtime(case: &Case<'_>) -> bool {
    case.log.failing.is_none() && !matches!(case.status, Some(DeployStatus::BuildFailed))
}
