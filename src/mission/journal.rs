//! The journal of a run: an entry before each effect that must not happen twice, and one after it.
//!
//! Where a run stands follows from its entries alone (`course::Standing` is a fold over them), so that a run that was killed at
//! any moment can be taken up. Entries hold no secret: what comes from logs and files is redacted before it is written.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Outcome, RunEnd};
use crate::attempts::{Failure, Released};
use crate::diagnosis::Finding;
use crate::learning::{Lesson, Taught};
use crate::memory::{MemoryError, Session};
use crate::observation::redaction::Redactor;
use crate::phases::{Event as PhaseEvent, Phase};
use crate::service::{Commit, Deploy, DeployId, ServiceId};

/// The format of the journals this program writes, and the only one it takes up.
pub const FORMAT: u32 = 1;

/// Findings kept of a verdict: a report shows no more.
const FINDINGS_MAX: usize = 3;

/// Which run it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    pub format: u32,
    pub service: ServiceId,
    /// The service's name.
    pub name: String,
    pub branch: String,
    pub dry_run: bool,
    /// It goes back to an older deploy, and heals nothing.
    #[serde(default)]
    pub roll_back: bool,
}

/// Why the same commit gets another deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
    /// A passing trouble.
    Passing(Failure),
    /// Nobody knows what is wrong; it is tried once more.
    Unknown,
    /// The deploy there was got no verdict, or is gone.
    NoVerdict,
}

/// What a run did or is about to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", content = "details", rename_all = "kebab-case")]
pub enum Entry {
    /// A run begins. What stands before is of another run.
    Begun(Begun),
    /// The run goes on after it was cut short.
    Resumed,
    Swarm {
        spawned_us: u64,
    },
    Phase {
        phase: Phase,
        event: PhaseEvent,
    },
    /// The user's changes are `commit`; the branch will move there.
    IncludeChanges {
        onto: Commit,
        commit: Commit,
        paths: Vec<String>,
    },
    /// A fault was mended in the user's uncommitted file.
    WorkTree {
        path: String,
    },
    /// From now on `commit` shall be live. `removed`: the run's own fixes are not part of it.
    Meant {
        commit: Commit,
        removed: bool,
    },
    /// The user's commits will be pushed.
    Push {
        commit: Commit,
    },
    /// The commit is made, and will be pushed.
    Publish(Released),
    /// It is on the remote, and the local branch has followed.
    Published {
        commit: Commit,
    },
    /// A commit made for the remote was never pushed: somebody else was faster.
    Dropped {
        commit: Commit,
    },
    /// The commit meant has this deploy already.
    Found(Deploy),
    /// A deploy of `commit` will be adopted or asked for.
    StartDeploy {
        commit: Commit,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<DeployId>,
    },
    /// It exists.
    Deploying(Deploy),
    /// It is followed to its end. `ours`: this run began it or saw it unfinished, so it counts.
    Watch {
        deploy: Deploy,
        ours: bool,
    },
    Ended(Deploy),
    /// The failure of this deploy is worked on.
    Iteration {
        deploy: DeployId,
    },
    /// What the end of a deploy says, and teaches.
    Verdict {
        healthy: bool,
        failure: Option<Failure>,
        findings: Vec<Finding>,
        lesson: Lesson,
    },
    /// A trial on this machine has shown remedies to be of no use.
    Refuted {
        lesson: Lesson,
    },
    /// The same commit gets another deploy.
    Retry {
        instead_of: DeployId,
        why: Again,
    },
    /// There is nothing more to try: useless fixes are taken back, and the session is closed.
    Conclude(RunEnd),
    /// The commit that takes back a useless fix is made, and will be pushed.
    Withdraw {
        commit: Commit,
        withdrawn: Commit,
    },
    Withdrawn {
        commit: Commit,
    },
    /// An older deploy will be brought back.
    RollBack {
        to: DeployId,
        commit: Option<Commit>,
    },
    End {
        outcome: Outcome,
    },
}

/// One line of `journal.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// From 1.
    pub seq: u64,
    pub at: Timestamp,
    #[serde(flatten)]
    pub entry: Entry,
}

impl Entry {
    /// The entry without secrets. Ids, commits and marks are not touched: they hold none, and the run depends on them.
    fn redacted(mut self, redactor: &Redactor) -> Self {
        let redact = |text: &mut String| *text = redactor.redact(text);
        match &mut self {
            Self::IncludeChanges { paths, .. } => paths.iter_mut().for_each(redact),
            Self::WorkTree { path } => redact(path),
            Self::Publish(released) => redact_release(released, redactor),
            Self::Verdict { failure, findings, lesson, .. } => {
                failure.iter_mut().for_each(|failure| redact_failure(failure, redactor));
                findings.truncate(FINDINGS_MAX);
                findings.iter_mut().for_each(|finding| redact_finding(finding, redactor));
                redact_lesson(lesson, redactor);
            }
            Self::Refuted { lesson } => redact_lesson(lesson, redactor),
            Self::Retry { why: Again::Passing(failure), .. } => redact_failure(failure, redactor),
            Self::Conclude(end) => {
                end.findings.truncate(FINDINGS_MAX);
                end.findings.iter_mut().for_each(|finding| redact_finding(finding, redactor));
                end.fixes.iter_mut().chain(&mut end.next).for_each(redact);
                redact(&mut end.summary);
                end.health.iter_mut().for_each(|health| redact(&mut health.detail));
            }
            Self::Found(deploy) | Self::Deploying(deploy) | Self::Ended(deploy) | Self::Watch { deploy, .. } => {
                deploy.commit_message.iter_mut().for_each(redact);
            }
            Self::Begun(_)
            | Self::Resumed
            | Self::Swarm { .. }
            | Self::Phase { .. }
            | Self::Meant { .. }
            | Self::Push { .. }
            | Self::Published { .. }
            | Self::Dropped { .. }
            | Self::StartDeploy { .. }
            | Self::Iteration { .. }
            | Self::Retry { .. }
            | Self::Withdraw { .. }
            | Self::Withdrawn { .. }
            | Self::RollBack { .. }
            | Self::End { .. } => {}
        }
        self
    }
}

fn redact_lesson(lesson: &mut Lesson, redactor: &Redactor) {
    let redact = |text: &mut String| *text = redactor.redact(text);
    lesson.failed_dependency.iter_mut().for_each(redact);
    for Taught { subject, why, .. } in &mut lesson.taught {
        [subject, why].into_iter().for_each(redact);
    }
    if let Some((working, strategy)) = &mut lesson.working {
        [&mut working.base_image, strategy].into_iter().for_each(redact);
    }
}

fn redact_failure(failure: &mut Failure, redactor: &Redactor) {
    for text in [&mut failure.subject, &mut failure.why] {
        *text = redactor.redact(text);
    }
}

/// Remedies are left out: they quote files, and are found again.
fn redact_finding(finding: &mut Finding, redactor: &Redactor) {
    finding.remedies.clear();
    for text in [&mut finding.subject, &mut finding.why].into_iter().chain(&mut finding.evidence) {
        *text = redactor.redact(text);
    }
}

fn redact_release(released: &mut Released, redactor: &Redactor) {
    for fix in &mut released.fixes {
        redact_failure(&mut fix.failure, redactor);
        fix.title = redactor.redact(&fix.title);
    }
    released.undoes.iter_mut().for_each(|undone| redact_release(undone, redactor));
}

impl Line {
    /// What the line teaches.
    pub fn lesson(&self) -> Option<&Lesson> {
        match &self.entry {
            Entry::Verdict { lesson, .. } | Entry::Refuted { lesson } if !lesson.is_empty() => Some(lesson),
            _ => None,
        }
    }
}

/// The writer's end of a session's journal.
#[derive(Debug)]
pub struct Journal {
    session: Session,
    last: AtomicU64,
}

impl Journal {
    /// The journal of `session` after `past`, the lines that stand in it.
    pub fn after(session: Session, past: &[Line]) -> Self {
        let last = past.last().map_or(0, |line| line.seq);
        Self { session, last: AtomicU64::new(last) }
    }

    /// Writes `entry` without secrets, and returns the line. When this returns without an error, it is on disk.
    pub fn write(&self, entry: Entry, redactor: &Redactor) -> (Line, Result<(), MemoryError>) {
        let seq = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let line = Line { seq, at: crate::world::now(), entry: entry.redacted(redactor) };
        let written = self.session.append(&line);
        (line, written)
    }
}

/// The lines of the last run in a journal: a session whose name was used again has several.
pub fn last_run(lines: &[Line]) -> &[Line] {
    let begun = lines.iter().rposition(|line| matches!(line.entry, Entry::Begun(_)));
    &lines[begun.unwrap_or(0)..]
}

/// Which run a journal is of; `None` when it was cut short before it knew its service.
pub fn begun(lines: &[Line]) -> Option<&Begun> {
    match &last_run(lines).first()?.entry {
        Entry::Begun(begun) => Some(begun),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::Fix;

    #[test]
    fn an_entry_holds_no_secret_and_its_ids_are_whole() {
        let secret = "hunter2swordfish";
        let failure = Failure {
            mark: "00112233".into(),
            class: "st-missing-env".into(),
            subject: secret.into(),
            why: format!("`{secret}` is no host"),
        };
        let fix = Fix { failure, remedy: "srv-abcdef".into(), title: format!("Use {secret}"), advice: None };
        let (parent, commit) = (Commit("a".repeat(40)), Commit("abcdef".repeat(7)));
        let inner =
            Released { mark: "m".into(), fixes: vec![fix.clone()], parent, commit: commit.clone(), undoes: None };
        let released = Released { undoes: Some(Box::new(inner.clone())), ..inner };
        // A variable's value may be part of an id.
        let redactor = Redactor::new([secret.to_owned(), "abcdef".to_owned()]);
        let Entry::Publish(kept) = Entry::Publish(released).redacted(&redactor) else { panic!("another entry") };
        assert!(!serde_json::to_string(&kept).unwrap().contains(secret));
        assert_eq!((kept.commit, &kept.fixes[0].remedy), (commit, &fix.remedy));
        assert_eq!(kept.fixes[0].title, "Use [redacted]");
    }

    #[test]
    fn a_name_that_is_used_again_has_the_journal_of_its_last_run() {
        let begun = |service: &str| {
            let service = ServiceId(service.into());
            let (name, branch) = ("shop".into(), "main".into());
            Entry::Begun(Begun { format: FORMAT, service, name, branch, dry_run: false, roll_back: false })
        };
        let entries = [begun("srv-1"), Entry::Resumed, begun("srv-2"), Entry::Swarm { spawned_us: 3 }];
        let lines: Vec<Line> =
            (1..).zip(entries).map(|(seq, entry)| Line { seq, at: Timestamp::UNIX_EPOCH, entry }).collect();
        assert_eq!(last_run(&lines).len(), 2);
        assert_eq!(super::begun(&lines).unwrap().service.0, "srv-2");
        assert_eq!(super::begun(&lines[1..2]), None, "a run that did not know its service");
    }
}
