//! Exit codes (ux.md §5.2): one place that decides what a run's end means to a shell.

use std::process::ExitCode;

use crate::git::GitError;
use crate::memory::LockError;
use crate::mission::Outcome;
use crate::operations::Unchecked;
use crate::render::RenderError;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok,
    Failure,
    Usage,
    GaveUp,
    NeedsPerson,
    NotLoggedIn,
    NotFound,
    Locked,
    Problems,
    WouldChange,
    TimedOut,
    Interrupted,
    Terminated,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::GaveUp => 3,
            Self::NeedsPerson => 4,
            Self::NotLoggedIn => 5,
            Self::NotFound => 6,
            Self::Locked => 7,
            Self::Problems => 8,
            Self::WouldChange => 10,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    pub fn of_outcome(outcome: Outcome, detailed: bool) -> Self {
        match outcome {
            Outcome::AlreadyHealthy | Outcome::Deployed | Outcome::Healed | Outcome::RolledBack => Self::Ok,
            Outcome::GaveUp => Self::GaveUp,
            Outcome::NeedsPerson => Self::NeedsPerson,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::WouldChange if detailed => Self::WouldChange,
            Outcome::WouldChange => Self::Ok,
        }
    }

    pub fn of_error(error: &anyhow::Error) -> Self {
        for cause in error.chain() {
            if let Some(usage) = cause.downcast_ref::<Usage>() {
                return usage.exit;
            }
            if let Some(error) = cause.downcast_ref::<RenderError>() {
                return match error {
                    RenderError::Unauthorized { .. } | RenderError::Forbidden { .. } => Self::NotLoggedIn,
                    RenderError::NotFound { .. } | RenderError::Ambiguous { .. } => Self::NotFound,
                    RenderError::InsecureUrl { .. } | RenderError::BadUrl { .. } | RenderError::BadKey { .. } => {
                        Self::Usage
                    }
                    _ => Self::Failure,
                };
            }
            // The branch's owner has rules that only a person can satisfy.
            if matches!(cause.downcast_ref::<GitError>(), Some(GitError::Refused { .. })) {
                return Self::NeedsPerson;
            }
            if cause.is::<Unchecked>() {
                return Self::TimedOut;
            }
            if matches!(cause.downcast_ref::<LockError>(), Some(LockError::Held { .. })) {
                return Self::Locked;
            }
        }
        Self::Failure
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error of the person's input, with the next step.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Usage {
    pub message: String,
    pub hint: String,
    pub exit: Exit,
}

impl Usage {
    pub fn error(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { message: message.into(), hint: hint.into(), exit }.into()
    }
}

/// The next step for a person, from the first cause that knows one.
pub fn hint(error: &anyhow::Error) -> String {
    for cause in error.chain() {
        if let Some(usage) = cause.downcast_ref::<Usage>() {
            return usage.hint.clone();
        }
        if let Some(error) = cause.downcast_ref::<RenderError>() {
            return error.hint();
        }
        if let Some(LockError::Held { .. }) = cause.downcast_ref::<LockError>() {
            return "wait for it, or end that process; its session folder tells what it does".into();
        }
        if let Some(GitError::Refused { .. }) = cause.downcast_ref::<GitError>() {
            return "let the account that pushes push to this branch, or take the commits there by a pull request of your own"
                .into();
        }
        if cause.is::<Unchecked>() {
            return "see why the commit's checks have not passed; `domain-runner deploy` goes on once they have".into();
        }
        if let Some(GitError::NotARepository { .. }) = cause.downcast_ref::<GitError>() {
            return "run it inside your service's repository, or name its folder with -C".into();
        }
    }
    String::new()
}
