//! Past runs as their sessions tell: which ended, which were cut short, what they taught.

use jiff::Timestamp;
use serde_json::Value;

use super::journal::{Begun, Entry, FORMAT, Line, begun, last_run};
use crate::learning::LearningState;
use crate::memory::{MemoryError, Session, SessionId, Store};
use crate::service::ServiceId;

/// Ends that are none: the deploy still runs, or the outside failed.
const ENDS_TO_GO_ON_FROM: [&str; 2] = ["timed_out", "error"];

/// A session's run, as far as its journal can be read.
#[derive(Debug)]
pub struct PastRun {
    pub id: SessionId,
    /// The lines of its last run.
    pub lines: Vec<Line>,
    /// How it ended; `None` for a run that was cut short.
    pub outcome: Option<String>,
}

impl PastRun {
    /// # Errors
    /// The journal is damaged, or of another program version.
    pub fn read(session: &Session) -> Result<Self, MemoryError> {
        let lines: Vec<Line> = session.journal()?;
        let state = session.read_json::<Value>("final_state.json").ok().flatten();
        let outcome = state.map(|state| state["end"]["outcome"].as_str().unwrap_or("unknown").to_owned());
        Ok(Self { id: session.id().clone(), lines: last_run(&lines).to_vec(), outcome })
    }

    pub fn begun(&self) -> Option<&Begun> {
        begun(&self.lines).filter(|begun| begun.format == FORMAT)
    }

    /// Whether there is something to go on with.
    pub fn is_unfinished(&self) -> bool {
        let open = self.outcome.as_deref().is_none_or(|outcome| ENDS_TO_GO_ON_FROM.contains(&outcome));
        open && self.begun().is_some_and(|begun| !begun.dry_run)
    }

    /// Whether it goes back to an older deploy instead of healing.
    pub fn rolls_back(&self) -> bool {
        self.begun().is_some_and(|begun| begun.roll_back)
    }

    /// When it was last heard of.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.lines.last().map(|line| line.at)
    }

    /// What it had done when it was cut short, in a few words.
    pub fn words(&self) -> String {
        let count = |is: fn(&Entry) -> bool| self.lines.iter().filter(|line| is(&line.entry)).count();
        let fixes = count(|entry| matches!(entry, Entry::Published { .. }));
        let deploys = count(|entry| matches!(entry, Entry::Deploying(_)));
        format!("{fixes} fix commit(s), {deploys} deploy(s)")
    }
}

/// The newest run of `service` that was no dry run.
pub fn newest_of(store: &Store, service: &ServiceId) -> Option<PastRun> {
    runs(store).find(|run| run.begun().is_some_and(|begun| begun.service == *service && !begun.dry_run))
}

/// The runs of all sessions whose journals can be read, newest first.
pub fn runs(store: &Store) -> impl Iterator<Item = PastRun> {
    let sessions = store.sessions().into_iter().filter_map(|id| store.past_session(&id));
    sessions.filter_map(|session| PastRun::read(&session).ok())
}

/// The lessons of past runs.
#[derive(Debug, Default)]
pub struct Lessons {
    /// By session, each with its line, in the order of time.
    lines: Vec<(SessionId, Line)>,
    pub sessions: usize,
    /// Sessions whose journals cannot be read.
    pub unreadable: Vec<SessionId>,
}

impl Lessons {
    /// Those of all sessions of `store`.
    pub fn of(store: &Store) -> Self {
        Self::of_newest(store, usize::MAX)
    }

    /// Those of the `newest` sessions of `store`.
    pub fn of_newest(store: &Store, newest: usize) -> Self {
        let mut lessons = Self::default();
        for session in store.sessions().into_iter().take(newest).filter_map(|id| store.past_session(&id)) {
            match session.journal::<Line>() {
                Ok(lines) => {
                    lessons.sessions += 1;
                    let mut rehearsed = false;
                    for line in lines {
                        if let Entry::Begun(begun) = &line.entry {
                            rehearsed = begun.dry_run;
                        }
                        if line.lesson().is_some() && !rehearsed {
                            lessons.lines.push((session.id().clone(), line));
                        }
                    }
                }
                Err(_) => lessons.unreadable.push(session.id().clone()),
            }
        }
        lessons.lines.sort_by_key(|(_, line)| line.at);
        lessons
    }

    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// How many of them `state` has not absorbed.
    pub fn missing_from(&self, state: &LearningState) -> usize {
        self.lines.iter().filter(|(id, line)| !state.knows(id.as_str(), line.seq, line.at)).count()
    }

    /// Teaches `state` those that it has not absorbed.
    pub fn teach(&self, state: &mut LearningState) {
        for (id, line) in &self.lines {
            if let Some(lesson) = line.lesson() {
                state.take(id.as_str(), line.seq, lesson, line.at);
            }
        }
    }
}
