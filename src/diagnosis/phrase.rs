//! Phrases: how tools word a failure, with the place of the name they are about.

use std::sync::OnceLock;

use regex::{Captures, Regex};

use super::Case;

/// A tool names what it is about at most this many lines from the line that gives it away.
const LINES_AROUND: usize = 10;

/// Wordings of one failure, most telling first. The first group that takes part in a match is the name it is about.
pub struct Phrases {
    written: &'static [&'static str],
    compiled: OnceLock<Vec<Regex>>,
}

/// A wording, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Index into `log.lines`.
    pub line: usize,
    /// Which of the wordings, from 0.
    pub wording: usize,
    /// The groups that took part, in order.
    pub names: Vec<String>,
}

impl Found {
    /// The first name, or nothing.
    pub fn subject(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The name of group `index`, counted among those that took part.
    pub fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }
}

impl Phrases {
    pub const fn new(written: &'static [&'static str]) -> Self {
        Self { written, compiled: OnceLock::new() }
    }

    /// The first line that matches the most telling wording.
    pub fn first(&self, case: &Case<'_>, lines: &[usize]) -> Option<Found> {
        let lines = relevant(case, lines);
        self.compiled().iter().enumerate().find_map(|(wording, shape)| {
            lines.iter().find_map(|line| Some(found(&shape.captures(case.text(*line))?, *line, wording)))
        })
    }

    /// The last line that matches the most telling wording.
    pub fn last(&self, case: &Case<'_>, lines: &[usize]) -> Option<Found> {
        let lines = relevant(case, lines);
        self.compiled().iter().enumerate().find_map(|(wording, shape)| {
            lines.iter().rev().find_map(|line| Some(found(&shape.captures(case.text(*line))?, *line, wording)))
        })
    }

    /// Every match, one a line, in the order of the log.
    pub fn all(&self, case: &Case<'_>, lines: &[usize]) -> Vec<Found> {
        let on = |line: usize| {
            let mut shapes = self.compiled().iter().enumerate();
            shapes.find_map(|(wording, shape)| Some(found(&shape.captures(case.text(line))?, line, wording)))
        };
        relevant(case, lines).into_iter().filter_map(on).collect()
    }

    /// Whether any line of the log says it.
    pub fn anywhere(&self, case: &Case<'_>) -> bool {
        case.log.lines.iter().any(|line| self.compiled().iter().any(|shape| shape.is_match(&line.text)))
    }

    /// The names in a text that is no log line.
    pub fn names(&self, text: &str) -> Option<Vec<String>> {
        let shapes = self.compiled();
        shapes.iter().find_map(|shape| shape.captures(text)).map(|captures| found(&captures, 0, 0).names)
    }

    #[expect(clippy::unwrap_used, reason = "constant patterns: `every_phrase_compiles` and the examples exercise them")]
    fn compiled(&self) -> &[Regex] {
        self.compiled.get_or_init(|| self.written.iter().map(|text| Regex::new(text).unwrap()).collect())
    }
}

/// The lines around those that hold a needle, of the step that failed: what earlier steps said did not stop them.
fn relevant(case: &Case<'_>, lines: &[usize]) -> Vec<usize> {
    let range = case.log.failing_range();
    let mut out: Vec<usize> = Vec::new();
    for line in lines.iter().copied().filter(|line| range.contains(line)) {
        let from = line.saturating_sub(LINES_AROUND).max(range.start).max(out.last().map_or(0, |last| last + 1));
        out.extend(from..(line + LINES_AROUND + 1).min(range.end));
    }
    out
}

fn found(captures: &Captures<'_>, line: usize, wording: usize) -> Found {
    let names = captures.iter().skip(1).flatten().map(|group| group.as_str().to_owned()).collect();
    Found { line, wording, names }
}
