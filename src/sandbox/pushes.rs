//! Notices pushes: looks at the branch, waits the auto-deploy delay and for the checks, tells the platform.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::POLL;
use super::deploy::CommitInfo;
use super::hub::Hub;
use crate::service::AutoDeploy;

/// Watches the branch until it is aborted. What stands on it at the beginning (`known`), or after a change of
/// branch, is no push.
pub(super) async fn watch(hub: Arc<Hub>, mut known: Option<CommitInfo>, (delay, checks): (Duration, Option<Duration>)) {
    let mut branch = hub.read(|platform| platform.service.branch.clone());
    let mut waiting: VecDeque<(Instant, CommitInfo)> = VecDeque::new();
    loop {
        sleep(POLL).await;
        let connected = hub.read(|platform| platform.service.branch.clone());
        let newest = head(&hub, &connected).await;
        if connected != branch {
            (branch, known) = (connected, newest);
        } else if let Some(commit) = newest.filter(|commit| known.as_ref() != Some(commit)) {
            known = Some(commit.clone());
            // Without checks, and with failed ones, a service that waits for them never deploys.
            let waits_for_checks = hub.read(|platform| platform.service.auto_deploy == AutoDeploy::ChecksPass);
            if let Some(wait) = if waits_for_checks { checks } else { Some(Duration::ZERO) } {
                waiting.push_back((Instant::now() + delay + wait, commit));
            }
        }
        let due = waiting.iter().take_while(|(due, _)| *due <= Instant::now()).count();
        for (_, commit) in waiting.drain(..due) {
            hub.change(|platform, now| platform.pushed(commit, now));
        }
    }
}

async fn head(hub: &Hub, branch: &str) -> Option<CommitInfo> {
    let (remote, branch) = (hub.remote.clone(), branch.to_owned());
    match tokio::task::spawn_blocking(move || remote.head(&branch)).await {
        Ok(Ok(head)) => head,
        Ok(Err(error)) => {
            tracing::debug!(%error, "branch unreadable");
            None
        }
        Err(_) => None,
    }
}
