//! Sightings: where a pattern stands in a log, the failing step before everything else.
//!
//! A builder repeats the command it runs in headers, summaries and quoted Dockerfile lines. What stands there was written
//! by the author, not by the tool that failed: those echoes are never sighted.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Case;

/// A line and what the pattern captured in it.
pub struct Sighting<'a> {
    /// Index into `log.lines`.
    pub at: usize,
    pub found: Captures<'a>,
}

impl Sighting<'_> {
    /// The text of the first group of `names` that took part.
    pub fn named(&self, names: &[&str]) -> &str {
        names.iter().find_map(|name| self.found.name(name)).map_or("", |part| part.as_str())
    }

    /// The text of group `number`, empty when it took no part.
    pub fn group(&self, number: usize) -> &str {
        self.found.get(number).map_or("", |part| part.as_str())
    }
}

/// Compiles a pattern that is a constant of this program.
#[expect(clippy::unwrap_used, reason = "constant patterns; each is exercised by the example of its rule")]
pub fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static ECHO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"^(?:\[(?:[\w.\-]+ )?\s*\d+/\d+\] [A-Z]+ |Step \d+/\d+ : |\s*> \[|\s*\d+ \| |ERROR: process "|ERROR: executor failed running |executor failed running |error: failed to solve: process "|ERROR: failed to (?:build|solve): (?:failed to solve: )?process "|failed to solve(?: with frontend [\w.]+)?: (?:process "|executor failed running )|The command '|\++ [a-z]| ---> Running in )"#,
    )
});

/// Whether line `at` only repeats what the author wrote.
pub fn is_echo(case: &Case<'_>, at: usize) -> bool {
    ECHO.is_match(case.text(at))
}

/// Whether line `at` may tell of the failure: it lies in the failing step or after it, or no step is known to have failed.
pub fn is_relevant(case: &Case<'_>, at: usize) -> bool {
    let Some(step) = &case.log.failing else { return true };
    let lines = &case.log.lines;
    let failing = lines.get(step.lines.start).and_then(|line| line.step);
    let own = lines.get(at).and_then(|line| line.step);
    at >= step.lines.start && (own.is_none() || failing.is_none() || own == failing)
}

/// The lines that may be sighted, ascending.
fn candidates<'a>(case: &'a Case<'_>, lines: &'a [usize]) -> impl DoubleEndedIterator<Item = usize> + 'a {
    lines.iter().copied().filter(|at| is_relevant(case, *at) && !is_echo(case, *at))
}

/// The last line that fits one of `patterns`.
pub fn last<'a>(case: &'a Case<'_>, lines: &[usize], patterns: &[&Regex]) -> Option<Sighting<'a>> {
    candidates(case, lines).rev().find_map(|at| {
        let found = patterns.iter().find_map(|pattern| pattern.captures(case.text(at)))?;
        Some(Sighting { at, found })
    })
}

/// The first line that fits one of `patterns`.
pub fn first<'a>(case: &'a Case<'_>, lines: &[usize], patterns: &[&Regex]) -> Option<Sighting<'a>> {
    candidates(case, lines).find_map(|at| {
        let found = patterns.iter().find_map(|pattern| pattern.captures(case.text(at)))?;
        Some(Sighting { at, found })
    })
}

/// The last line that fits the first of `patterns` that any line fits: the patterns stand in order of preference.
pub fn best<'a>(case: &'a Case<'_>, lines: &[usize], patterns: &[&Regex]) -> Option<Sighting<'a>> {
    patterns.iter().find_map(|pattern| last(case, lines, &[pattern]))
}

/// All lines that fit `pattern`, ascending, whether a needle marked them or not.
pub fn all<'a>(case: &'a Case<'_>, pattern: &Regex) -> Vec<Sighting<'a>> {
    (0..case.log.lines.len())
        .filter(|at| is_relevant(case, *at) && !is_echo(case, *at))
        .filter_map(|at| pattern.captures(case.text(at)).map(|found| Sighting { at, found }))
        .collect()
}

/// The instruction that failed, for a message: `line 5 (RUN pip install …)`.
pub fn failing_step_named(case: &Case<'_>) -> String {
    let Some(step) = &case.log.failing else { return "a step of the build".to_owned() };
    let command: String = step.command.trim_start_matches("RUN ").chars().take(60).collect();
    if command.is_empty() { "a step of the build".to_owned() } else { format!("the step `{command}`") }
}
