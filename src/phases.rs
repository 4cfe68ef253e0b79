//! Phases: what may follow what in a run. The SPARC engine (spec B) as a state machine without effects.

use serde::{Deserialize, Serialize};

/// The five SPARC phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Specification,
    /// Pseudocode and architecture: the plan.
    Architecture,
    Refinement,
    Validation,
    Completion,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Self::Specification => "specification",
            Self::Architecture => "architecture",
            Self::Refinement => "refinement",
            Self::Validation => "validation",
            Self::Completion => "completion",
        }
    }
}

/// What happened, as far as the order of phases depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The service is healthy on the commit meant: nothing to do.
    AlreadyHealthy,
    /// There is something to mend or to deploy.
    Unhealthy,
    Planned,
    /// A deploy went live.
    WentLive,
    /// It did not stay healthy.
    FellOver,
    /// It stayed healthy and all endpoints answer.
    Stable,
    /// No remedy, no iterations or no time left.
    GaveUp,
}

/// An event that cannot happen in this phase: a bug, not a condition of the world.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{event:?}` cannot happen in the {} phase", phase.name())]
pub struct IllegalEvent {
    pub phase: Phase,
    pub event: Event,
}

impl Phase {
    /// The phase after `event`.
    ///
    /// # Errors
    /// When `event` cannot happen in this phase.
    pub fn after(self, event: Event) -> Result<Self, IllegalEvent> {
        Ok(match (self, event) {
            (Self::Specification, Event::AlreadyHealthy) => Self::Validation,
            (Self::Specification, Event::Unhealthy) => Self::Architecture,
            (Self::Architecture, Event::Planned) => Self::Refinement,
            (Self::Refinement, Event::WentLive) => Self::Validation,
            (Self::Validation, Event::FellOver) => Self::Refinement,
            (Self::Validation, Event::Stable) => Self::Completion,
            (Self::Specification | Self::Architecture | Self::Refinement | Self::Validation, Event::GaveUp) => {
                Self::Completion
            }
            (phase, event) => return Err(IllegalEvent { phase, event }),
        })
    }
}

/// The phase that a recorded run was in when its record ends.
///
/// # Errors
/// When the record is not one that a run could have written.
pub fn replay(events: impl IntoIterator<Item = Event>) -> Result<Phase, IllegalEvent> {
    events.into_iter().try_fold(Phase::Specification, Phase::after)
}

/// Did a fix help? (design §6)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// The failure is another one: keep the fix.
    Moved,
    /// The same failure: take the fix back.
    Stuck,
}

/// Compares the failure before a fix with the one after it.
pub fn progress(before: &str, after: &str) -> Progress {
    if before == after { Progress::Stuck } else { Progress::Moved }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_heals_ends_in_completion() {
        let events =
            [Event::Unhealthy, Event::Planned, Event::WentLive, Event::FellOver, Event::WentLive, Event::Stable];
        assert_eq!(replay(events), Ok(Phase::Completion));
    }

    #[test]
    fn a_finished_run_hears_nothing_more() {
        assert!(Phase::Completion.after(Event::WentLive).is_err());
    }
}
