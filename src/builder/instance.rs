//! A running container or process, whatever started it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::engine::Container;
use super::ground::Ground;
use super::process::Control;
use super::{Exit, Listening, procfs};

/// Something started from an image. Dropping it kills it and cleans up.
#[derive(Debug)]
pub struct Instance {
    id: String,
    exit: watch::Receiver<Option<Exit>>,
    hold: Hold,
}

/// What keeps it alive.
#[derive(Debug)]
enum Hold {
    Container(Container),
    Process {
        helper_pid: u32,
        control: Control,
        /// Its files, even when the image is discarded meanwhile.
        _ground: Arc<Ground>,
    },
}

impl Instance {
    pub(super) fn of_container(container: Container, exit: watch::Receiver<Option<Exit>>) -> Self {
        Self { id: container.id().to_owned(), exit, hold: Hold::Container(container) }
    }

    pub(super) fn of_process(
        id: String,
        helper_pid: u32,
        control: Control,
        exit: watch::Receiver<Option<Exit>>,
        ground: Arc<Ground>,
    ) -> Self {
        Self { id, exit, hold: Hold::Process { helper_pid, control, _ground: ground } }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The TCP ports on which it listens right now.
    pub async fn listening(&self) -> Vec<Listening> {
        if self.exit.borrow().is_some() {
            return Vec::new();
        }
        match &self.hold {
            Hold::Container(container) => container.listening().await,
            Hold::Process { helper_pid, .. } => {
                let sockets = procfs::listeners("/proc/net".as_ref()).unwrap_or_default();
                procfs::by_port(&procfs::held_by(&procfs::family(*helper_pid), sockets), procfs::reach_here)
            }
        }
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<Exit> {
        self.exit.borrow().clone()
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> Exit {
        match self.exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.clone().unwrap_or(LOST),
            Err(_) => LOST,
        }
    }

    /// Asks it to end, and kills it when it has not within `grace`.
    pub async fn stop(&mut self, grace: Duration) -> Exit {
        if let Some(exit) = self.exited() {
            return exit;
        }
        match &mut self.hold {
            Hold::Container(container) => container.stop(grace).await,
            Hold::Process { control, .. } => {
                control.ask_to_end().await;
                let _ = tokio::time::timeout(grace, self.exit.wait_for(Option::is_some)).await;
                control.cut();
            }
        }
        let exit = self.wait().await;
        // A kill at the end of the grace looks like one for memory.
        Exit { out_of_memory: false, ..exit }
    }
}

/// The runtime is going down and nobody watches any more.
const LOST: Exit = Exit { code: -1, out_of_memory: false };
