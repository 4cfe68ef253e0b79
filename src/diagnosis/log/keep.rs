//! Reading a log of any size in bounded memory: its head, its tail, and of what lies between the lines that a rule may
//! know, with those around them.

use std::io::{self, BufRead};

use super::line::Line;
use crate::diagnosis::catalogue::Needles;

/// More lines than this are not held at one time.
const LINES_MAX: usize = 400_000;
/// Nor more text than this.
const TEXT_BYTES_MAX: usize = 96 << 20;
/// Of a log that is too long, this many lines from its start are kept whatever they say: what led to the failure.
const HEAD_LINES: usize = 20_000;
/// Of the lines between head and tail at most this many are kept; the first and the last of them.
const MARKED_LINES_MAX: usize = 40_000;
/// Lines kept on either side of one that a rule may know.
const LINES_AROUND: usize = 10;
/// Of a raw line no more than this is held: what a progress bar has overwritten is dropped on the way.
const RAW_LINE_BYTES_MAX: usize = 64 << 10;

/// Lines, as they come in.
#[derive(Default)]
pub struct Keeper {
    lines: Vec<Line>,
    text_bytes: usize,
    /// Up to here lines have been sifted already.
    sifted: usize,
}

impl Keeper {
    pub fn push(&mut self, line: Line) {
        self.text_bytes += line.text.len();
        self.lines.push(line);
        if self.lines.len() >= LINES_MAX || self.text_bytes >= TEXT_BYTES_MAX {
            self.sift();
        }
    }

    pub fn lines(self) -> Vec<Line> {
        self.lines
    }

    /// Drops half of the lines that were read since the last time, those excepted that a rule may know.
    fn sift(&mut self) {
        let from = self.sifted.max(HEAD_LINES.min(self.lines.len() / 4));
        let to = from + (self.lines.len() - from) / 2;
        let mut is_kept = vec![false; to - from];
        for at in from..to {
            if Needles::mark(&self.lines[at].text) {
                let near = at.saturating_sub(LINES_AROUND).max(from)..(at + LINES_AROUND + 1).min(to);
                is_kept[near.start - from..near.end - from].fill(true);
            }
        }
        let tail = self.lines.split_off(to);
        let mut middle: Vec<Line> = self.lines.split_off(from);
        let mut kept = is_kept.into_iter();
        middle.retain(|_| kept.next().unwrap_or_default());
        self.lines.append(&mut middle);
        let head = HEAD_LINES.min(self.lines.len());
        if let Some(over) = (self.lines.len() - head).checked_sub(MARKED_LINES_MAX) {
            let at = head + MARKED_LINES_MAX / 2;
            self.lines.drain(at..at + over);
        }
        self.sifted = self.lines.len();
        self.lines.extend(tail);
        self.text_bytes = self.lines.iter().map(|line| line.text.len()).sum();
    }
}

/// The next line of `log` without its end, in `line`; `false` at the end of the log.
///
/// # Errors
/// When the log cannot be read.
pub fn next_line(log: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut started = false;
    loop {
        let chunk = log.fill_buf()?;
        if chunk.is_empty() {
            return Ok(started);
        }
        started = true;
        let end = memchr::memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        hold(line, part);
        let read = part.len() + usize::from(end.is_some());
        log.consume(read);
        if end.is_some() {
            return Ok(true);
        }
    }
}

fn hold(line: &mut Vec<u8>, part: &[u8]) {
    if line.len() + part.len() > RAW_LINE_BYTES_MAX
        && let Some(at) = memchr::memrchr(b'\r', &part[..part.len().saturating_sub(1)])
    {
        line.clear();
        return hold(line, &part[at + 1..]);
    }
    let room = RAW_LINE_BYTES_MAX.saturating_sub(line.len());
    line.extend_from_slice(&part[..part.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(lines: impl Iterator<Item = String>) -> Vec<Line> {
        let mut keeper = Keeper::default();
        lines.enumerate().for_each(|(index, text)| keeper.push(Line { number: index + 1, text, step: None }));
        keeper.lines()
    }

    #[test]
    fn of_a_long_log_the_head_the_tail_and_what_a_rule_may_know_are_kept() {
        let count = 1_500_000;
        let said = |at: usize| if at == 700_000 { "error: could not compile `gate`" } else { "all is well" };
        let lines = keep((1..=count).map(|at| said(at).to_owned()));
        assert!(lines.len() <= LINES_MAX);
        assert_eq!(lines[0].number, 1);
        assert_eq!(lines.last().map(|line| line.number), Some(count));
        let numbers: Vec<usize> = lines.iter().map(|line| line.number).collect();
        assert!(numbers.is_sorted());
        assert!((699_990..=700_010).all(|wanted| numbers.binary_search(&wanted).is_ok()));
    }

    #[test]
    fn a_long_log_that_is_all_marks_stays_bounded() {
        let lines = keep((0..900_000).map(|at| format!("error: could not compile `p{at}`")));
        assert!(lines.len() <= LINES_MAX);
        assert_eq!((lines[0].number, lines.last().map(|line| line.number)), (1, Some(900_000)));
    }

    #[test]
    fn an_endless_progress_bar_is_held_in_part() {
        let bar: Vec<u8> = (0..300_000).flat_map(|at| format!("\r{at}% of it").into_bytes()).collect();
        let text = [&bar[..], b"\rdone\nnext"].concat();
        let (mut log, mut line) = (io::BufReader::with_capacity(8_192, &text[..]), Vec::new());
        assert!(next_line(&mut log, &mut line).expect("a line"));
        assert!(line.len() <= RAW_LINE_BYTES_MAX && line.ends_with(b"done"));
        assert!(next_line(&mut log, &mut line).expect("a line"));
        assert_eq!(line, b"next");
        assert!(!next_line(&mut log, &mut line).expect("the end"));
    }
}
