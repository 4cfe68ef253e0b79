//! Attempts: what was tried in this run, whether it helped, and when to stop. Pure bookkeeping for both loops.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::choice::Tried;
use crate::diagnosis::Finding;
use crate::learning::Outcome;
use crate::phases::{Progress, progress};
use crate::service::Commit;
use crate::workspace::Workspace;

/// The same failure after this many different remedies: there is no progress, stop (design §6).
pub const REMEDIES_PER_FAILURE_MAX: u32 = 3;

/// Instead of a failure's fingerprint, for fixes of faults that the files alone show.
pub const FILES: &str = "files";

/// A fix that is out and whose effect is not known yet.
#[derive(Debug, Clone)]
pub struct Released {
    /// Of the failure it was for, or [`FILES`].
    pub fingerprint: String,
    /// Findings with the remedy's id and title.
    pub fixes: Vec<(Finding, String, String)>,
    pub before: Arc<Workspace>,
    pub after: Arc<Workspace>,
    pub commit: Commit,
}

/// The record of a run.
#[derive(Debug, Default)]
pub struct Attempts {
    pub tried: Vec<Tried>,
    last: Option<Released>,
    remedies: BTreeMap<String, u32>,
    /// Titles of the fixes that stand.
    pub kept: Vec<String>,
}

/// What a failure says about the fix before it.
#[derive(Debug)]
pub struct Heard {
    pub progress: Progress,
    /// The fix that did not help, to be taken back.
    pub useless: Option<Released>,
    /// What to put on record.
    pub outcomes: Vec<(Finding, String, Outcome)>,
}

impl Attempts {
    /// A fix is out.
    pub fn released(&mut self, release: Released) {
        // Only the primary fix is on trial: companions mend faults that the files prove, and may go out again.
        if let Some((finding, remedy, _)) = release.fixes.first() {
            self.tried.push(Tried { fingerprint: finding.fingerprint(), remedy: remedy.clone() });
        }
        self.kept.extend(release.fixes.iter().map(|(_, _, title)| title.clone()));
        *self.remedies.entry(release.fingerprint.clone()).or_default() += 1;
        self.last = Some(release);
    }

    /// The same commit was tried again because of `finding`.
    pub fn retried(&mut self, finding: &Finding) {
        self.tried.push(Tried { fingerprint: finding.fingerprint(), remedy: "retry".into() });
    }

    /// The deploy of the last fix failed with `failure` standing first.
    pub fn failed(&mut self, failure: Option<&Finding>) -> Heard {
        let now = failure.map(Finding::fingerprint).unwrap_or_default();
        let Some(last) = self.last.take() else {
            return Heard { progress: Progress::Moved, useless: None, outcomes: vec![] };
        };
        // What the files foretold and the log now tells is one fault.
        let same = |finding: &Finding| {
            failure.is_some_and(|failure| failure.class == finding.class && failure.subject == finding.subject)
        };
        let foretold = last.fingerprint == FILES && last.fixes.iter().any(|(finding, ..)| same(finding));
        let progress = if foretold { Progress::Stuck } else { progress(&last.fingerprint, &now) };
        let outcome = match progress {
            Progress::Moved => Outcome::Helped,
            Progress::Stuck => Outcome::Failed,
        };
        let outcomes = outcomes(&last, outcome);
        let useless = (progress == Progress::Stuck).then_some(last);
        if let Some(useless) = &useless {
            self.kept.retain(|title| !useless.fixes.iter().any(|(_, _, gone)| gone == title));
        }
        Heard { progress, useless, outcomes }
    }

    /// Whether a fix is out whose effect is not known yet.
    pub fn awaits_verdict(&self) -> bool {
        self.last.is_some()
    }

    /// The deploy went live and is healthy.
    pub fn succeeded(&mut self) -> Vec<(Finding, String, Outcome)> {
        self.last.take().map(|last| outcomes(&last, Outcome::Helped)).unwrap_or_default()
    }

    /// Whether enough remedies were tried for the failure with this fingerprint.
    pub fn is_going_nowhere(&self, fingerprint: &str) -> bool {
        self.remedies.get(fingerprint).is_some_and(|tried| *tried >= REMEDIES_PER_FAILURE_MAX)
    }
}

/// Why a run stops then.
pub fn going_nowhere() -> String {
    format!("the same failure after {REMEDIES_PER_FAILURE_MAX} different fixes")
}

fn outcomes(release: &Released, outcome: Outcome) -> Vec<(Finding, String, Outcome)> {
    release.fixes.iter().map(|(finding, remedy, _)| (finding.clone(), remedy.clone(), outcome)).collect()
}

/// `head` with the paths that a useless fix changed put back as they were; those that somebody has changed since stay.
pub fn taken_back(head: &Workspace, useless: &Released) -> Workspace {
    let mut result = head.clone();
    for path in useless.before.changed(&useless.after) {
        if head.file(&path) != useless.after.file(&path) {
            continue;
        }
        match useless.before.file(&path) {
            Some(file) => result.insert(&path, file.clone()),
            None => {
                result.remove(&path);
            }
        }
    }
    result
}
