//! The counsellor: failures that no rule names are looked up among what was learned, and put before a model where one is set.

use std::collections::HashSet;
#[cfg(feature = "model")]
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::Operations;
#[cfg(feature = "model")]
use super::adviser::Adviser;
use crate::counsel::{self, Brief};
use crate::diagnosis::{Diagnosis, Finding, Log};
use crate::learning::{Advice, LearningState};
use crate::narration::Event;
use crate::observation::Observation;
use crate::workspace::Workspace;

#[cfg(feature = "model")]
/// Questions per run: a run that needs more is not near its end.
const QUESTIONS_MAX: u32 = 3;

/// Who is asked, what was asked, and what came of it. Clones share all of it.
#[derive(Clone, Default)]
pub struct Counsellor {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    #[cfg(feature = "model")]
    adviser: Option<Adviser>,
    #[cfg(feature = "model")]
    asked: AtomicU32,
    /// Failures of which nothing that can be believed was said, by their marks.
    given_up: Mutex<HashSet<String>>,
    /// What was said of others in this run: a failure that comes back, in a trial or a deploy, must be known as the same.
    said: Mutex<Vec<Advice>>,
}

impl Counsellor {
    /// One who asks `adviser`; the default one asks nobody.
    #[cfg(feature = "model")]
    pub fn asking(adviser: Adviser) -> Self {
        Self { shared: Arc::new(Shared { adviser: Some(adviser), ..Shared::default() }) }
    }

    /// This was said in this run.
    pub fn remember<'a>(&self, advice: impl IntoIterator<Item = &'a Advice>) {
        let mut said = self.shared.said.lock().unwrap_or_else(PoisonError::into_inner);
        for advice in advice {
            if !said.contains(advice) {
                said.push(advice.clone());
            }
        }
    }

    fn known(&self, learning: &LearningState, log: &Log, files: &Workspace) -> Option<Finding> {
        let said = self.shared.said.lock().unwrap_or_else(PoisonError::into_inner);
        counsel::said(&said, log, files).or_else(|| counsel::remembered(learning, log, files))
    }

    fn given_up(&self) -> MutexGuard<'_, HashSet<String>> {
        self.shared.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operations {
    /// As [`Operations::diagnose`]; and where no rule names the failure, what was learned of it, or what a model says of it.
    ///
    /// A model is asked only where `may_ask` and a trial can prove what it says.
    pub async fn examine(
        &self,
        observation: &Observation,
        files: &Workspace,
        learning: &LearningState,
        may_ask: bool,
    ) -> Diagnosis {
        let mut diagnosis = self.diagnose(observation, files).await;
        if !counsel::is_needed(&diagnosis) {
            return diagnosis;
        }
        let log = Log::of(observation);
        if log.lines.is_empty() {
            return diagnosis;
        }
        let found = match self.counsellor.known(learning, &log, files) {
            Some(found) => Some(found),
            None => self.consult(&log, files, may_ask).await,
        };
        diagnosis.findings.splice(0..0, found);
        diagnosis
    }

    async fn consult(&self, log: &Log, files: &Workspace, may_ask: bool) -> Option<Finding> {
        let brief = Brief::of(log, files, &self.facts, &self.redactor);
        if !may_ask || self.counsellor.given_up().contains(&brief.mark) || self.no_trial(files).await.is_some() {
            return None;
        }
        let (by, answer) = self.ask(&brief).await?;
        let read = |answer| counsel::read(answer, &brief, log, files, &self.facts, &by);
        match answer.and_then(read) {
            Ok(finding) => {
                let advice = finding.remedies.first().and_then(|remedy| counsel::advice(&finding, remedy));
                self.counsellor.remember(&advice);
                Some(finding)
            }
            Err(reason) => {
                self.narrator.tell(Event::FixRejected { class: counsel::CLASS.into(), remedy: by, reason });
                self.counsellor.given_up().insert(brief.mark);
                None
            }
        }
    }

    /// Who was asked, and what came back or why nothing did; `None` where nobody is asked any more.
    #[cfg(feature = "model")]
    async fn ask(&self, brief: &Brief) -> Option<(String, Result<Value, String>)> {
        let adviser = self.counsellor.shared.adviser.as_ref()?;
        if self.counsellor.shared.asked.fetch_add(1, Ordering::Relaxed) >= QUESTIONS_MAX {
            return None;
        }
        let (answer, told) = adviser.ask(brief).await;
        self.narrator.tell(Event::Agent { agent: "counsellor", did: told });
        Some((adviser.name(), answer))
    }

    #[cfg(not(feature = "model"))]
    #[expect(clippy::unused_async, reason = "with models it waits")]
    async fn ask(&self, _: &Brief) -> Option<(String, Result<Value, String>)> {
        None
    }
}
