//! A log, read: clean lines with their numbers, and the step that failed.
//!
//! Knows BuildKit's plain progress (`#5 1.234 text`, `#5 ERROR: …`, the `------` block), the classic builder (`Step 2/5 : RUN …`)
//! and Render's `==>` lines. Everything else is just lines.

use std::io::{self, BufRead};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::observation::Observation;
use crate::service::DeployStatus;

mod keep;
mod line;

use keep::Keeper;
use line::LINE_BYTES_MAX;
pub use line::Line;

/// The step at which a build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingStep {
    /// As the log has it: `RUN pip install -r requirements.txt`, or without the keyword for the classic builder's summary.
    pub command: String,
    /// Line of the Dockerfile, where the log tells.
    pub dockerfile_line: Option<usize>,
    pub exit_code: Option<i64>,
    /// Indices into `lines` between which its output lies.
    pub lines: Range<usize>,
}

/// A log that has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    pub lines: Vec<Line>,
    pub failing: Option<FailingStep>,
}

struct Shapes {
    step_header: Regex,
    classic: Regex,
    exit: Regex,
    block: Regex,
    dockerfile_line: Regex,
}

#[expect(clippy::unwrap_used, reason = "constant patterns, exercised by every test")]
static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    Shapes {
    step_header: Regex::new(r"^\[(?:[\w.\-]+ )?\s*\d+/\d+\] ((?:[A-Z]+) .*)$").unwrap(),
    classic: Regex::new(r"^Step (\d+)/\d+ : (.*)$").unwrap(),
    exit: Regex::new(
        r#"(?:process "(?P<bk>.*)" did not complete successfully: exit code: (?P<bkc>\d+)|executor failed running \[(?P<old>.*)\]: exit code: (?P<oldc>\d+)|The command '(?P<cl>.*)' returned a non-zero code: (?P<clc>\d+))"#,
    )
    .unwrap(),
    block: Regex::new(r"^ > \[.*?\d+/\d+\] (.*?):?$").unwrap(),
    dockerfile_line: Regex::new(r"^\s*(\d+) \| >>> ").unwrap(),
}
});

impl Log {
    /// Reads a log as a file or a tool gives it.
    pub fn read(text: &str) -> Self {
        let mut keeper = Keeper::default();
        keeper.take(text.as_bytes());
        Self::of_lines(keeper.lines())
    }

    /// The part of an observation that tells of the failure: the build's output when the build failed, else the app's.
    pub fn of(observation: &Observation) -> Self {
        let status = observation.deploy.as_ref().map(|deploy| &deploy.status);
        let lines = match status {
            Some(DeployStatus::UpdateFailed | DeployStatus::PreDeployFailed | DeployStatus::Live)
                if !observation.app_log.is_empty() =>
            {
                &observation.app_log
            }
            _ if observation.build_log.is_empty() => &observation.app_log,
            _ => &observation.build_log,
        };
        let mut keeper = Keeper::default();
        for line in lines {
            keeper.take(line.as_bytes());
            keeper.take(b"\n");
        }
        Self::of_lines(keeper.lines())
    }

    /// Reads a log of any size; what is held of it has a limit.
    ///
    /// # Errors
    /// When `log` cannot be read.
    pub fn from_reader(mut log: impl BufRead) -> io::Result<Self> {
        let mut keeper = Keeper::default();
        loop {
            let part = log.fill_buf()?;
            if part.is_empty() {
                return Ok(Self::of_lines(keeper.lines()));
            }
            let length = part.len();
            keeper.take(part);
            log.consume(length);
        }
    }

    fn of_lines(mut lines: Vec<Line>) -> Self {
        // Continuation of a classic step: lines between two `Step` headers belong to the first.
        let mut step = None;
        for line in &mut lines {
            if line.text.starts_with("Step ")
                && let Some(found) = SHAPES.classic.captures(&line.text)
            {
                step = found[1].parse().ok();
            }
            if line.step.is_none() {
                line.step = step;
            }
        }
        let failing = failing_step(&lines);
        Self { lines, failing }
    }

    /// Indices of the lines of the failing step, or of the whole log.
    pub fn failing_range(&self) -> Range<usize> {
        self.failing.as_ref().map_or(0..self.lines.len(), |step| step.lines.clone())
    }

    /// All text, for rules that look across lines.
    pub fn contains(&self, fragment: &str) -> bool {
        self.lines.iter().any(|line| line.text.contains(fragment))
    }
}

/// The last failing step that the log tells of, with the range of its output.
fn failing_step(lines: &[Line]) -> Option<FailingStep> {
    let shapes = &*SHAPES;
    let at = lines.iter().rposition(|line| line.text.len() < LINE_BYTES_MAX && shapes.exit.is_match(&line.text));
    let (command, exit_code) = match at.and_then(|at| shapes.exit.captures(&lines[at].text)) {
        Some(found) => {
            let get = |names: [&str; 3]| names.iter().find_map(|name| found.name(name)).map(|part| part.as_str());
            (get(["bk", "old", "cl"]).unwrap_or_default().to_owned(), get(["bkc", "oldc", "clc"])?.parse().ok())
        }
        None => (String::new(), None),
    };
    let command = command.strip_prefix("/bin/sh -c ").unwrap_or(&command).to_owned();
    let dockerfile_line = lines
        .iter()
        .rev()
        .filter(|line| line.text.contains(" | >>> "))
        .find_map(|line| shapes.dockerfile_line.captures(&line.text).and_then(|found| found[1].parse().ok()));
    // BuildKit: the lines of the step that says ERROR. Classic: from the last `Step` header on.
    let failed = lines.iter().rev().find(|line| line.step.is_some() && line.text.starts_with("ERROR"));
    let (first, last) = if let Some(step) = failed.and_then(|line| line.step) {
        let of_step = |line: &&Line| line.step == Some(step);
        let first = lines.iter().position(|line| of_step(&line))?;
        // The summary after the step repeats its output: it belongs to it.
        (first, lines.len())
    } else if let Some(header) =
        lines.iter().rposition(|line| line.text.starts_with("Step ") && shapes.classic.is_match(&line.text))
    {
        (header, lines.len())
    } else if let Some(block) =
        lines.iter().rposition(|line| line.text.starts_with(" > [") && shapes.block.is_match(&line.text))
    {
        (block, lines.len())
    } else if at.is_some() || dockerfile_line.is_some() {
        (0, lines.len())
    } else {
        return None;
    };
    let command = if command.is_empty() { header_of(lines, first) } else { command };
    Some(FailingStep { command, dockerfile_line, exit_code, lines: first..last })
}

/// The instruction as the header of the step at `first` names it.
fn header_of(lines: &[Line], first: usize) -> String {
    let text = lines.get(first).map_or("", |line| line.text.as_str());
    let shapes = &*SHAPES;
    [&shapes.step_header, &shapes.block]
        .iter()
        .find_map(|shape| shape.captures(text).map(|found| found[1].to_owned()))
        .or_else(|| shapes.classic.captures(text).map(|found| found[2].to_owned()))
        .unwrap_or_default()
}

/// A line with its numbers, hashes and times masked: what stays is the message.
pub fn template(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut masked = false;
    for word in line.split_whitespace().take(24) {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let variable = digits * 3 >= word.len() && digits > 0 || word.len() > 40;
        if variable && masked {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(if variable { "…" } else { word });
        masked = variable;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildkit_and_classic_logs_name_their_failing_step() {
        let buildkit = "#8 [4/5] RUN pip install x\n#8 0.5 Collecting x\n#9 DONE 1.0s\n#8 1.2 ERROR: nope\n#8 ERROR: process \"/bin/sh -c pip install x\" did not complete successfully: exit code: 1\n------\n > [4/5] RUN pip install x:\n------\nDockerfile:4\n   4 | >>> RUN pip install x";
        let step = Log::read(buildkit).failing.expect("a failing step");
        assert_eq!((step.command.as_str(), step.dockerfile_line, step.exit_code), ("pip install x", Some(4), Some(1)));
        assert_eq!(step.lines.start, 0);

        let classic = "Step 1/2 : FROM a\n ---> 1\nStep 2/2 : RUN b\nboom\nThe command '/bin/sh -c b' returned a non-zero code: 127";
        let step = Log::read(classic).failing.expect("a failing step");
        assert_eq!((step.command.as_str(), step.exit_code, step.lines), ("b", Some(127), 2..5));
    }

    #[test]
    fn lines_are_clean_and_keep_their_numbers() {
        let log = Log::read("a\u{1b}[91mb\u{1b}[0m\n10%\r100% done\r\n#12 3.4 text");
        let lines: Vec<_> = log.lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(lines, [(1, "ab"), (2, "100% done"), (3, "text")]);
    }
}
