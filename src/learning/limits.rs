//! Limits: the learning state stays under 1 MB (spec E2). What is of least use is forgotten first.
//!
//! Every text has a longest form and every collection a greatest count, so that the worst case is known: twice 500 records of
//! some 300 bytes, 450 fixes of 800, 20 fixes of models of 3,200, 600 packages of 140, 150 strategies of 180, 50 configurations
//! of 700, 200 sessions of 150: 0.95 MB. Texts of that length are rare; a state of a hundred services has some 100 kB.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{LearningState, TrackRecord};

/// What the file may have, in bytes.
pub const STATE_BYTES_MAX: usize = 1_000_000;

pub(super) const RECORDS_MAX: usize = 500;
pub(super) const FIXES_MAX: usize = 450;
pub(super) const ADVISED_MAX: usize = 20;
pub(super) const DEPENDENCIES_MAX: usize = 600;
pub(super) const STRATEGIES_MAX: usize = 150;
/// Newest first.
pub(super) const CONFIGURATIONS_MAX: usize = 50;

/// As JSON, in bytes.
const NAME_BYTES_MAX: usize = 120;
const FIX_BYTES_MAX: usize = 200;
const WHY_BYTES_MAX: usize = 200;

/// When a collection is full, this share stays: forgetting one at a time would sort at each lesson.
const KEPT_PERCENT: usize = 90;

/// `text`, cut so that its JSON form has no more than `bytes_max` bytes.
fn cut(text: &str, bytes_max: usize) -> String {
    let mut bytes = 0;
    text.chars()
        .take_while(|letter| {
            bytes += match letter {
                '"' | '\\' | '\n' | '\r' | '\t' => 2,
                control if control.is_control() => 6,
                plain => plain.len_utf8(),
            };
            bytes <= bytes_max
        })
        .collect()
}

/// The name of a package, a strategy, a record.
pub(super) fn name(text: &str) -> String {
    cut(text, NAME_BYTES_MAX)
}

/// The id of a known fix.
pub(super) fn fix(text: &str) -> String {
    cut(text, FIX_BYTES_MAX)
}

/// Why it helped.
pub(super) fn why(text: &str) -> String {
    cut(text, WHY_BYTES_MAX)
}

impl LearningState {
    /// Forgets what is over the limits: of records and fixes those of least weight at `now`, of packages the rarest.
    pub(super) fn forget_surplus(&mut self, now: Timestamp) {
        let weight = |record: &TrackRecord| record.aged(now).weight();
        forget(&mut self.records, RECORDS_MAX, |_, record| weight(record));
        forget(&mut self.settings, RECORDS_MAX, |_, record| weight(record));
        let uses = &self.fix_uses;
        forget(&mut self.known_fixes, FIXES_MAX, |id, _| uses.get(id).map_or(0.0, weight));
        #[expect(clippy::cast_precision_loss, reason = "a second more or less decides nothing")]
        forget(&mut self.advised, ADVISED_MAX, |_, advised| advised.at.as_second() as f64);
        if self.fix_uses.len() > self.known_fixes.len() {
            let known = &self.known_fixes;
            self.fix_uses.retain(|id, _| known.contains_key(id));
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        forget(&mut self.failed_dependencies, DEPENDENCIES_MAX, |_, count| *count as f64);
        let surplus = self.working.len().saturating_sub(CONFIGURATIONS_MAX);
        self.working.drain(..surplus);
        // Of a service that is still known.
        let is_known = |strategy: &str| self.working.iter().any(|known| strategy.starts_with(&known.service));
        forget(&mut self.performance_map, STRATEGIES_MAX, |strategy, _| f64::from(u8::from(is_known(strategy))));
    }
}

/// Removes from a `map` that holds more than `max` those of least worth.
fn forget<V>(map: &mut BTreeMap<String, V>, max: usize, worth: impl Fn(&String, &V) -> f64) {
    if map.len() <= max {
        return;
    }
    let mut least: Vec<(f64, String)> = map.iter().map(|(key, value)| (worth(key, value), key.clone())).collect();
    least.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, key) in least.drain(..map.len() - max * KEPT_PERCENT / 100) {
        map.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Stage;
    use crate::learning::{Advice, Lesson, Outcome, Taught, WorkingConfiguration};
    use crate::remedy::Edit;

    /// A lesson with texts of the greatest length, of which no two are alike.
    fn long(number: usize, at: Timestamp) -> Lesson {
        let text = |start: &str| format!("{start}-{number}-{}", "\"ü\u{1}".repeat(25));
        let taught = Taught {
            class: text("class"),
            subject: text("subject"),
            why: text("why"),
            remedy: text("remedy"),
            outcome: Outcome::Helped,
            advice: Some(Box::new(largest_advice(number))),
        };
        let working = WorkingConfiguration {
            service: text("service"),
            commit: text("commit"),
            base_image: text("image"),
            build_s: 1.0 / 3.0,
            at,
        };
        Lesson {
            deploy: Some(true),
            failed_dependency: Some(text("package")),
            taught: vec![taught],
            working: Some((working, text("strategy"))),
            ..Lesson::default()
        }
    }

    /// As large as is kept.
    fn largest_advice(number: usize) -> Advice {
        static LINES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        let advice = |lines: usize| Advice {
            by: "openai/m".into(),
            class: "c".into(),
            subject: format!("{number:06}"),
            stage: Stage::AppBuild,
            why: "w".into(),
            evidence: vec!["e".into()],
            title: "t".into(),
            edits: vec![Edit::Create { path: "f".into(), text: "\"\n".repeat(lines) }],
        };
        let lines = LINES.get_or_init(|| (0..).take_while(|lines| advice(*lines).is_small()).last().unwrap_or(0));
        advice(*lines)
    }

    #[test]
    fn a_hundred_thousand_lessons_stay_under_a_megabyte_and_what_was_proven_stays() {
        let mut state = LearningState::blank();
        let mut at = Timestamp::from_second(1_800_000_000).unwrap();
        let proven = Taught {
            class: "py-conflict".into(),
            subject: "numpy".into(),
            why: "they cannot be installed together".into(),
            remedy: "re-pin".into(),
            outcome: Outcome::Helped,
            advice: None,
        };
        let lesson = Lesson { failed_dependency: Some("numpy".into()), taught: vec![proven], ..Lesson::default() };
        let mut largest = 0;
        for number in 0..100_000 {
            at += jiff::SignedDuration::from_secs(60);
            let session = format!("{}-{number}", "s".repeat(50));
            // Now and then the same remedy helps.
            let lesson = if number % 100 == 0 { &lesson } else { &long(number, at) };
            assert!(state.take(&session, 1, lesson, at));
            if number % 10_000 == 9_999 || number == RECORDS_MAX {
                largest = largest.max(serde_json::to_vec_pretty(&state).unwrap().len());
            }
        }
        assert!(largest < STATE_BYTES_MAX, "{largest} bytes");
        assert!(largest > STATE_BYTES_MAX / 2, "the limits are far too tight: {largest} bytes");
        assert!(state.records.contains_key("py-conflict/re-pin"));
        assert_eq!(state.known_fixes["py-conflict/re-pin/numpy"], "they cannot be installed together");
        assert_eq!(state.failed_dependencies["numpy"], 1_000);
        assert_eq!(state.total_attempts, 99_000);
    }
}
