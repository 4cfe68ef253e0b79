//! A lesson: what one verdict on a deploy teaches. It is kept in the journal first, and absorbed once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Advice, LearningState, Outcome, Setting, WorkingConfiguration};

/// Sessions whose progress is remembered. Only the newest are ever taken up again.
const SESSIONS_MAX: usize = 200;

/// What became of one remedy for one failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taught {
    pub class: String,
    pub subject: String,
    /// What was wrong.
    pub why: String,
    pub remedy: String,
    pub outcome: Outcome,
    /// Where the remedy is a model's, and healed: the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Box<Advice>>,
}

/// Everything that the end of a deploy teaches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lesson {
    /// Whether the deploy went live; `None` when it is on record already.
    pub deploy: Option<bool>,
    /// The package that could not be installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_dependency: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taught: Vec<Taught>,
    /// Of the service that it was taught by.
    pub setting: Setting,
    /// The configuration that went live, and the strategy its build time counts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working: Option<(WorkingConfiguration, String)>,
}

impl Lesson {
    /// Whether there is nothing in it to absorb; where it was taught is no news by itself.
    pub fn is_empty(&self) -> bool {
        *self == Self { setting: self.setting.clone(), ..Self::default() }
    }
}

/// How far the lessons of a session have been absorbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    pub session: String,
    /// The journal line of the last lesson.
    pub seq: u64,
    /// When it was taught. A name that is used again begins with line 1 again, but later.
    pub at: Timestamp,
}

impl LearningState {
    /// Whether the lesson of `at` on line `seq` of the journal of `session` was absorbed.
    pub fn knows(&self, session: &str, seq: u64, at: Timestamp) -> bool {
        match self.absorbed.iter().find(|mark| mark.session == session) {
            Some(mark) => mark.seq >= seq && mark.at >= at,
            // Of a session that long ago nothing is told any more.
            None => self.absorbed_until.is_some_and(|until| at <= until),
        }
    }

    /// Absorbs the lesson of `at` on line `seq` of the journal of `session`, unless that was done before: a run that was killed
    /// between journal and learning state teaches the rest when it is taken up, and nothing twice.
    pub fn take(&mut self, session: &str, seq: u64, lesson: &Lesson, at: Timestamp) -> bool {
        if self.knows(session, seq, at) {
            return false;
        }
        self.absorbed.retain(|mark| mark.session != session);
        self.absorbed.push(Absorbed { session: session.to_owned(), seq, at });
        let surplus = self.absorbed.len().saturating_sub(SESSIONS_MAX);
        for mark in self.absorbed.drain(..surplus) {
            self.absorbed_until = self.absorbed_until.max(Some(mark.at));
        }
        if let Some(live) = lesson.deploy {
            self.count_deploy(live);
        }
        if let Some(name) = &lesson.failed_dependency {
            self.count_failed_dependency(name, at);
        }
        for taught in &lesson.taught {
            self.absorb(taught, &lesson.setting, at);
        }
        if let Some((working, strategy)) = &lesson.working {
            self.remember_working(working, strategy, at);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_is_absorbed_once_however_often_it_is_told() {
        let mut state = LearningState::blank();
        let taught = Taught {
            class: "img-tag-not-found".into(),
            subject: "python".into(),
            why: "no such tag".into(),
            remedy: "use-tag".into(),
            outcome: Outcome::Helped,
            advice: None,
        };
        let lesson = Lesson { deploy: Some(true), taught: vec![taught], ..Lesson::default() };
        let mut told = vec![];
        // The last is of a folder that was removed, and made again under its old name.
        for (session, seq, at) in [("a", 4, 10), ("a", 4, 10), ("b", 4, 11), ("a", 9, 12), ("a", 4, 10), ("a", 2, 20)] {
            told.push(state.take(session, seq, &lesson, Timestamp::from_second(at).unwrap()));
        }
        assert_eq!(told, [true, false, true, true, false, true]);
        assert_eq!(state.total_attempts, 4);
        assert!((state.record("img-tag-not-found", "use-tag").helped - 4.0).abs() < 1e-3);
    }

    #[test]
    fn of_a_session_long_ago_nothing_is_absorbed_again() {
        let mut state = LearningState::blank();
        let lesson = Lesson { deploy: Some(false), ..Lesson::default() };
        let at = |second: usize| Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
        for second in 0..SESSIONS_MAX + 5 {
            assert!(state.take(&format!("s{second}"), 7, &lesson, at(second)));
        }
        assert_eq!(state.absorbed.len(), SESSIONS_MAX);
        assert!(!state.take("s3", 7, &lesson, at(3)));
        assert!(state.take("fresh", 1, &lesson, at(1_000)));
    }
}
