//! A build's log as BuildKit prints it in plain mode.

use std::collections::VecDeque;
use std::time::Instant;

use crate::builder::LogSink;
use crate::dockerfile::Instruction;

/// So many lines of a failed step are shown again below it.
const TAIL_LINES: usize = 10;

/// Lines shown before and after the failed instruction.
const EXCERPT_LINES: usize = 2;

/// Numbers the steps of one build.
pub(super) struct Progress {
    log: LogSink,
    steps: usize,
}

/// A step that is under way.
pub(super) struct Vertex {
    log: LogSink,
    number: usize,
    name: String,
    since: Instant,
    tail: VecDeque<String>,
}

impl Progress {
    pub(super) fn new(log: &LogSink, driver: &str) -> Self {
        let progress = Self { log: log.clone(), steps: 0 };
        progress.say(format!("#0 building with \"domain-runner\" instance using {driver}"));
        progress
    }

    pub(super) fn say(&self, line: impl Into<String>) {
        // The reader may be gone; the build still matters.
        let _ = self.log.send(line.into());
    }

    pub(super) fn step(&mut self, name: impl Into<String>) -> Vertex {
        self.steps += 1;
        let (number, name) = (self.steps, name.into());
        self.say("");
        self.say(format!("#{number} {name}"));
        Vertex { log: self.log.clone(), number, name, since: Instant::now(), tail: VecDeque::new() }
    }

    /// A step that only tells something.
    pub(super) fn told(&mut self, name: impl Into<String>, note: Option<String>) {
        let vertex = self.step(name);
        if let Some(note) = note {
            vertex.note(&note);
        }
        vertex.done();
    }

    /// Shows the failed step's last lines, where it stands in the Dockerfile, and the error.
    pub(super) fn failed(&self, vertex: Option<&Vertex>, place: Option<Place<'_>>, error: &str) {
        if let Some(vertex) = vertex {
            self.say("------");
            self.say(format!(" > {}:", vertex.name));
            for line in &vertex.tail {
                self.say(line.clone());
            }
            self.say("------");
        }
        if let Some(place) = place {
            place.lines().into_iter().for_each(|line| self.say(line));
        }
        self.say(format!("ERROR: failed to solve: {error}"));
    }
}

impl Vertex {
    /// A line printed by the step's command.
    pub(super) fn line(&mut self, text: &str) {
        let seconds = self.since.elapsed().as_secs_f64();
        let _ = self.log.send(format!("#{} {seconds:.3} {text}", self.number));
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(format!("{seconds:.3} {text}"));
    }

    pub(super) fn note(&self, text: &str) {
        let _ = self.log.send(format!("#{} {text}", self.number));
    }

    pub(super) fn done(self) {
        let seconds = self.since.elapsed().as_secs_f64();
        self.note(&format!("DONE {seconds:.1}s"));
    }

    pub(super) fn error(&self, message: &str) {
        self.note(&format!("ERROR: {message}"));
    }
}

/// Lines of a Dockerfile to point at.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) first: usize,
    pub(super) last: usize,
}

impl<'a> Place<'a> {
    pub(super) fn of(name: &'a str, text: &'a str, instruction: &Instruction) -> Self {
        Self { name, text, first: instruction.first_line, last: instruction.last_line }
    }

    fn lines(&self) -> Vec<String> {
        const RULE: &str = "--------------------";
        let mut lines = vec![format!("{}:{}", self.name, self.first), RULE.to_owned()];
        let shown = self.first.saturating_sub(EXCERPT_LINES)..=self.last + EXCERPT_LINES;
        for (number, line) in (1..).zip(self.text.split('\n')).filter(|(number, _)| shown.contains(number)) {
            let mark = if (self.first..=self.last).contains(&number) { ">>>" } else { "   " };
            lines.push(format!("{number:>4} | {mark} {line}"));
        }
        lines.push(RULE.to_owned());
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excerpt_reads_as_buildkits() {
        let text = "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements-prod.txt .\nRUN pip install\n";
        let place = Place { name: "Dockerfile", text, first: 3, last: 3 };
        let expected = "Dockerfile:3\n--------------------\n   1 |     FROM python:3.11-slim\n   2 |     WORKDIR /app\n   \
                        3 | >>> COPY requirements-prod.txt .\n   4 |     RUN pip install\n   5 |     \n--------------------";
        assert_eq!(place.lines().join("\n"), expected);
    }
}
