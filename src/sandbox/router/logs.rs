//! Logs, the log socket, and events (contract §6, §7).

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Api, known};
use crate::sandbox::answer::{Answer, ApiError, ok};
use crate::sandbox::faults::{Fault, Struck};
use crate::sandbox::hub::Hub;
use crate::sandbox::logs::{LogEntry, LogFilter, LogQuery};
use crate::sandbox::query::{Params, Pattern};

/// Labels that a query may filter by; `text` looks into the message instead.
const LABELS: [&str; 9] = ["instance", "host", "statusCode", "method", "level", "type", "path", "task", "taskRun"];
/// Events without `startTime` reach back this far (contract §7).
const EVENTS_WINDOW: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn list(State(hub): Api, params: Params, struck: Struck) -> Answer {
    let query = query(&hub, &params)?;
    let mut page = hub.read(|platform| platform.logs.page(&query, hub.now()));
    if struck.by(Fault::LogsOverlap) {
        page.overlap(query.forward);
    }
    if struck.by(Fault::LogsMissing) {
        (page.entries, page.has_more) = (Vec::new(), false);
    }
    let logs: Vec<Value> = page.entries.iter().map(LogEntry::wire).collect();
    ok(&json!({
        "hasMore": page.has_more, "nextStartTime": page.next_start.to_string(),
        "nextEndTime": page.next_end.to_string(), "logs": logs,
    }))
}

pub(super) async fn values(State(hub): Api, params: Params) -> Answer {
    let filter = filter(&hub, &params)?;
    let label = params.one("label").filter(|label| LABELS.contains(label));
    let label = label.ok_or_else(|| ApiError::BadRequest("label is required".to_owned()))?;
    ok(&json!(hub.read(|platform| platform.logs.values(label, &filter))))
}

/// A socket that sends every new line that the query wants, one frame each.
pub(super) async fn subscribe(
    State(hub): Api,
    params: Params,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let filter = filter(&hub, &params)?;
    let upgrade = upgrade.map_err(|error| ApiError::BadRequest(error.body_text()))?;
    let (lines, frames_max) = (hub.lines(), hub.faults().socket_frames_max);
    Ok(upgrade.on_upgrade(move |socket| send_lines(socket, lines, filter, frames_max)).into_response())
}

async fn send_lines(mut socket: WebSocket, mut lines: Receiver<LogEntry>, filter: LogFilter, frames_max: Option<u32>) {
    let mut frames = 0;
    loop {
        // The fault: the line goes dead without a word.
        if frames_max.is_some_and(|max| frames >= max) {
            return;
        }
        tokio::select! {
            line = lines.recv() => match line {
                Ok(entry) if filter.wants(&entry) => {
                    frames += 1;
                    if socket.send(Message::text(entry.wire().to_string())).await.is_err() {
                        return;
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Newest first.
pub(super) async fn events(State(hub): Api, Path(service): Path<String>, params: Params) -> Answer {
    known(&hub, &service)?;
    let types = params.many("type");
    let end = params.time("endTime")?.unwrap_or_else(|| hub.now());
    let known_until = hub.now() - hub.faults().events_late;
    let start = params.time("startTime")?.unwrap_or(end - EVENTS_WINDOW);
    let items = hub.read(|platform| {
        let events = platform.events().iter().rev();
        let wanted = events.filter(|event| event.timestamp >= start && event.timestamp <= end.min(known_until));
        let wanted = wanted.filter(|event| types.is_empty() || types.iter().any(|kind| kind == event.kind));
        wanted.map(|event| (event.id.clone(), event.wire(&service))).collect()
    });
    ok(&params.page("event", items)?)
}

pub(super) async fn event(State(hub): Api, Path(id): Path<String>) -> Answer {
    let wire = hub.read(|platform| {
        let event = platform.events().iter().find(|event| event.id == id);
        event.map(|event| event.wire(&platform.service.id))
    });
    ok(&wire.ok_or(ApiError::NotFound(id))?)
}

fn query(hub: &Hub, params: &Params) -> Result<LogQuery, ApiError> {
    let forward = match params.one("direction") {
        None | Some("backward") => false,
        Some("forward") => true,
        Some(other) => return Err(ApiError::BadRequest(format!("invalid direction: {other}"))),
    };
    Ok(LogQuery {
        filter: filter(hub, params)?,
        start: params.time("startTime")?,
        end: params.time("endTime")?,
        forward,
        limit: params.limit()?,
    })
}

/// `ownerId` and `resource` are both required: neither is derived from the other.
fn filter(hub: &Hub, params: &Params) -> Result<LogFilter, ApiError> {
    let owner = params.one("ownerId").ok_or_else(|| ApiError::BadRequest("ownerId is required".to_owned()))?;
    if hub.read(|platform| platform.service.owner != owner) {
        return Err(ApiError::NotFound(owner.to_owned()));
    }
    let resources = params.many("resource");
    if resources.is_empty() {
        return Err(ApiError::BadRequest("resource is required".to_owned()));
    }
    for resource in &resources {
        known(hub, resource)?;
    }
    let patterns = |texts: Vec<String>| texts.iter().map(|text| Pattern::parse(text)).collect::<Result<Vec<_>, _>>();
    let labels = LABELS.iter().map(|label| Ok(((*label).to_owned(), patterns(params.many(label))?)));
    Ok(LogFilter { resources, labels: labels.collect::<Result<_, ApiError>>()?, text: patterns(params.texts("text"))? })
}
