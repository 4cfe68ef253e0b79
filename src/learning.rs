//! Learning: what the record says about remedies, and how an outcome changes it. Pure; `memory` keeps the file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::diagnosis::Finding;
use crate::remedy::{Edit, Remedy};

mod advice;
mod setting;

pub use advice::{Advice, Advised};
pub use setting::Setting;

mod lesson;
mod limits;

pub use lesson::{Absorbed, Lesson, Taught};
pub use limits::STATE_BYTES_MAX;

/// An outcome counts half after this many days: tools and registries change.
const HALF_LIFE_DAYS: f64 = 180.0;
/// So many outcomes of other services weigh as much as those of services like this one.
const PRIOR: f64 = 2.0;
/// A failure is held against a remedy until its weight has decayed to this: about a year.
const FAILURE_REMEMBERED: f64 = 0.25;

/// `artifacts/deploy_learning_state.json` (spec E1). New fields may join; these keep their meaning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearningState {
    pub format: u32,
    /// Deploys that were tried.
    pub total_attempts: u64,
    pub successful: u64,
    /// Packages that failed to install → how often.
    pub failed_dependencies: BTreeMap<String, u64>,
    /// Fix id (`class/remedy/subject`) → why it helped.
    pub known_fixes: BTreeMap<String, String>,
    /// Strategy → build seconds, newest measurement.
    pub performance_map: BTreeMap<String, f64>,
    /// Track records by `class/remedy`.
    pub records: BTreeMap<String, TrackRecord>,
    /// The same by `class/remedy@ecosystem/base family`: what helps on Debian may not on Alpine.
    pub settings: BTreeMap<String, TrackRecord>,
    /// Configurations that went live, newest last.
    pub working: Vec<WorkingConfiguration>,
    /// How often each known fix was of use, by its id.
    pub fix_uses: BTreeMap<String, TrackRecord>,
    /// Fixes of models that healed, by `class/remedy`: from then on nobody needs to be asked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub advised: BTreeMap<String, Advised>,
    /// How far each session's lessons are in here, the newest last.
    pub absorbed: Vec<Absorbed>,
    /// What is older, of a session that is not among those, is in here.
    pub absorbed_until: Option<Timestamp>,
}

/// How often a remedy was tried for a class, and how often it helped. Weights decay with age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackRecord {
    pub helped: f64,
    pub failed: f64,
    pub last_used: Option<Timestamp>,
}

/// What the service looked like when it was last healthy (spec A6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkingConfiguration {
    pub service: String,
    pub commit: String,
    /// Base image of the last stage.
    pub base_image: String,
    /// Build seconds.
    pub build_s: f64,
    pub at: Timestamp,
}

impl TrackRecord {
    /// Mean of the posterior with a weak prior: one lucky success does not beat ten.
    pub fn chance(&self) -> f64 {
        (self.helped + 1.0) / (self.helped + self.failed + 2.0)
    }

    /// What it is worth at `now`.
    fn aged(mut self, now: Timestamp) -> Self {
        if let Some(last) = self.last_used {
            let days = now.duration_since(last).as_secs_f64() / 86_400.0;
            let factor = 0.5_f64.powf(days.max(0.0) / HALF_LIFE_DAYS);
            self.helped *= factor;
            self.failed *= factor;
        }
        self
    }

    /// How much it has to say.
    fn weight(&self) -> f64 {
        self.helped + self.failed
    }

    fn count(&mut self, outcome: Outcome, now: Timestamp) {
        *self = self.aged(now);
        self.last_used = Some(now);
        match outcome {
            Outcome::Helped => self.helped += 1.0,
            Outcome::Failed => self.failed += 1.0,
        }
    }
}

/// What became of a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Live, or a later failure: the failure it was for is gone.
    Helped,
    /// The same failure came back.
    Failed,
}

impl LearningState {
    pub const FORMAT: u32 = 1;

    /// The blank state of a first run.
    pub fn blank() -> Self {
        Self { format: Self::FORMAT, ..Self::default() }
    }

    pub fn record(&self, class: &str, remedy: &str) -> TrackRecord {
        self.records.get(&limits::name(&format!("{class}/{remedy}"))).copied().unwrap_or_default()
    }

    /// How likely `remedy` is to help a service like this one, 0 to 1. What happened to such services counts most; with little
    /// of that, what happened to others does.
    pub fn chance(&self, class: &str, remedy: &str, setting: &Setting, now: Timestamp) -> f64 {
        let general = self.record(class, remedy).aged(now).chance();
        let own = self.settings.get(&limits::name(&setting.key(class, remedy))).copied().unwrap_or_default().aged(now);
        (own.helped + PRIOR * general) / (own.helped + own.failed + PRIOR)
    }

    /// Orders the remedies of a finding: what failed here last, then applicability, what wrote a base image that is known to
    /// work, track record, and the order of the rule, which lists its remedies best first.
    pub fn rank(&self, finding: &mut Finding, setting: &Setting, now: Timestamp) {
        let class = finding.class.clone();
        let order = |remedy: &Remedy| {
            let chance = self.chance(&class, &remedy.id, setting, now);
            let own = self
                .settings
                .get(&limits::name(&setting.key(&class, &remedy.id)))
                .copied()
                .unwrap_or_default()
                .aged(now);
            let failed_here = own.failed >= FAILURE_REMEMBERED && own.failed > own.helped;
            #[expect(clippy::cast_possible_truncation, reason = "a chance lies between 0 and 1")]
            let worse = (1_000.0 - chance * 1_000.0).round() as i64;
            (failed_here, remedy.applicability, !self.writes_known_base(remedy), worse)
        };
        finding.remedies.sort_by_cached_key(order);
    }

    /// Whether a remedy starts a stage from an image with which a service went live.
    fn writes_known_base(&self, remedy: &Remedy) -> bool {
        let written = remedy.edits.iter().flat_map(|edit| match edit {
            Edit::Lines { old, new, .. } => new.iter().filter(|line| !old.contains(line)).collect(),
            _ => vec![],
        });
        let mut images = written.filter_map(|line| {
            let (keyword, rest) = line.trim().split_once(' ')?;
            let image = rest.split_whitespace().find(|word| !word.starts_with("--"))?;
            keyword.eq_ignore_ascii_case("FROM").then_some(image)
        });
        images.any(|image| self.working.iter().any(|known| known.base_image == image))
    }

    /// The outcome of a remedy.
    fn absorb(&mut self, taught: &Taught, setting: &Setting, now: Timestamp) {
        let Taught { class, subject, why, remedy, outcome, advice } = taught;
        self.settings.entry(limits::name(&setting.key(class, remedy))).or_default().count(*outcome, now);
        self.records.entry(limits::name(&format!("{class}/{remedy}"))).or_default().count(*outcome, now);
        let name = limits::name(&format!("{class}/{remedy}"));
        match (outcome, advice) {
            (Outcome::Helped, Some(advice)) if advice.is_small() => {
                self.advised.insert(name, Advised { advice: (**advice).clone(), at: now });
            }
            (Outcome::Helped, _) => {}
            (Outcome::Failed, _) => drop(self.advised.remove(&name)),
        }
        let id = limits::fix(&format!("{class}/{remedy}/{subject}"));
        match outcome {
            Outcome::Helped => {
                self.fix_uses.entry(id.clone()).or_default().count(*outcome, now);
                self.known_fixes.insert(id, limits::why(why));
            }
            Outcome::Failed => {
                self.known_fixes.remove(&id);
                self.fix_uses.remove(&id);
            }
        }
        self.forget_surplus(now);
    }

    /// A deploy ended.
    fn count_deploy(&mut self, live: bool) {
        self.total_attempts += 1;
        self.successful += u64::from(live);
    }

    /// A dependency could not be installed.
    fn count_failed_dependency(&mut self, name: &str, now: Timestamp) {
        if !name.is_empty() {
            *self.failed_dependencies.entry(limits::name(name)).or_default() += 1;
            self.forget_surplus(now);
        }
    }

    /// The service went live like this.
    fn remember_working(&mut self, working: &WorkingConfiguration, strategy: &str, now: Timestamp) {
        self.performance_map.insert(limits::name(strategy), working.build_s);
        let WorkingConfiguration { service, commit, base_image, build_s, at } = working;
        let [service, commit, base_image] = [service, commit, base_image].map(|text| limits::fix(text));
        self.working.retain(|known| known.service != service || known.base_image != base_image);
        self.working.push(WorkingConfiguration { service, commit, base_image, build_s: *build_s, at: *at });
        self.forget_surplus(now);
    }

    /// What a later run should know of this service (A6).
    pub fn last_working(&self, service: &str) -> Option<&WorkingConfiguration> {
        self.working.iter().rev().find(|known| known.service == service)
    }

    /// Share of deploys that went live, 0 to 1; `None` before the first.
    pub fn success_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        (self.total_attempts > 0).then(|| self.successful as f64 / self.total_attempts as f64)
    }

    /// Mean of the measured build times, in seconds.
    pub fn average_build_s(&self) -> Option<f64> {
        let times: Vec<f64> = self.performance_map.values().copied().filter(|seconds| *seconds > 0.0).collect();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
        (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lucky_success_does_not_beat_ten() {
        let lucky = TrackRecord { helped: 1.0, ..TrackRecord::default() };
        let proven = TrackRecord { helped: 9.0, failed: 1.0, last_used: None };
        assert!(proven.chance() > lucky.chance());
    }

    #[test]
    fn an_old_outcome_counts_less() {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let record = TrackRecord { helped: 4.0, failed: 0.0, last_used: Some(now) };
        let record = record.aged(now + jiff::SignedDuration::from_hours(24 * 180));
        assert!((record.helped - 2.0).abs() < 0.01, "{record:?}");
    }

    #[test]
    fn fields_of_the_specification_read_from_a_bare_document() {
        let state: LearningState =
            serde_json::from_str(r#"{"total_attempts":3,"known_fixes":{"a":"b"}}"#).expect("reads");
        assert_eq!((state.total_attempts, state.successful), (3, 0));
    }
}
