//! Reading evidence: the line that decides, and what it names.

use regex::{Captures, Regex};

use super::Case;

/// A constant pattern, compiled when first needed.
macro_rules! pattern {
    ($text:expr) => {
        std::sync::LazyLock::new(|| {
            regex::Regex::new($text).expect("a constant pattern, exercised by its rule's examples")
        })
    };
}
pub(crate) use pattern;

/// The last of `lines` that `pattern` matches; lines of the failing step before others.
pub fn last<'a>(case: &Case<'a>, lines: &[usize], pattern: &Regex) -> Option<(usize, Captures<'a>)> {
    search(case, lines.iter().rev(), pattern)
}

/// The first of `lines` that `pattern` matches; lines of the failing step before others.
pub fn first<'a>(case: &Case<'a>, lines: &[usize], pattern: &Regex) -> Option<(usize, Captures<'a>)> {
    search(case, lines.iter(), pattern)
}

fn search<'a, 'b>(
    case: &Case<'a>,
    lines: impl Iterator<Item = &'b usize> + Clone,
    pattern: &Regex,
) -> Option<(usize, Captures<'a>)> {
    let log = case.log;
    let of = |index: usize| pattern.captures(log.lines.get(index)?.text.as_str()).map(|found| (index, found));
    let inside = log.failing.as_ref().map(|step| step.lines.clone());
    let preferred =
        inside.and_then(|inside| lines.clone().filter(|index| inside.contains(index)).find_map(|index| of(*index)));
    preferred.or_else(|| lines.clone().find_map(|index| of(*index)))
}

/// The first group that caught something, without quotes and trailing punctuation.
pub fn caught(found: &Captures<'_>) -> String {
    let group = found.iter().skip(1).flatten().map(|group| group.as_str()).find(|text| !text.trim().is_empty());
    group.unwrap_or_default().trim().trim_matches(['\'', '"', '`', '‘', '’']).trim_end_matches([',', ':']).to_owned()
}

/// The nearest line above `index` (at most `reach` lines) that `pattern` matches.
pub fn above<'a>(case: &Case<'a>, index: usize, reach: usize, pattern: &Regex) -> Option<(usize, Captures<'a>)> {
    let log = case.log;
    let found = |at: usize| pattern.captures(log.lines.get(at)?.text.as_str()).map(|found| (at, found));
    (index.saturating_sub(reach)..index).rev().find_map(found)
}

/// The nearest line below `index` (at most `reach` lines) that `pattern` matches.
pub fn below<'a>(case: &Case<'a>, index: usize, reach: usize, pattern: &Regex) -> Option<(usize, Captures<'a>)> {
    let log = case.log;
    let found = |at: usize| pattern.captures(log.lines.get(at)?.text.as_str()).map(|found| (at, found));
    (index + 1..=index + reach).find_map(found)
}

/// Whether some line of the failing step (of the log, where none is known) holds `text`.
pub fn mentions(case: &Case<'_>, text: &str) -> bool {
    let range = case.log.failing.as_ref().map_or(0..case.log.lines.len(), |step| step.lines.clone());
    case.log.lines[range].iter().any(|line| line.text.contains(text))
}
