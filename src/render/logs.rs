//! Logs: a window of time, read page by page, oldest line first.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{RenderError, Result};
use super::http::{Call, Http};
use super::wire::{decode, excerpt, lenient};
use crate::observation::redaction::strip_controls;
use crate::service::{Deploy, OwnerId, Service, ServiceId};

/// What the API gives in one page at most (contract §6).
const PAGE_LINES: usize = 100;

/// Log calls are limited to 30 a minute, 100 lines each: this much build output can be had in two minutes.
/// When there is more the newest stay, as a failed build tells its cause last.
pub const BUILD_LOG_LINES_MAX: usize = 6_000;

/// One minute of the rate limit. When there is more the newest stay: a crash loop repeats itself.
pub const APP_LOG_LINES_MAX: usize = 3_000;

/// Nobody may ask for more than fits in memory comfortably; it would take Render seven minutes.
pub const LOG_LINES_MAX: usize = 20_000;

/// Pages may overlap or be empty; so many more than needed are read before we give up.
const SPARE_PAGES: usize = 20;

/// The first line may be stamped before the deploy is.
const LEAD: SignedDuration = SignedDuration::from_secs(5);

/// The last lines trail in after the deploy has ended.
const TRAIL: SignedDuration = SignedDuration::from_secs(15);

/// From which end a window is read, and so which end is kept when it holds too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From its end; keeps the newest.
    #[default]
    Backward,
    /// From its start; keeps the oldest.
    Forward,
}

/// A question to the logs. There is no filter by deploy: cut by time, and by instance (contract §6).
#[derive(Debug, Clone)]
pub struct LogQuery {
    pub owner: OwnerId,
    pub resources: Vec<ServiceId>,
    /// Both ends are always sent: Render's own window is the last hour.
    pub start: Timestamp,
    pub end: Timestamp,
    pub direction: Direction,
    /// `app`, `build`, `request`; empty for all.
    pub types: Vec<String>,
    pub instance: Option<String>,
    /// At most [`LOG_LINES_MAX`].
    pub limit_lines: usize,
}

impl LogQuery {
    /// The lines of one type that belong to a deploy, the newest `limit_lines` of them. `now` is Render's time.
    pub fn of_deploy(service: &Service, deploy: &Deploy, log_type: &str, limit_lines: usize, now: Timestamp) -> Self {
        let begun = deploy.started_at.map_or(deploy.created_at, |started| started.min(deploy.created_at));
        let ended = deploy.finished_at.unwrap_or(now);
        Self {
            owner: service.owner.clone(),
            resources: vec![service.id.clone()],
            start: begun.saturating_sub(LEAD).unwrap_or(begun),
            end: ended.max(begun).saturating_add(TRAIL).unwrap_or(ended),
            direction: Direction::Backward,
            types: vec![log_type.to_owned()],
            instance: None,
            limit_lines,
        }
    }

    fn call(&self, window: &Window) -> Call {
        let direction = match self.direction {
            Direction::Backward => "backward",
            Direction::Forward => "forward",
        };
        let names: Vec<&str> = self.resources.iter().map(|resource| resource.0.as_str()).collect();
        let mut call = Call::get(format!("the logs of `{}`", names.join("`, `")), &["logs"])
            .with("ownerId", &self.owner)
            .with("startTime", &window.start)
            .with("endTime", &window.end)
            .with("direction", direction)
            .with("limit", PAGE_LINES);
        for resource in &self.resources {
            call = call.with("resource", resource);
        }
        for log_type in &self.types {
            call = call.with("type", log_type);
        }
        match &self.instance {
            Some(instance) => call.with("instance", instance),
            None => call,
        }
    }
}

/// One log entry. Its message may hold several lines, but no terminal sequences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub id: String,
    pub timestamp: Timestamp,
    pub message: String,
    /// `app`, `build` or `request`.
    pub kind: Option<String>,
    /// `srv-…-sbpkm`; the platform's own `==>` lines and build lines have none.
    pub instance: Option<String>,
    /// Never trust it to find failures: build errors come as `info` or without (contract §6).
    pub level: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageWire {
    #[serde(default, deserialize_with = "lenient")]
    has_more: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    next_start_time: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    next_end_time: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    logs: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct EntryWire {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    labels: Option<Vec<LabelWire>>,
}

#[derive(Deserialize)]
struct LabelWire {
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    value: Option<String>,
}

impl LogEntry {
    /// One element of `logs`, which is also one frame of the log socket.
    fn from_wire(value: Value) -> Option<Self> {
        let EntryWire { id, timestamp, message, labels } = decode(value)?;
        let labels = labels.unwrap_or_default();
        let label = |name: &str| {
            let label = labels.iter().find(|label| label.name.as_deref() == Some(name));
            label.and_then(|label| label.value.clone()).filter(|value| !value.is_empty())
        };
        // Progress bars return to the start of their line: each state is a line of its own.
        let message = message.unwrap_or_default().replace("\r\n", "\n");
        let lines: Vec<String> = message.trim_end().split(['\n', '\r']).map(strip_controls).collect();
        let (message, instance) = (lines.join("\n"), label("instance"));
        let id = id.filter(|id| !id.is_empty());
        // Without an id, equal words of one instance at one nanosecond are one line.
        let id = id.unwrap_or_else(|| format!("{timestamp}/{}/{message}", instance.as_deref().unwrap_or_default()));
        Some(Self { id, timestamp, message, kind: label("type"), instance, level: label("level") })
    }
}

/// A window as it stands on the wire: the server's own spelling, so that no digit is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    start: String,
    end: String,
}

impl Window {
    /// Moves the near end one nanosecond on: past a moment that holds more lines than a page.
    fn step(&self, direction: Direction) -> Option<Self> {
        let (near, by) = match direction {
            Direction::Backward => (&self.end, SignedDuration::from_nanos(-1)),
            Direction::Forward => (&self.start, SignedDuration::from_nanos(1)),
        };
        let near = near.parse::<Timestamp>().ok()?.checked_add(by).ok()?.to_string();
        Some(match direction {
            Direction::Backward => Self { start: self.start.clone(), end: near },
            Direction::Forward => Self { start: near, end: self.end.clone() },
        })
    }
}

/// The entries `query` asks for, oldest first, each once.
pub(super) async fn read(http: &Http, query: &LogQuery) -> Result<Vec<LogEntry>> {
    let limit = query.limit_lines.min(LOG_LINES_MAX);
    let pages_max = limit.div_ceil(PAGE_LINES) + SPARE_PAGES;
    let mut window = Window { start: query.start.to_string(), end: query.end.to_string() };
    let mut seen = HashSet::new();
    // In reading order: the newest page first when reading backward.
    let mut pages: Vec<Vec<LogEntry>> = Vec::new();
    for _ in 0..pages_max {
        let call = query.call(&window);
        let page = page_of(&call, http.get(&call).await?)?;
        let (has_more, next) = (page.has_more.unwrap_or(false), page.next(&window));
        let entries = page.logs.unwrap_or_default().into_iter().filter_map(LogEntry::from_wire);
        let entries: Vec<LogEntry> = entries.filter(|entry| seen.insert(entry.id.clone())).collect();
        let nothing_new = entries.is_empty();
        pages.push(oldest_first(entries, query.direction));
        if !has_more || seen.len() >= limit {
            break;
        }
        window = match next {
            Some(next) if next != window => next,
            // The server stands still: with news that is an overlap, without it is a full moment.
            _ if nothing_new => match window.step(query.direction) {
                Some(next) => next,
                None => break,
            },
            _ => window,
        };
    }
    Ok(join(pages, query.direction, limit))
}

fn page_of(call: &Call, body: Value) -> Result<PageWire> {
    let text = excerpt(&body.to_string());
    let page = if body.is_null() { decode(Value::Object(serde_json::Map::new())) } else { decode(body) };
    page.ok_or_else(|| RenderError::Undecodable { what: call.what.clone(), excerpt: text, truncated: false })
}

impl PageWire {
    fn next(&self, window: &Window) -> Option<Window> {
        let some = |time: &Option<String>| time.clone().filter(|time| !time.is_empty());
        let (start, end) = (some(&self.next_start_time), some(&self.next_end_time));
        if start.is_none() && end.is_none() {
            return None;
        }
        let Window { start: old_start, end: old_end } = window.clone();
        Some(Window { start: start.unwrap_or(old_start), end: end.unwrap_or(old_end) })
    }
}

/// A page in the order of time, whichever order it came in.
fn oldest_first(mut entries: Vec<LogEntry>, direction: Direction) -> Vec<LogEntry> {
    let (first, last) = (entries.first().map(|entry| entry.timestamp), entries.last().map(|entry| entry.timestamp));
    if first > last || (first == last && direction == Direction::Backward) {
        entries.reverse();
    }
    entries
}

/// All pages as one list; equal times keep the server's order.
fn join(mut pages: Vec<Vec<LogEntry>>, direction: Direction, limit: usize) -> Vec<LogEntry> {
    if direction == Direction::Backward {
        pages.reverse();
    }
    let mut entries: Vec<LogEntry> = pages.into_iter().flatten().collect();
    entries.sort_by_key(|entry| entry.timestamp);
    let surplus = entries.len().saturating_sub(limit);
    match direction {
        Direction::Backward => drop(entries.drain(..surplus)),
        Direction::Forward => entries.truncate(limit),
    }
    entries
}
