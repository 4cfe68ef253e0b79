//! Render: the client of the API. Asks and orders; decides nothing, and never lets the key out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::observation::redaction::is_setting;
use crate::service::{Commit, Deploy, DeployId, FailureReason, Service, ServiceId};

mod clock;
mod error;
mod events;
mod http;
mod logs;
mod rollback;
mod settings;
mod wire;

pub use error::{RenderError, Result};
pub use events::{Details, Event, PushFate, Reason, failure_reason, push_fate};
pub use logs::{APP_LOG_LINES_MAX, BUILD_LOG_LINES_MAX, Direction, LOG_LINES_MAX, LogEntry, LogQuery};
pub use settings::{DEFAULT_BASE_URL, RetryPolicy, Settings, api_key, base_url};
pub use wire::Owner;

use http::{Call, Http, Repeat};

/// The largest page Render gives (contract §2).
const PAGE_ITEMS: usize = 100;

/// No workspace has so many services, no service so many variables; a server that never ends a list is cut off here.
const LIST_ITEMS_MAX: usize = 10_000;

/// The order of deploys is not promised: so many are read at least before the newest are taken.
const DEPLOYS_MIN: usize = 20;

/// Two hours of a crash loop with an event every few seconds.
const EVENTS_MAX: usize = 2_000;

/// Events are stamped by several machines; one that belongs to a deploy may lie a little before it.
const EVENT_LEAD: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// A lost request may still be at work, and one list may lack what the next one has: it is looked for so often, with
/// growing pauses, before it is repeated.
const LOOKS_MAX: u32 = 5;

/// What was created so long before an order cannot come from it; Render's time is known to about a second.
const ORDER_LEAD: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// More suggestions than this are noise.
const SIMILAR_MAX: usize = 3;

/// The API. Cheap to clone; clones share connections and rate limits.
#[derive(Clone)]
pub struct Render {
    http: Http,
}

impl std::fmt::Debug for Render {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Render").finish_non_exhaustive()
    }
}

/// What became of an order to deploy.
#[derive(Debug, Clone, PartialEq)]
pub enum Triggered {
    Started(Deploy),
    /// Another deploy is running; this one waits without an id (contract §4). Look for a new deploy of the commit.
    Queued,
}

/// Services and workspaces.
impl Render {
    /// A client. Refuses to send the key in the clear to anything but this machine.
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self { http: Http::new(settings)? })
    }

    /// What time it is on Render. Its times are compared with this, never with this machine's clock.
    pub fn now(&self) -> Timestamp {
        self.http.now()
    }

    /// All services the key reaches, or those that Render finds for `name`.
    pub async fn services(&self, name: Option<&str>) -> Result<Vec<Service>> {
        let mut call = Call::get("the services", &["services"]);
        if let Some(name) = name {
            call = call.with("name", name);
        }
        let items = self.pages(&call, LIST_ITEMS_MAX).await?;
        let mut services: Vec<Service> = read_all(&call, items, wire::service)?;
        let mut seen = BTreeSet::new();
        services.retain(|service| seen.insert(service.id.clone()));
        Ok(services)
    }

    pub async fn service(&self, id: &ServiceId) -> Result<Service> {
        let call = Call::get(format!("service `{id}`"), &["services", &id.0]);
        read_one(&call, self.http.get(&call).await?, wire::service)
    }

    /// The service of that id, else the one of exactly that name.
    pub async fn find_service(&self, id_or_name: &str) -> Result<Service> {
        if id_or_name.starts_with("srv-") || id_or_name.starts_with("crn-") {
            match self.service(&id_or_name.into()).await {
                // A service may be called `srv-…` as well.
                Err(RenderError::NotFound { .. }) => {}
                found => return found,
            }
        }
        let mut named = self.services(Some(id_or_name)).await?;
        named.retain(|service| service.name == id_or_name);
        if named.len() > 1 {
            let ids = named.into_iter().map(|service| service.id.0).collect();
            return Err(RenderError::Ambiguous { name: id_or_name.to_owned(), ids });
        }
        match named.pop() {
            Some(service) => Ok(service),
            None => {
                let names = self.services(None).await?.into_iter().map(|service| service.name);
                let what = format!("service `{}`", wire::excerpt(id_or_name));
                Err(RenderError::NotFound { what, similar: similar(id_or_name, names) })
            }
        }
    }

    /// The workspaces the key reaches.
    pub async fn owners(&self) -> Result<Vec<Owner>> {
        let call = Call::get("the workspaces", &["owners"]);
        let items = self.pages(&call, LIST_ITEMS_MAX).await?;
        read_all(&call, items, |item| wire::decode(wire::unwrap(item, "owner")))
    }

    /// The service's own variables, read once; those of linked environment groups are not told.
    pub async fn variables(&self, id: &ServiceId) -> Result<Variables> {
        let mut variables = Variables { names: BTreeSet::new(), values_to_redact: Vec::new() };
        for var in self.env_vars(id).await? {
            let secret = var.value.filter(|value| !is_setting(&var.key, value));
            variables.values_to_redact.extend(secret);
            variables.names.insert(var.key);
        }
        Ok(variables)
    }

    async fn env_vars(&self, id: &ServiceId) -> Result<Vec<wire::EnvVar>> {
        let what = format!("the environment of service `{id}`");
        let call = Call::get(what, &["services", &id.0, "env-vars"]).secret();
        let items = self.pages(&call, LIST_ITEMS_MAX).await?;
        read_all(&call, items, |item| wire::decode(wire::unwrap(item, "envVar")))
    }
}

/// Names of a service's variables, and their values for a `Redactor` and nothing else. Not printable on purpose.
pub struct Variables {
    pub names: BTreeSet<String>,
    pub values_to_redact: Vec<String>,
}

/// Deploys.
impl Render {
    /// The newest deploys, newest first.
    pub async fn deploys(&self, id: &ServiceId, limit: usize) -> Result<Vec<Deploy>> {
        let call = Call::get(format!("the deploys of service `{id}`"), &["services", &id.0, "deploys"]);
        let items = self.pages(&call, limit.clamp(DEPLOYS_MIN, LIST_ITEMS_MAX)).await?;
        let mut deploys: Vec<Deploy> = read_all(&call, items, wire::deploy)?;
        deploys.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        deploys.dedup_by(|a, b| a.id == b.id);
        deploys.truncate(limit);
        Ok(deploys)
    }

    pub async fn deploy(&self, id: &ServiceId, deploy: &DeployId) -> Result<Deploy> {
        let call = Call::get(format!("deploy `{deploy}`"), &["services", &id.0, "deploys", &deploy.0]);
        read_one(&call, self.http.get(&call).await?, wire::deploy)
    }

    /// Orders one deploy of `commit`, or of the branch's newest commit.
    ///
    /// Never two: when the answer is lost, deploys that appeared since are looked at before the order is repeated.
    /// An error that [`may_have_acted`](RenderError::may_have_acted) leaves open whether there is a deploy.
    pub async fn create_deploy(&self, id: &ServiceId, commit: Option<&Commit>) -> Result<Triggered> {
        let known = self.deploys(id, DEPLOYS_MIN).await?;
        let known: BTreeSet<DeployId> = known.into_iter().map(|deploy| deploy.id).collect();
        let ordered_at = self.now();
        let body = commit.map_or_else(|| json!({}), |commit| json!({ "commitId": commit }));
        let call = Call::post(format!("a new deploy of service `{id}`"), &["services", &id.0, "deploys"], Some(body));
        let mut attempt = 1;
        loop {
            let error = match self.order(&call).await {
                Ok(triggered) => return Ok(triggered),
                Err(error) => error,
            };
            if !error.may_have_acted() {
                return Err(error);
            }
            warn!(service.id = %id, attempt, "lost the answer to an order to deploy `{id}`: {error}");
            match self.find_lost(id, &known, commit, ordered_at).await {
                Ok(Some(deploy)) => return Ok(Triggered::Started(deploy)),
                Ok(None) if error.is_transient() && attempt < self.http.retry().attempts_max => attempt += 1,
                _ => return Err(error),
            }
        }
    }

    async fn order(&self, call: &Call) -> Result<Triggered> {
        let answer = self.http.call(call, Repeat::IfUndone).await?;
        if answer.status == reqwest::StatusCode::ACCEPTED {
            return Ok(wire::deploy(answer.body).map_or(Triggered::Queued, Triggered::Started));
        }
        Ok(Triggered::Started(read_one(call, answer.body, wire::deploy)?))
    }

    /// A deploy of `commit`, or of any where none is named, that came to be through an order of `ordered_at`.
    ///
    /// Looked for in the list, and in the events: one of them may lag behind.
    pub async fn find_ordered(
        &self,
        id: &ServiceId,
        known: &BTreeSet<DeployId>,
        commit: Option<&Commit>,
        ordered_at: Timestamp,
    ) -> Result<Option<Deploy>> {
        let begun = ordered_at.saturating_sub(ORDER_LEAD).unwrap_or(ordered_at);
        let fits = |deploy: &Deploy| match commit {
            _ if known.contains(&deploy.id) || deploy.created_at < begun => false,
            // Whoever started it: one deploy of a commit is enough.
            Some(commit) => deploy.commit.as_ref() == Some(commit),
            None => matches!(deploy.trigger.as_deref(), None | Some("api")),
        };
        let deploys = self.deploys(id, DEPLOYS_MIN).await?;
        if let Some(deploy) = deploys.into_iter().find(fits) {
            return Ok(Some(deploy));
        }
        for event in self.events_since(id, begun).await?.into_iter().rev() {
            let Details::DeployStarted { deploy, .. } = event.details else { continue };
            if known.contains(&deploy) {
                continue;
            }
            match self.deploy(id, &deploy).await {
                Ok(deploy) if fits(&deploy) => return Ok(Some(deploy)),
                Ok(_) | Err(RenderError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What became of an order whose answer was lost.
    async fn find_lost(
        &self,
        id: &ServiceId,
        known: &BTreeSet<DeployId>,
        commit: Option<&Commit>,
        ordered_at: Timestamp,
    ) -> Result<Option<Deploy>> {
        for look in 1..=LOOKS_MAX {
            sleep(self.http.back_off(look)).await;
            if let Some(deploy) = self.find_ordered(id, known, commit, ordered_at).await? {
                debug!(service.id = %id, deploy.id = %deploy.id, "found the deploy whose answer was lost");
                return Ok(Some(deploy));
            }
        }
        Ok(None)
    }

    /// Stops a deploy. One that has ended meanwhile is given back as it ended.
    pub async fn cancel_deploy(&self, id: &ServiceId, deploy: &DeployId) -> Result<Deploy> {
        let path = ["services", &id.0, "deploys", &deploy.0, "cancel"];
        let call = Call::post(format!("deploy `{deploy}`"), &path, None);
        match self.http.call(&call, Repeat::Freely).await {
            Ok(answer) if !answer.body.is_null() => read_one(&call, answer.body, wire::deploy),
            Ok(_) => self.deploy(id, deploy).await,
            // Refused: it has ended, perhaps by our own order whose answer was lost.
            Err(error @ (RenderError::Conflict { .. } | RenderError::Rejected { .. })) => {
                match self.deploy(id, deploy).await {
                    Ok(deploy) if deploy.status.is_terminal() => Ok(deploy),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// Logs and events.
impl Render {
    /// The build's output, oldest first; the newest [`BUILD_LOG_LINES_MAX`] entries of it.
    pub async fn build_log(&self, service: &Service, deploy: &Deploy) -> Result<Vec<LogEntry>> {
        self.logs(&LogQuery::of_deploy(service, deploy, "build", BUILD_LOG_LINES_MAX, self.now())).await
    }

    /// Output of all instances and the platform's lines while the deploy ran; the newest [`APP_LOG_LINES_MAX`].
    ///
    /// The old version logs into the same stream: tell it apart by `instance`.
    pub async fn app_log(&self, service: &Service, deploy: &Deploy) -> Result<Vec<LogEntry>> {
        self.logs(&LogQuery::of_deploy(service, deploy, "app", APP_LOG_LINES_MAX, self.now())).await
    }

    /// The entries asked for, oldest first, each once.
    pub async fn logs(&self, query: &LogQuery) -> Result<Vec<LogEntry>> {
        logs::read(&self.http, query).await
    }

    /// What happened to a service from `start` to `end`, oldest first.
    pub async fn events(&self, id: &ServiceId, start: Timestamp, end: Timestamp) -> Result<Vec<Event>> {
        // Both ends are sent: Render's own window is the last hour.
        let call = Call::get(format!("the events of service `{id}`"), &["services", &id.0, "events"])
            .with("startTime", start)
            .with("endTime", end);
        let items = self.pages(&call, EVENTS_MAX).await?;
        let mut events: Vec<Event> = items.into_iter().filter_map(Event::from_wire).collect();
        events.sort_by_key(|event| event.timestamp);
        let mut seen = BTreeSet::new();
        events.retain(|event| seen.insert(event.id.clone()));
        Ok(events)
    }

    /// Why a deploy that began at `since` failed, where Render says so.
    pub async fn failure_reason(
        &self,
        id: &ServiceId,
        deploy: &DeployId,
        since: Timestamp,
    ) -> Result<Option<FailureReason>> {
        Ok(failure_reason(&self.events_since(id, since).await?, deploy))
    }

    /// What Render has made since `since` of a push of `commit`, as its events tell.
    pub async fn push_fate(&self, id: &ServiceId, commit: &Commit, since: Timestamp) -> Result<PushFate> {
        Ok(push_fate(&self.events_since(id, since).await?, commit))
    }

    /// The deploy that was started last, if that was after `since`.
    pub async fn last_started(&self, id: &ServiceId, since: Timestamp) -> Result<Option<DeployId>> {
        let events = self.events_since(id, since).await?;
        Ok(events.into_iter().rev().find_map(|event| match event.details {
            Details::DeployStarted { deploy, .. } => Some(deploy),
            _ => None,
        }))
    }

    async fn events_since(&self, id: &ServiceId, since: Timestamp) -> Result<Vec<Event>> {
        let start = since.saturating_sub(EVENT_LEAD).unwrap_or(since);
        let end = self.now().max(since).saturating_add(EVENT_LEAD).unwrap_or(since);
        self.events(id, start, end).await
    }

    /// A list, page by page, until it ends or holds `items_max`.
    async fn pages(&self, call: &Call, items_max: usize) -> Result<Vec<Value>> {
        let page_items = items_max.min(PAGE_ITEMS);
        let call = call.clone().with("limit", page_items);
        let mut items: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let asked = cursor.iter().fold(call.clone(), |call, cursor| call.with("cursor", cursor));
            let page = match self.http.get(&asked).await? {
                Value::Array(page) => page,
                Value::Null => Vec::new(),
                other => return Err(undecodable(&call, &other)),
            };
            let next = page.last().and_then(|item| item["cursor"].as_str()).map(str::to_owned);
            let full = page.len() >= page_items;
            items.extend(page);
            // Every item has a cursor, the last as well (contract §2): a short page is the end.
            if !full || items.len() >= items_max || next.is_none() || next == cursor {
                items.truncate(items_max);
                return Ok(items);
            }
            cursor = next;
        }
    }
}

fn read_one<T>(call: &Call, value: Value, read: impl Fn(Value) -> Option<T>) -> Result<T> {
    let error = undecodable(call, &value);
    read(value).ok_or(error)
}

fn read_all<T>(call: &Call, values: Vec<Value>, read: impl Fn(Value) -> Option<T>) -> Result<Vec<T>> {
    values.into_iter().map(|value| read_one(call, value, &read)).collect()
}

/// Never quotes what may hold secrets: only shapes of answers are told.
fn undecodable(call: &Call, value: &Value) -> RenderError {
    let fields = value.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>().join(", "));
    let excerpt = match (value, fields) {
        (Value::Null, _) => "it is empty".to_owned(),
        (_, Some(fields)) => wire::excerpt(&format!("an object with the fields {fields}")),
        _ => "it is not an object".to_owned(),
    };
    RenderError::Undecodable { what: call.what.clone(), excerpt, truncated: false }
}

/// Names much like `wanted`, the likeliest first.
fn similar(wanted: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let likeness = |name: &String| {
        let name = name.to_lowercase();
        let ratio = similar::TextDiff::from_chars(wanted.as_str(), name.as_str()).ratio();
        if !wanted.is_empty() && (name.contains(&wanted) || wanted.contains(&name)) { ratio.max(0.6) } else { ratio }
    };
    let mut scored: Vec<(f32, String)> = names.map(|name| (likeness(&name), name)).collect();
    scored.retain(|(score, _)| *score >= 0.6);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    scored.dedup();
    scored.into_iter().map(|(_, name)| name).take(SIMILAR_MAX).collect()
}
