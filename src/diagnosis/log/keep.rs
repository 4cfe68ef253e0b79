//! Reading a log of any size in bounded memory: its head, its tail, and of what lies between the lines that a rule may
//! know, with those around them. What lies between is searched as it comes, without being cut into lines.

use std::collections::VecDeque;
use std::mem;

use super::line::Line;
use crate::diagnosis::catalogue::Needles;

/// This many lines from the start are kept whatever they say: what led to the failure.
const HEAD_LINES: usize = 20_000;
/// The end of the log that is kept whole. No log that Render keeps is as long; files that people bring may be.
const TAIL_BYTES: usize = 8 << 20;
/// Nor more lines than this, short as they may be.
const TAIL_LINES: usize = 200_000;
/// What leaves the tail at a time.
const BLOCK_BYTES: usize = 1 << 20;
/// Nor more lines.
const BLOCK_LINES: usize = 20_000;
/// Of the lines between head and tail at most twice this many are kept: the first and the last of them.
const MARKED_LINES_MAX: usize = 20_000;
/// Lines kept on either side of one that a rule may know, as far as its block goes.
const LINES_AROUND: usize = 10;
/// Of a raw line no more than this is held: what a progress bar has overwritten is dropped on the way.
const RAW_LINE_BYTES_MAX: usize = 64 << 10;

/// A log, as it comes in.
#[derive(Default)]
pub struct Keeper {
    head: Vec<Line>,
    marked_first: Vec<Line>,
    marked_last: VecDeque<Line>,
    tail: VecDeque<Block>,
    /// The line whose end has not come yet.
    open: Vec<u8>,
    /// Lines that have come whole.
    count: usize,
}

/// Whole lines, one after the other.
#[derive(Default)]
struct Block {
    /// Number of its first line.
    first: usize,
    bytes: Vec<u8>,
}

impl Keeper {
    /// Takes the next part of the log, wherever it is cut.
    pub fn take(&mut self, mut part: &[u8]) {
        while self.head.len() < HEAD_LINES || !self.open.is_empty() {
            let Some(end) = memchr::memchr(b'\n', part) else { return hold(&mut self.open, part) };
            hold(&mut self.open, &part[..end]);
            part = &part[end + 1..];
            self.end_line();
        }
        let whole = memchr::memrchr(b'\n', part).map_or(0, |last| last + 1);
        if whole > 0 {
            self.behind(&part[..whole]);
        }
        hold(&mut self.open, &part[whole..]);
    }

    fn end_line(&mut self) {
        let mut line = mem::take(&mut self.open);
        if self.head.len() < HEAD_LINES {
            self.count += 1;
            self.head.push(line_of(self.count, &line));
        } else {
            line.push(b'\n');
            self.behind(&line);
        }
    }

    /// Puts whole lines behind the tail, whose front leaves when it gets too long.
    fn behind(&mut self, lines: &[u8]) {
        let next = self.count + 1;
        let is_full = |block: &Block| block.bytes.len() >= BLOCK_BYTES || next - block.first >= BLOCK_LINES;
        if self.tail.back().is_none_or(is_full) {
            let is_over = |tail: &VecDeque<Block>| {
                let bytes: usize = tail.iter().map(|block| block.bytes.len()).sum();
                bytes >= TAIL_BYTES || tail.front().is_some_and(|block| next - block.first >= TAIL_LINES)
            };
            while is_over(&self.tail)
                && let Some(block) = self.tail.pop_front()
            {
                self.sift(&block);
            }
            self.tail.push_back(Block { first: next, bytes: vec![] });
        }
        if let Some(block) = self.tail.back_mut() {
            block.bytes.extend_from_slice(lines);
        }
        self.count += memchr::memchr_iter(b'\n', lines).count();
    }

    /// Keeps of `block` what a rule may know, and the lines around.
    fn sift(&mut self, block: &Block) {
        let Some(telling) = Needles::telling() else { return };
        let bytes = &block.bytes[..];
        // Up to `done`, where line `number` begins, everything is kept or dropped.
        let (mut done, mut number, mut from) = (0, block.first, 0);
        while let Some(hit) = telling.find(&bytes[from..]) {
            let at = from + hit.end() - 1;
            let begin = lines_before(bytes, at, LINES_AROUND).max(done);
            number += memchr::memchr_iter(b'\n', &bytes[done..begin]).count();
            let end = lines_after(bytes, at, LINES_AROUND);
            for line in split(&bytes[begin..end]) {
                self.mark(line_of(number, line));
                number += 1;
            }
            done = end;
            from = lines_after(bytes, at, 0);
        }
    }

    fn mark(&mut self, line: Line) {
        if self.marked_first.len() < MARKED_LINES_MAX {
            return self.marked_first.push(line);
        }
        if self.marked_last.len() == MARKED_LINES_MAX {
            self.marked_last.pop_front();
        }
        self.marked_last.push_back(line);
    }

    /// What is kept of the log that has come.
    pub fn lines(mut self) -> Vec<Line> {
        let mut lines = self.head;
        lines.append(&mut self.marked_first);
        lines.extend(self.marked_last);
        for block in self.tail {
            lines.extend((block.first..).zip(split(&block.bytes)).map(|(number, line)| line_of(number, line)));
        }
        if !self.open.is_empty() {
            lines.push(line_of(self.count + 1, &self.open));
        }
        lines
    }
}

/// The lines of `bytes`, each of which has an end.
fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

fn line_of(number: usize, raw: &[u8]) -> Line {
    // Checking is much faster than mending, and nearly all logs are sound.
    match std::str::from_utf8(raw) {
        Ok(text) => Line::read(number, text),
        Err(_) => Line::read(number, &String::from_utf8_lossy(raw)),
    }
}

/// Where the line begins that is `count` lines before the one that holds `at`.
fn lines_before(bytes: &[u8], at: usize, count: usize) -> usize {
    let mut ends = memchr::memrchr_iter(b'\n', &bytes[..at]);
    ends.nth(count).map_or(0, |end| end + 1)
}

/// Where the line ends, its end included, that is `count` lines after the one that holds `at`.
fn lines_after(bytes: &[u8], at: usize, count: usize) -> usize {
    let mut ends = memchr::memchr_iter(b'\n', &bytes[at..]);
    ends.nth(count).map_or(bytes.len(), |end| at + end + 1)
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
        lines.for_each(|line| keeper.take(format!("{line}\n").as_bytes()));
        keeper.lines()
    }

    #[test]
    fn of_a_long_log_the_head_the_tail_and_what_a_rule_may_know_are_kept() {
        let count = 1_500_000;
        let said = |at: usize| if at == 700_100 { "error: could not compile `gate`" } else { "all is well" };
        let lines = keep((1..=count).map(|at| said(at).to_owned()));
        assert!(lines.len() < count * 2 / 3, "{}", lines.len());
        assert_eq!(lines[0].number, 1);
        assert_eq!(lines.last().map(|line| line.number), Some(count));
        let numbers: Vec<usize> = lines.iter().map(|line| line.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        assert!((700_090..=700_110).all(|wanted| numbers.binary_search(&wanted).is_ok()));
        let told = lines.iter().find(|line| line.text.starts_with("error"));
        assert_eq!(told.map(|line| line.number), Some(700_100));
    }

    #[test]
    fn a_long_log_that_is_all_marks_stays_bounded() {
        let lines = keep((1..=900_000).map(|at| format!("error: could not compile `p{at}`")));
        assert!(lines.len() < 900_000 / 2, "{}", lines.len());
        assert_eq!((lines[0].number, lines.last().map(|line| line.number)), (1, Some(900_000)));
        assert!(lines.iter().all(|line| line.text == format!("error: could not compile `p{}`", line.number)));
    }

    #[test]
    fn wherever_it_is_cut_it_is_the_same_log() {
        let text = (1..60_000).map(|at| format!("{at} \u{e9}\r\n\n")).collect::<String>() + "no end";
        let whole = |size: usize| {
            let mut keeper = Keeper::default();
            text.as_bytes().chunks(size).for_each(|part| keeper.take(part));
            keeper.lines()
        };
        let lines = whole(usize::MAX);
        assert_eq!((lines.len(), lines[119_998].text.as_str()), (119_999, "no end"));
        assert!(lines == whole(7) && lines == whole(100_000));
    }

    #[test]
    fn an_endless_progress_bar_is_held_in_part() {
        let bar: Vec<u8> = (0..300_000).flat_map(|at| format!("\r{at}% of it").into_bytes()).collect();
        let mut keeper = Keeper::default();
        for part in [&bar[..], b"\rdone\nnext"].concat().chunks(8_192) {
            keeper.take(part);
            assert!(keeper.open.len() <= RAW_LINE_BYTES_MAX);
        }
        let lines = keeper.lines();
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["done", "next"]);
    }
}
