//! The builder's complaints about a Dockerfile it cannot read: in which line of the log and of the file, about what.

use super::Case;
use super::phrase::{Found, Phrases};
use super::rule::Hit;

static LINE: Phrases = Phrases::new(&[r"(?i)(?:parse error (?:on )?line |^Dockerfile:)(\d+)"]);

/// The line of the Dockerfile that the complaint names, in its own line or in the excerpt the builder prints.
pub fn dockerfile_line(case: &Case<'_>, at: usize) -> Option<usize> {
    let of = |text: &str| LINE.read(text).and_then(|found| found[1].parse().ok());
    of(case.text(at)).or_else(|| case.log.failing.as_ref()?.dockerfile_line)
}

/// A hit at a sighting, with the place the builder names or else that of the instruction which fits `is_it`.
pub fn hit(case: &Case<'_>, seen: &Found<'_>, subject: &str, why: String, is_it: impl Fn(&str) -> bool) -> Hit {
    let hit = Hit::at(seen.line, subject, why).confidence(0.97);
    let line = dockerfile_line(case, seen.line).or_else(|| {
        case.dockerfile.problems().iter().find(|problem| is_it(&problem.message)).map(|problem| problem.line)
    });
    match line {
        Some(line) => hit.place(case.dockerfile_path, line),
        None => hit,
    }
}

/// What the files alone show: the problems of the Dockerfile that fit one of `patterns`, with the text captured as `what`.
pub fn problems(case: &Case<'_>, phrases: &Phrases, why: impl Fn(&str) -> String) -> Vec<Hit> {
    let problems = case.dockerfile.problems().iter();
    problems
        .filter_map(|problem| {
            let found = phrases.read(&problem.message)?;
            let subject = found.named(&["what"]);
            let subject = if subject.is_empty() { keyword_at(case, problem.line) } else { subject.to_owned() };
            Some(Hit::in_file(case.dockerfile_path, problem.line, &subject, why(&subject)).confidence(0.97))
        })
        .collect()
}

/// The keyword of the instruction at `line`.
pub fn keyword_at(case: &Case<'_>, line: usize) -> String {
    case.dockerfile.at_line(line).map(|(_, instruction)| instruction.keyword.clone()).unwrap_or_default()
}

/// The instruction a hit points at.
pub fn instruction_of(case: &Case<'_>, hit: &Hit) -> Option<usize> {
    let line = hit.place.as_ref().map(|place| place.line)?;
    case.dockerfile.at_line(line).map(|(index, _)| index)
}

/// The last line that fits, echoes included: the builder quotes the file while it complains about it.
pub fn last<'t>(case: &'t Case<'_>, lines: &[usize], phrases: &Phrases) -> Option<Found<'t>> {
    phrases.last(case, lines).or_else(|| lines.iter().rev().find_map(|line| phrases.on(case, *line)))
}
