//! The log: one stream for builds, platform and apps, with Render's labels and its odd paging (contract §6).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::query::Pattern;

/// Render keeps days of lines, a sandbox as many as fit in memory without notice.
const ENTRIES_MAX: usize = 200_000;
/// Without `startTime` a query sees this much (contract §6).
const WINDOW_DEFAULT: SignedDuration = SignedDuration::from_hours(1);
/// With scrambled logs: how far a line is stamped too early ("by seconds", contract §6).
const SCRAMBLE: SignedDuration = SignedDuration::from_millis(1500);

/// Who said a line. Decides its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The build: resource, level, type.
    Build,
    /// The platform's own `==>` lines about a deploy: resource and type, neither level nor instance.
    Platform,
    /// The app: resource, instance, level, type.
    App { instance: String },
}

/// One entry, as both `GET /logs` and the socket send it.
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    pub id: String,
    pub timestamp: Timestamp,
    pub message: String,
    pub labels: Vec<(&'static str, String)>,
}

impl LogEntry {
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn wire(&self) -> Value {
        let labels: Vec<Value> =
            self.labels.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        json!({"id": self.id, "message": self.message, "timestamp": self.timestamp.to_string(), "labels": labels})
    }
}

/// Which lines are wanted. Empty lists want all.
#[derive(Debug, Clone, Default)]
pub(super) struct LogFilter {
    pub resources: Vec<String>,
    /// Label name and the patterns of which one must match.
    pub labels: Vec<(String, Vec<Pattern>)>,
    pub text: Vec<Pattern>,
}

impl LogFilter {
    pub(super) fn wants(&self, entry: &LogEntry) -> bool {
        let resource = entry.label("resource").unwrap_or_default();
        let labelled = |(name, patterns): &(String, Vec<Pattern>)| {
            patterns.is_empty() || entry.label(name).is_some_and(|value| patterns.iter().any(|p| p.matches(value)))
        };
        self.resources.iter().any(|wanted| wanted == resource)
            && self.labels.iter().all(labelled)
            && (self.text.is_empty() || self.text.iter().any(|pattern| pattern.occurs_in(&entry.message)))
    }
}

/// A question to the log; `start` and `end` both belong to the window.
#[derive(Debug, Clone)]
pub(super) struct LogQuery {
    pub filter: LogFilter,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub forward: bool,
    pub limit: usize,
}

/// A page and where the next begins.
#[derive(Debug)]
pub(super) struct LogPage {
    pub entries: Vec<LogEntry>,
    pub has_more: bool,
    pub next_start: Timestamp,
    pub next_end: Timestamp,
}

impl LogPage {
    /// Lets the next page begin in the middle of this one.
    pub(super) fn overlap(&mut self, forward: bool) {
        let Some(middle) = self.entries.get(self.entries.len() / 2).filter(|_| self.has_more) else { return };
        *(if forward { &mut self.next_start } else { &mut self.next_end }) = middle.timestamp;
    }
}

/// All lines in the order of their timestamps.
#[derive(Debug)]
pub(super) struct LogStore {
    resource: String,
    entries: Vec<LogEntry>,
    /// Not yet sent to the open sockets.
    outbox: Vec<LogEntry>,
    written: u64,
    newest: Timestamp,
    pub scrambled: bool,
    /// With scrambled logs: a line that waits to be glued to the next one.
    glue: Option<(Source, String)>,
}

impl LogStore {
    pub(super) fn new(resource: String, scrambled: bool) -> Self {
        let newest = Timestamp::UNIX_EPOCH;
        Self { resource, entries: Vec::new(), outbox: Vec::new(), written: 0, newest, scrambled, glue: None }
    }

    pub(super) fn push(&mut self, source: &Source, message: &str, now: Timestamp) {
        self.written += 1;
        // Render glues a line without its line feed to whatever comes next, and stamps some too early.
        if self.scrambled && self.written % 7 == 3 {
            self.glue = Some((source.clone(), message.to_owned()));
            return;
        }
        let glued = self.glue.take().map(|(_, glued)| glued).unwrap_or_default();
        self.write(source, format!("{glued}{message}"), now);
    }

    /// A line that waits to be glued goes alone: a phase is over.
    pub(super) fn flush(&mut self, now: Timestamp) {
        if let Some((source, message)) = self.glue.take() {
            self.write(&source, message, now);
        }
    }

    fn write(&mut self, source: &Source, message: String, now: Timestamp) {
        // No two lines share a timestamp, so that pages neither repeat nor lose any.
        self.newest = now.max(self.newest + SignedDuration::from_nanos(1));
        let early = self.scrambled && self.written.is_multiple_of(5);
        let timestamp = if early { self.newest - SCRAMBLE } else { self.newest };
        let entry =
            LogEntry { id: format!("log-{:016x}", self.written), timestamp, message, labels: self.labels(source) };
        self.outbox.push(entry.clone());
        let place = self.entries.partition_point(|older| older.timestamp <= timestamp);
        self.entries.insert(place, entry);
        if self.entries.len() > ENTRIES_MAX {
            self.entries.drain(..ENTRIES_MAX / 10);
        }
    }

    /// The lines written since the last call.
    pub(super) fn take_outbox(&mut self) -> Vec<LogEntry> {
        std::mem::take(&mut self.outbox)
    }

    /// One page. The next begins at the first entry that did not fit.
    pub(super) fn page(&self, query: &LogQuery, now: Timestamp) -> LogPage {
        let end = query.end.unwrap_or(now);
        let start = query.start.unwrap_or(end - WINDOW_DEFAULT);
        let inside = |entry: &&LogEntry| entry.timestamp >= start && entry.timestamp <= end;
        let wanted = self.entries.iter().filter(inside).filter(|entry| query.filter.wants(entry));
        let mut found: Vec<&LogEntry> = if query.forward {
            wanted.take(query.limit + 1).collect()
        } else {
            wanted.rev().take(query.limit + 1).collect()
        };
        let next = (found.len() > query.limit).then(|| found.pop()).flatten().map(|entry| entry.timestamp);
        let (next_start, next_end) = match (query.forward, next) {
            (true, next) => (next.unwrap_or(end), end),
            (false, next) => (start, next.unwrap_or(start)),
        };
        LogPage { entries: found.into_iter().cloned().collect(), has_more: next.is_some(), next_start, next_end }
    }

    /// Every value of a label, without repeats.
    pub(super) fn values(&self, label: &str, filter: &LogFilter) -> Vec<String> {
        let wanted = self.entries.iter().filter(|entry| filter.wants(entry));
        let mut values: Vec<String> = wanted.filter_map(|entry| entry.label(label)).map(str::to_owned).collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    fn labels(&self, source: &Source) -> Vec<(&'static str, String)> {
        let mut labels = vec![("resource", self.resource.clone())];
        if let Source::App { instance } = source {
            labels.push(("instance", instance.clone()));
        }
        if *source != Source::Platform {
            labels.push(("level", "info".to_owned()));
        }
        let kind = if *source == Source::Build { "build" } else { "app" };
        labels.push(("type", kind.to_owned()));
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(lines: usize) -> LogStore {
        let mut store = LogStore::new("srv-1".to_owned(), false);
        for line in 0..lines {
            store.push(&Source::Build, &line.to_string(), at(10));
        }
        store
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn query(forward: bool, limit: usize) -> LogQuery {
        let filter = LogFilter { resources: vec!["srv-1".to_owned()], ..LogFilter::default() };
        LogQuery { filter, start: None, end: None, forward, limit }
    }

    fn read_all(store: &LogStore, mut query: LogQuery) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..100 {
            let page = store.page(&query, at(20));
            lines.extend(page.entries.into_iter().map(|entry| entry.message));
            (query.start, query.end) = (Some(page.next_start), Some(page.next_end));
            if !page.has_more {
                break;
            }
        }
        lines
    }

    #[test]
    fn pages_in_either_direction_neither_repeat_nor_lose_a_line() {
        let oldest_first: Vec<String> = (0..23).map(|line| line.to_string()).collect();
        let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
        for limit in [1, 2, 5, 22, 23, 24] {
            assert_eq!(read_all(&store(23), query(true, limit)), oldest_first, "limit {limit}");
            assert_eq!(read_all(&store(23), query(false, limit)), newest_first, "limit {limit}");
        }
    }

    #[test]
    fn without_a_window_only_the_last_hour_is_seen() {
        assert_eq!(store(3).page(&query(false, 10), at(10 + 3500)).entries.len(), 3);
        assert_eq!(store(3).page(&query(false, 10), at(10 + 3700)).entries.len(), 0);
    }

    #[test]
    fn scrambled_lines_are_glued_and_out_of_order_but_complete() {
        let mut store = LogStore::new("srv-1".to_owned(), true);
        for line in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            store.push(&Source::Build, line, at(10));
        }
        assert_eq!(read_all(&store, query(true, 20)), ["e", "a", "b", "cd", "f", "g", "h", "i"]);
        store.flush(at(11));
        assert_eq!(read_all(&store, query(false, 1)), ["i", "h", "g", "f", "cd", "b", "a", "j", "e"]);
    }
}
