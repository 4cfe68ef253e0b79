//! The last good deploy: what it printed, too, does not tell why this one failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::{DEPLOYS_LISTED, Operations, log_window};
use crate::diagnosis::log;
use crate::render::LogQuery;
use crate::service::{Deploy, DeployStatus};

/// Ten calls of the thirty that Render allows a minute; few builds print more.
const LINES_MAX: usize = 1_000;

/// Templates of the last good deploy's lines, by log type. Read once a run: a run ends with the next good deploy.
#[derive(Debug, Clone, Default)]
pub struct LastGood {
    read: Arc<Mutex<BTreeMap<&'static str, BTreeSet<String>>>>,
}

impl Operations {
    /// Templates of what the last good deploy before `deploy` printed into the log of type `kind`.
    ///
    /// Without a good deploy, or when its log is gone, there are none: the diagnosis does without.
    pub(super) async fn seen_before(&self, deploy: &Deploy, kind: &'static str) -> BTreeSet<String> {
        let mut read = self.last_good.read.lock().await;
        if let Some(templates) = read.get(kind) {
            return templates.clone();
        }
        let templates = self.templates(deploy, kind).await;
        read.insert(kind, templates.clone());
        templates
    }

    async fn templates(&self, deploy: &Deploy, kind: &str) -> BTreeSet<String> {
        let Ok(deploys) = self.render.deploys(&self.service.id, DEPLOYS_LISTED).await else { return BTreeSet::new() };
        let was_good = |other: &&Deploy| {
            matches!(other.status, DeployStatus::Live | DeployStatus::Deactivated)
                && other.id != deploy.id
                && other.created_at < deploy.created_at
        };
        let Some(good) = deploys.iter().find(was_good) else { return BTreeSet::new() };
        let mut query = LogQuery::of_deploy(&self.service, good, kind, LINES_MAX, self.render.now());
        // What came next may have failed shortly after.
        if let Some(next) = deploys.iter().rev().find(|other| other.created_at > good.created_at) {
            query.end = query.end.min(next.created_at);
        }
        let Ok(entries) = self.render.logs(&query).await else { return BTreeSet::new() };
        let entries = match kind {
            // A failed build in the same window must not count as good.
            "build" => log_window::of_build(entries, good.commit.as_ref().map(|commit| commit.0.as_str())),
            _ => log_window::of_newest_instance(entries, good.started_at.unwrap_or(good.created_at)),
        };
        let lines = log::Log::read(&self.lines(entries).join("\n")).lines;
        lines.iter().map(|line| log::template(&line.text)).filter(|template| !template.is_empty()).collect()
    }
}
