//! The state behind its lock, and the bells that ring when it changes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, mpsc, watch};

use super::faults::{Fate, Faults, Struck};
use super::limits::Limits;
use super::logs::{LogEntry, Source};
use super::remote::Remote;
use super::state::Platform;
use crate::world;

/// Lines that a slow socket may lag behind before it loses some, as Render's does.
const SOCKET_LAG_LINES: usize = 8_192;

/// What the API asks of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Restart,
    Suspend,
}

/// Shared by the router, the proxy and the worker.
#[derive(Debug)]
pub(super) struct Hub {
    platform: Mutex<Platform>,
    changes: watch::Sender<u64>,
    lines: broadcast::Sender<LogEntry>,
    /// Where the instance that serves now is reached.
    pub route: watch::Sender<Option<SocketAddr>>,
    orders: mpsc::UnboundedSender<Order>,
    pub remote: Remote,
    faults: Mutex<(Faults, Fate)>,
    /// How far this Render's clock is ahead of the machine's.
    skew: SignedDuration,
    pub api_key: String,
    /// The secret part of the deploy hook's address.
    pub hook_key: String,
    pub limits: Mutex<Limits>,
    /// Calls so far, for the faults that strike every n-th time.
    pub requests: AtomicU32,
    /// The sandbox has ended.
    pub closed: AtomicBool,
}

impl Hub {
    pub(super) fn new(
        platform: Platform,
        remote: Remote,
        (faults, api_key): (Faults, String),
        orders: mpsc::UnboundedSender<Order>,
    ) -> Self {
        Self {
            platform: Mutex::new(platform),
            changes: watch::Sender::new(0),
            lines: broadcast::Sender::new(SOCKET_LAG_LINES),
            route: watch::Sender::new(None),
            orders,
            remote,
            faults: Mutex::new((faults.clone(), Fate::of(&faults))),
            skew: faults.clock_skew,
            api_key,
            hook_key: world::random_word(11),
            limits: Mutex::default(),
            requests: AtomicU32::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// What time it is on this Render.
    pub(super) fn now(&self) -> Timestamp {
        world::now() + self.skew
    }

    /// The faults that hold all the time.
    pub(super) fn faults(&self) -> Faults {
        lock(&self.faults).0.clone()
    }

    /// From now on these faults; the clock stays as it is, for time must not run backwards.
    pub(super) fn set_faults(&self, faults: Faults) {
        self.change(|platform, _| platform.logs.scrambled = faults.scrambled_logs);
        *lock(&self.faults) = (faults.clone(), Fate::of(&faults));
    }

    /// What goes wrong with the next such call.
    pub(super) fn fate(&self, method: &Method, path: &str) -> Struck {
        lock(&self.faults).1.next(method, path)
    }

    /// Looks at the state.
    pub(super) fn read<R>(&self, look: impl FnOnce(&Platform) -> R) -> R {
        look(&lock(&self.platform))
    }

    /// Changes the state; sockets get the new lines, and whoever waits looks again.
    pub(super) fn change<R>(&self, act: impl FnOnce(&mut Platform, Timestamp) -> R) -> R {
        let mut platform = lock(&self.platform);
        let result = act(&mut platform, self.now());
        let lines = platform.logs.take_outbox();
        // Sent under the lock, so that sockets see lines in the order of the log.
        for line in lines {
            // Nobody listening is fine.
            let _ = self.lines.send(line);
        }
        drop(platform);
        self.changes.send_modify(|count| *count += 1);
        result
    }

    pub(super) fn log(&self, source: &Source, message: &str) {
        self.change(|platform, now| platform.logs.push(source, message, now));
    }

    /// Asks something of the worker.
    pub(super) fn order(&self, order: Order) {
        // Without a worker the sandbox is about to end.
        let _ = self.orders.send(order);
        self.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn lines(&self) -> broadcast::Receiver<LogEntry> {
        self.lines.subscribe()
    }

    /// Returns once the deploy has ended, by whatever hand.
    pub(super) async fn ended(&self, deploy: &str) {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            if self.read(|platform| platform.deploy(deploy).is_none_or(|deploy| deploy.status.is_terminal())) {
                return;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// A panic elsewhere does not make the state wrong: every change is complete or not begun.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
