//! Attempts: what was tried in this run, whether it helped, and when to stop. Pure bookkeeping for both loops.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::choice::Tried;
use crate::diagnosis::Finding;
use crate::learning::{Advice, Outcome, Taught};
use crate::phases::{Progress, progress};
use crate::service::Commit;
use crate::workspace::Workspace;

/// The same failure after this many different remedies: there is no progress, stop (design §6).
pub const REMEDIES_PER_FAILURE_MAX: u32 = 3;

/// Instead of a failure's mark, for fixes of faults that the files alone show.
pub const FILES: &str = "files";

/// A failure as a run's record has it: enough to tell it apart and to learn from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stands for the fingerprint.
    pub mark: String,
    pub class: String,
    pub subject: String,
    /// What is wrong, in one sentence.
    pub why: String,
}

impl From<&Finding> for Failure {
    fn from(finding: &Finding) -> Self {
        let Finding { class, subject, why, .. } = finding.clone();
        Self { mark: finding.mark(), class, subject, why }
    }
}

/// A remedy that went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What it was for.
    pub failure: Failure,
    /// The remedy's id.
    pub remedy: String,
    pub title: String,
    /// Where it is a model's: the whole of it, to be remembered should it heal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Box<Advice>>,
}

/// Fixes that went out in one commit, whose effect is not known yet. The files are in the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The mark of the failure they were for, or [`FILES`].
    pub mark: String,
    pub fixes: Vec<Fix>,
    pub parent: Commit,
    pub commit: Commit,
    /// What the commit takes back: the fixes went on top of the files without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Box<Released>>,
}

/// The record of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attempts {
    pub tried: Vec<Tried>,
    last: Option<Released>,
    remedies: BTreeMap<String, u32>,
    /// Titles of the fixes that stand.
    pub kept: Vec<String>,
}

/// What the end of a deploy says about the fix before it.
#[derive(Debug, PartialEq)]
pub struct Heard {
    /// The fix that did not help, to be taken back.
    pub useless: Option<Released>,
    /// What to put on record.
    pub taught: Vec<Taught>,
}

impl Attempts {
    /// A fix is out.
    pub fn released(&mut self, release: Released) {
        // Only the primary fix is on trial: companions mend faults that the files prove, and may go out again.
        if let Some(Fix { failure, remedy, .. }) = release.fixes.first() {
            self.tried.push(Tried { mark: failure.mark.clone(), remedy: remedy.clone() });
        }
        self.kept.extend(release.fixes.iter().map(|fix| fix.title.clone()));
        *self.remedies.entry(release.mark.clone()).or_default() += 1;
        self.last = Some(release);
    }

    /// The same commit was tried again because of `failure`.
    pub fn retried(&mut self, failure: &Failure) {
        self.tried.push(Tried { mark: failure.mark.clone(), remedy: "retry".into() });
    }

    /// The deploy of the last fix failed with `failure` standing first.
    pub fn failed(&mut self, failure: Option<&Failure>) -> Heard {
        let now = failure.map(|failure| failure.mark.as_str()).unwrap_or_default();
        let Some(last) = self.last.take() else { return Heard { useless: None, taught: vec![] } };
        // What the files foretold and the log now tells is one fault.
        let same =
            |fix: &Fix| failure.is_some_and(|now| now.class == fix.failure.class && now.subject == fix.failure.subject);
        let foretold = last.mark == FILES && last.fixes.iter().any(same);
        let progress = if foretold { Progress::Stuck } else { progress(&last.mark, now) };
        let outcome = match progress {
            Progress::Moved => Outcome::Helped,
            Progress::Stuck => Outcome::Failed,
        };
        let mut taught = taught(&last, outcome);
        // That another failure follows is no health: of a model's word more is asked.
        taught.iter_mut().for_each(|taught| taught.advice = None);
        let useless = (progress == Progress::Stuck).then_some(last);
        if let Some(useless) = &useless {
            self.kept.retain(|title| !useless.fixes.iter().any(|gone| gone.title == *title));
        }
        Heard { useless, taught }
    }

    /// Whether a fix is out whose effect is not known yet.
    pub fn awaits_verdict(&self) -> bool {
        self.last.is_some()
    }

    /// The deploy went live and is healthy.
    pub fn succeeded(&mut self) -> Heard {
        let taught = self.last.take().map(|last| taught(&last, Outcome::Helped)).unwrap_or_default();
        Heard { useless: None, taught }
    }

    /// Somebody has taken the fixes out of the branch: they neither stand nor wait for a verdict.
    pub fn removed(&mut self) {
        self.last = None;
        self.kept.clear();
    }

    /// Whether enough remedies were tried for the failure with this mark.
    pub fn is_going_nowhere(&self, mark: &str) -> bool {
        self.remedies.get(mark).is_some_and(|tried| *tried >= REMEDIES_PER_FAILURE_MAX)
    }
}

/// Why a run stops then.
pub fn going_nowhere() -> String {
    format!("the same failure after {REMEDIES_PER_FAILURE_MAX} different fixes")
}

fn taught(release: &Released, outcome: Outcome) -> Vec<Taught> {
    let taught = |fix: &Fix| {
        let Failure { class, subject, why, .. } = fix.failure.clone();
        Taught { class, subject, why, remedy: fix.remedy.clone(), outcome, advice: fix.advice.clone() }
    };
    release.fixes.iter().map(taught).collect()
}

/// `head` with the paths that a useless fix changed from `before` to `after` put back as they were; those that somebody has
/// changed since stay.
pub fn taken_back(head: &Workspace, before: &Workspace, after: &Workspace) -> Workspace {
    let mut result = head.clone();
    for path in before.changed(after) {
        if head.file(&path) != after.file(&path) {
            continue;
        }
        match before.file(&path) {
            Some(file) => result.insert(&path, file.clone()),
            None => {
                result.remove(&path);
            }
        }
    }
    result
}
