//! Phrases: how tools word a failure, where in a log they say it, and the names they put into it.
//!
//! The one way in which rules read a log. A rule writes its wordings down once, most telling first, and asks for the first or
//! the last line that fits. What earlier steps said did not stop them, and what a builder repeats of the author's own words
//! (headers, summaries, quoted Dockerfile lines) was not said by the tool that failed: neither is ever found.

use std::ops::{Deref, Index, Range};
use std::sync::OnceLock;

use regex::{Captures, Regex};

use super::Case;

/// A tool names what it is about at most this many lines from the line that gives it away.
const LINES_AROUND: usize = 10;

/// Wordings of one failure, most telling first. The first group that caught something is the name it is about.
pub struct Phrases {
    written: &'static [&'static str],
    compiled: OnceLock<Vec<Regex>>,
}

/// What a wording caught in a text.
#[derive(Debug)]
pub struct Words<'t>(Captures<'t>);

/// A wording, found in the log.
#[derive(Debug)]
pub struct Found<'t> {
    /// Index into `log.lines`.
    pub line: usize,
    /// Which of the wordings, from 0.
    pub wording: usize,
    words: Words<'t>,
}

impl<'t> Deref for Found<'t> {
    type Target = Words<'t>;

    fn deref(&self) -> &Words<'t> {
        &self.words
    }
}

impl<'t> Words<'t> {
    /// The first name that is more than blanks, without quotes and trailing punctuation; or nothing.
    pub fn subject(&self) -> &'t str {
        let name = self.names().find(|name| !name.trim().is_empty()).unwrap_or_default();
        name.trim().trim_matches(['\'', '"', '`', '‘', '’']).trim_end_matches([',', ':'])
    }

    /// What the groups caught, those that took no part left out.
    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        self.0.iter().skip(1).flatten().map(|group| group.as_str())
    }

    /// The name of number `index`, counted among those that took part; or nothing.
    pub fn name(&self, index: usize) -> &'t str {
        self.names().nth(index).unwrap_or_default()
    }

    /// What group `number` caught, if it took part.
    pub fn get(&self, number: usize) -> Option<&'t str> {
        self.0.get(number).map(|group| group.as_str())
    }

    /// What the first group of `labels` that took part caught; or nothing.
    pub fn named(&self, labels: &[&str]) -> &'t str {
        labels.iter().find_map(|label| self.0.name(label)).map_or("", |group| group.as_str())
    }

    /// Where in the text the whole wording stands.
    pub fn range(&self) -> Range<usize> {
        self.0.get(0).map_or(0..0, |whole| whole.range())
    }
}

/// What group `number` caught, empty when it took no part.
impl Index<usize> for Words<'_> {
    type Output = str;

    fn index(&self, number: usize) -> &str {
        self.get(number).unwrap_or_default()
    }
}

impl Phrases {
    pub const fn new(written: &'static [&'static str]) -> Self {
        Self { written, compiled: OnceLock::new() }
    }

    /// The first line near `lines` that fits the most telling wording of all that are found.
    pub fn first<'t>(&self, case: &'t Case<'_>, lines: &[usize]) -> Option<Found<'t>> {
        let lines = near(case, lines);
        (0..self.written.len()).find_map(|wording| lines.iter().find_map(|line| self.worded(case, *line, wording)))
    }

    /// The last line near `lines` that fits the most telling wording of all that are found.
    pub fn last<'t>(&self, case: &'t Case<'_>, lines: &[usize]) -> Option<Found<'t>> {
        self.last_of_each(case, lines).next()
    }

    /// For each wording that is found the last line near `lines` that fits it, most telling wording first.
    pub fn last_of_each<'t>(&self, case: &'t Case<'_>, lines: &[usize]) -> impl Iterator<Item = Found<'t>> {
        let lines = near(case, lines);
        (0..self.written.len())
            .filter_map(move |wording| lines.iter().rev().find_map(|line| self.worded(case, *line, wording)))
    }

    /// The lines near `lines` that fit, in the order of the log.
    pub fn all<'t>(&self, case: &'t Case<'_>, lines: &[usize]) -> Vec<Found<'t>> {
        near(case, lines).into_iter().filter_map(|line| self.on(case, line)).collect()
    }

    /// The lines that fit, whether a needle marked them or not, in the order of the log.
    pub fn everywhere<'t>(&self, case: &'t Case<'_>) -> impl DoubleEndedIterator<Item = Found<'t>> {
        (0..case.log.lines.len()).filter(|line| is_said(case, *line)).filter_map(|line| self.on(case, line))
    }

    /// Whether any line of the log fits, whoever said it.
    pub fn anywhere(&self, case: &Case<'_>) -> bool {
        case.log.lines.iter().any(|line| self.fits(&line.text))
    }

    /// The nearest line above `line`, at most `reach` lines away.
    pub fn above<'t>(&self, case: &'t Case<'_>, line: usize, reach: usize) -> Option<Found<'t>> {
        (line.saturating_sub(reach)..line).rev().find_map(|line| self.on(case, line))
    }

    /// The nearest line below `line`, at most `reach` lines away.
    pub fn below<'t>(&self, case: &'t Case<'_>, line: usize, reach: usize) -> Option<Found<'t>> {
        (line + 1..=line + reach).find_map(|line| self.on(case, line))
    }

    /// Line `line` of the log, if it fits.
    pub fn on<'t>(&self, case: &'t Case<'_>, line: usize) -> Option<Found<'t>> {
        (0..self.written.len()).find_map(|wording| self.worded(case, line, wording))
    }

    /// A text that is no log line, read.
    pub fn read<'t>(&self, text: &'t str) -> Option<Words<'t>> {
        self.compiled().iter().find_map(|shape| shape.captures(text)).map(Words)
    }

    /// Each place in a text that fits the first wording that fits at all.
    pub fn each<'t>(&self, text: &'t str) -> impl Iterator<Item = Words<'t>> {
        let shape = self.compiled().iter().find(|shape| shape.is_match(text));
        shape.into_iter().flat_map(move |shape| shape.captures_iter(text)).map(Words)
    }

    /// Whether a text fits.
    pub fn fits(&self, text: &str) -> bool {
        self.compiled().iter().any(|shape| shape.is_match(text))
    }

    fn worded<'t>(&self, case: &'t Case<'_>, line: usize, wording: usize) -> Option<Found<'t>> {
        let words = Words(self.compiled()[wording].captures(case.text(line))?);
        Some(Found { line, wording, words })
    }

    #[expect(clippy::unwrap_used, reason = "constant patterns: the examples of their rules exercise them")]
    fn compiled(&self) -> &[Regex] {
        self.compiled.get_or_init(|| self.written.iter().map(|text| Regex::new(text).unwrap()).collect())
    }
}

/// The lines around those that hold a needle, as far as they may tell of the failure.
fn near(case: &Case<'_>, lines: &[usize]) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    let mut next = 0;
    for line in lines.iter().copied().filter(|line| is_relevant(case, *line)) {
        let to = (line + LINES_AROUND + 1).min(case.log.lines.len());
        out.extend((line.saturating_sub(LINES_AROUND).max(next)..to).filter(|line| is_said(case, *line)));
        next = to;
    }
    out
}

/// Whether a tool said line `line`, and may have told of the failure.
pub fn is_said(case: &Case<'_>, line: usize) -> bool {
    is_relevant(case, line) && !is_echo(case, line)
}

/// Whether line `line` lies in the failing step or after it, or no step is known to have failed.
pub fn is_relevant(case: &Case<'_>, line: usize) -> bool {
    let Some(step) = &case.log.failing else { return true };
    let lines = &case.log.lines;
    let failing = lines.get(step.lines.start).and_then(|line| line.step);
    let own = lines.get(line).and_then(|line| line.step);
    line >= step.lines.start && (own.is_none() || failing.is_none() || own == failing)
}

/// Whether line `line` only repeats what the author wrote.
pub fn is_echo(case: &Case<'_>, line: usize) -> bool {
    static ECHO: Phrases = Phrases::new(&[
        r#"^(?:\[(?:[\w.\-]+ )?\s*\d+/\d+\] [A-Z]+ |Step \d+/\d+ : |\s*> \[|\s*\d+ \| |ERROR: process "|ERROR: executor failed running |executor failed running |error: failed to solve: process "|ERROR: failed to (?:build|solve): (?:failed to solve: )?process "|failed to solve(?: with frontend [\w.]+)?: (?:process "|executor failed running )|The command '|\++ [a-z]| ---> Running in )"#,
    ]);
    ECHO.fits(case.text(line))
}
