//! Starting an instance: port scan, health check, crash loop (contract §8).
//!
//! Render tries for 15 minutes, whatever happens. The sandbox is quicker: two exits are a crash loop, and
//! `start_timeout` stands for the 15 minutes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::builds::{Builds, BuiltImage, Running};
use super::hub::Hub;
use super::logs::Source;
use super::{POLL, PROBE_TIMEOUT};
use crate::builder::{Exit, Listening, RunSpec};
use crate::service::FailureReason;

/// After so many exits the instance is in a crash loop.
const EXITS_MAX: u32 = 2;
/// Between an exit and the next start, so that both can be told apart in the log.
const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// Between two lines about a missing port (contract §6).
const SCAN_LINE_EVERY: Duration = Duration::from_secs(5);
/// Between two health checks.
const HEALTH_EVERY: Duration = Duration::from_millis(500);
/// Output that is still on its way when the process has ended.
const DRAIN: Duration = Duration::from_secs(1);
/// The exit status of a container whose command could not be started.
const STATUS_NOT_STARTED: i64 = 127;
/// What the app hears between SIGTERM and SIGKILL; Render gives 30 s.
const GRACE: Duration = Duration::from_secs(5);

const SCAN_LINE: &str = "==> No open ports detected on 0.0.0.0, continuing to scan...";
/// How long a worker must run to count as started.
const SETTLING: Duration = Duration::from_secs(1);
const SCAN_DOCS: &str = "==> Docs on specifying a port: https://render.com/docs/web-services#port-binding";
const SCAN_TIMEOUT: &str = "==> Port scan timeout reached, no open ports detected. Bind your service to at least \
                            one port. If you don't need to receive traffic on any port, create a background worker \
                            instead.";

/// Everything needed to start an instance, and to start it again.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub hub: Arc<Hub>,
    pub builds: Arc<Builds>,
    pub client: reqwest::Client,
    pub image: BuiltImage,
    pub env: BTreeMap<String, String>,
    pub port: u16,
    /// `PORT` as the service's owner set it: then no other port counts (`port` is another only where this one is taken here).
    pub port_set: Option<u16>,
    pub command: Option<String>,
    pub memory_bytes: u64,
    /// Empty means that an open port is enough.
    pub health_path: String,
    /// Others reach it over the network: a port must be open. Else it is enough that it runs on.
    pub listens: bool,
    /// The `Host` that a probe sends.
    pub host: String,
    /// `srv-…-sbpkm`.
    pub instance: String,
    pub timeout: Duration,
}

/// A process with the task that carries its output into the log.
#[derive(Debug)]
pub(super) struct Process {
    running: Running,
    pump: JoinHandle<()>,
}

/// An instance that passed its port scan and health check.
#[derive(Debug)]
pub(super) struct Healthy {
    pub process: Process,
    /// Where it listens, where it must.
    pub port: Option<Listening>,
}

impl Launch {
    /// Starts the instance and waits until it is healthy, or is never going to be.
    pub(super) async fn bring_up(&self) -> Result<Healthy, FailureReason> {
        let deadline = Instant::now() + self.timeout;
        let mut exits = 0;
        loop {
            let why = match self.start().await {
                Ok(mut process) => match self.observe(&mut process, deadline).await {
                    Ok(port) => return Ok(Healthy { process, port }),
                    Err(Unfit::Exited(exit)) => {
                        process.drain().await;
                        self.reason(&exit)
                    }
                    Err(Unfit::TimedOut(why)) => {
                        process.stop().await;
                        return Err(why);
                    }
                },
                Err(text) => {
                    self.hub.log(&Source::App { instance: self.instance.clone() }, &text);
                    FailureReason::NonZeroExit(STATUS_NOT_STARTED)
                }
            };
            self.hub.change(|platform, now| platform.exited(&self.instance, &why, now));
            exits += 1;
            if exits >= EXITS_MAX {
                return Err(why);
            }
            sleep(RESTART_PAUSE).await;
        }
    }

    /// What an exit means to the platform.
    pub(super) fn reason(&self, exit: &Exit) -> FailureReason {
        match exit {
            Exit { out_of_memory: true, .. } => {
                FailureReason::OomKilled { memory_limit: format!("{}Mi", self.memory_bytes >> 20) }
            }
            Exit { code: 0, .. } => FailureReason::EarlyExit,
            Exit { code, .. } => FailureReason::NonZeroExit(*code),
        }
    }

    /// How `command`, or the image's own, is run.
    pub(super) fn run_spec(&self, command: Option<String>) -> RunSpec {
        RunSpec { env: self.env.clone(), port: self.port, memory_bytes: self.memory_bytes, command }
    }

    async fn start(&self) -> Result<Process, String> {
        let run = self.run_spec(self.command.clone());
        let (sink, mut lines) = mpsc::unbounded_channel::<String>();
        let (hub, source) = (Arc::clone(&self.hub), Source::App { instance: self.instance.clone() });
        let pump = tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                hub.log(&source, &line);
            }
        });
        let running = self.builds.start(&self.image, &run, sink).await?;
        Ok(Process { running, pump })
    }

    async fn observe(&self, process: &mut Process, deadline: Instant) -> Result<Option<Listening>, Unfit> {
        if !self.listens {
            return self.settle_in(process).await.map(|()| None);
        }
        let port = self.scan(process, deadline).await?;
        if self.health_path.is_empty() {
            return Ok(Some(port));
        }
        let place = format!("{}:{} {}", self.host, port.port, self.health_path);
        let mut said = false;
        let mut before = None;
        loop {
            if let Some(exit) = process.running.exited() {
                return Err(Unfit::Exited(exit));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = match timeout(left, self.probe(port.reach)).await {
                Ok(Ok(())) => return Ok(Some(port)),
                Ok(Err(seen)) => seen,
                // The last one is cut short by the deadline: what was seen before tells more.
                Err(_) => before.unwrap_or_else(|| "no answer".to_owned()),
            };
            before = Some(seen.clone());
            if !said {
                said = true;
                let waiting =
                    format!("Waiting for internal health check to return a successful response code at: {place}");
                self.hub.log(&Source::Platform, &format!("==> {waiting}"));
            }
            if Instant::now() >= deadline {
                let text = format!(
                    "Timed out after waiting for internal health check to return a successful response code at: {place}"
                );
                self.hub.log(&Source::Platform, &format!("==> {text}"));
                self.hub.log(&Source::Platform, "==> Timed Out");
                return Err(Unfit::TimedOut(FailureReason::Unhealthy(format!("HTTP health check failed ({seen})"))));
            }
            sleep(HEALTH_EVERY.min(left)).await;
        }
    }

    /// A process without a port is well when it has not ended after a while.
    async fn settle_in(&self, process: &mut Process) -> Result<(), Unfit> {
        let end = Instant::now() + SETTLING;
        while Instant::now() < end {
            if let Some(exit) = process.running.exited() {
                return Err(Unfit::Exited(exit));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Waits for a port that others than the process itself can reach.
    async fn scan(&self, process: &mut Process, deadline: Instant) -> Result<Listening, Unfit> {
        // Counted from when the start began, as the deadline is: an engine may take long to start a container.
        let mut next_line = deadline - self.timeout + SCAN_LINE_EVERY;
        loop {
            let open = process.running.listening().await.into_iter().filter(|port| !port.loopback_only);
            let counts = open.filter(|port| self.port_set.is_none_or(|set| [set, self.port].contains(&port.port)));
            if let Some(port) = counts.min_by_key(|port| (port.port != self.port, port.port)) {
                return Ok(port);
            }
            if let Some(exit) = process.running.exited() {
                return Err(Unfit::Exited(exit));
            }
            let now = Instant::now();
            // First, so that it is also said where one look took until the deadline.
            if now >= next_line {
                next_line = now + SCAN_LINE_EVERY;
                self.hub.log(&Source::Platform, SCAN_LINE);
                self.hub.log(&Source::Platform, SCAN_DOCS);
            }
            if now >= deadline {
                self.hub.log(&Source::Platform, &self.scan_timeout());
                self.hub.log(&Source::Platform, "==> Timed Out");
                let seconds = i64::try_from(self.timeout.as_secs()).unwrap_or(i64::MAX);
                let reason = Some("Port scan timeout reached, no open ports detected".to_owned());
                return Err(Unfit::TimedOut(FailureReason::TimedOut { seconds, reason }));
            }
            sleep(POLL).await;
        }
    }

    /// The platform's words for a port that it did not find.
    fn scan_timeout(&self) -> String {
        match self.port_set {
            Some(port) => format!(
                "==> Port scan timeout reached, failed to detect open port {port} from PORT environment variable. Bind \
                 your service to port {port} or update the PORT environment variable to the correct port"
            ),
            None => SCAN_TIMEOUT.to_owned(),
        }
    }

    /// 2xx and 3xx pass; anything else is told in words.
    async fn probe(&self, reach: SocketAddr) -> Result<(), String> {
        let path = self.health_path.trim_start_matches('/');
        let request = self.client.get(format!("http://{reach}/{path}")).header("host", &self.host);
        match request.timeout(PROBE_TIMEOUT).send().await {
            Ok(answer) if answer.status().is_success() || answer.status().is_redirection() => Ok(()),
            Ok(answer) => Err(format!("status {}", answer.status().as_u16())),
            Err(error) if error.is_timeout() => Err("no answer within 5 s".to_owned()),
            Err(_) => Err("connection failed".to_owned()),
        }
    }
}

impl Process {
    pub(super) fn exited(&mut self) -> Option<Exit> {
        self.running.exited()
    }

    /// Ends the process, politely first.
    pub(super) async fn stop(self) {
        self.running.stop(GRACE).await;
        settle(self.pump).await;
    }

    /// Lets the last lines of an ended process into the log.
    pub(super) async fn drain(self) {
        drop(self.running);
        settle(self.pump).await;
    }
}

async fn settle(mut pump: JoinHandle<()>) {
    if timeout(DRAIN, &mut pump).await.is_err() {
        // A grandchild may hold the pipe open for ever.
        pump.abort();
    }
}

/// Why an instance takes no traffic.
#[derive(Debug)]
enum Unfit {
    Exited(Exit),
    TimedOut(FailureReason),
}
