//! The instance that serves: watched, and started again when it exits.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::POLL;
use super::launch::{Healthy, Launch, Process};

/// Between an exit and the next start of a serving instance; doubled each time it does not come up.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(60);

/// A serving instance and the task that keeps it up. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Live {
    launch: Launch,
    quit: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Live {
    pub(super) fn serve(launch: Launch, healthy: Healthy) -> Self {
        let (quit, quitting) = watch::channel(false);
        let task = tokio::spawn(keep_up(launch.clone(), healthy.process, quitting));
        Self { launch, quit, task: Some(task) }
    }

    pub(super) fn launch(&self) -> &Launch {
        &self.launch
    }

    pub(super) async fn stop(mut self) {
        self.quit.send_replace(true);
        if let Some(task) = self.task.take() {
            // Cannot fail: the task neither panics nor is aborted.
            let _ = task.await;
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn keep_up(launch: Launch, mut process: Process, mut quit: watch::Receiver<bool>) {
    loop {
        let exit = tokio::select! {
            _ = quit.changed() => return process.stop().await,
            exit = exit_of(&mut process) => exit,
        };
        let why = launch.reason(&exit);
        process.drain().await;
        launch.hub.change(|platform, now| platform.exited(&launch.instance, &why, now));
        process = tokio::select! {
            _ = quit.changed() => return,
            process = come_back(&launch) => process,
        };
    }
}

async fn exit_of(process: &mut Process) -> crate::builder::Exit {
    loop {
        if let Some(exit) = process.exited() {
            return exit;
        }
        sleep(POLL).await;
    }
}

/// Render restarts a crashed instance for ever.
async fn come_back(launch: &Launch) -> Process {
    let mut pause = RESTART_PAUSE;
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(RESTART_PAUSE_MAX);
        if let Ok(healthy) = launch.bring_up().await {
            launch.hub.route.send_replace(healthy.port.map(|port| port.reach));
            launch.hub.change(|platform, now| platform.serving(&launch.instance, "server_available", now));
            return healthy.process;
        }
    }
}
