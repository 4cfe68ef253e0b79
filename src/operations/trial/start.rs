//! The start of a trial: as the platform scans for a port and asks for health, and in its words where it fails.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Operations;
use crate::builder::{Builder, BuilderError, Exit, Image, Instance, Listening, LogSink, RunSpec};
use crate::service::{FailureReason, ServiceType};

/// `PORT` where nothing else wants it (contract §8).
const PORT_DEFAULT: u16 = 10_000;
/// A service that has not opened its port by then is looked at no longer; Render's own 15 minutes are for the platform.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// A worker has no port: it is taken as started when it still runs after this time.
const SETTLED: Duration = Duration::from_secs(5);
/// What the app hears between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// One health check, as on Render.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);
/// Of an instance type whose memory is not known: Render's smallest.
const MEMORY_BYTES: u64 = 512 << 20;

/// How a start went.
pub(super) enum Seen {
    Healthy,
    /// It still runs, without what was waited for.
    Slow,
    Failed(FailureReason),
}

/// What is started, and what is waited for.
pub(super) struct Launch {
    run: RunSpec,
    health_path: Option<String>,
    host: String,
    has_port: bool,
    limit: Duration,
}

impl Launch {
    pub(super) fn of(operations: &Operations, limit: Duration) -> Self {
        let service = &operations.service;
        let host = service.url.as_deref().map(host_of).unwrap_or_default();
        let given = [
            ("RENDER", "true"),
            ("RENDER_SERVICE_NAME", &service.name),
            ("RENDER_EXTERNAL_URL", &format!("https://{host}")),
            ("RENDER_EXTERNAL_HOSTNAME", &host),
            ("IS_PULL_REQUEST", "false"),
            ("WEB_CONCURRENCY", "1"),
        ];
        let mut env: BTreeMap<String, String> =
            given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        env.extend(operations.trials.settings.env.clone());
        let port = free_port(env.get("PORT").and_then(|port| port.parse().ok()));
        let memory_bytes = operations.facts.memory_limit.as_deref().and_then(bytes).unwrap_or(MEMORY_BYTES);
        let command = Some(service.docker_command.clone()).filter(|command| !command.is_empty());
        Self {
            run: RunSpec { env, port, memory_bytes, command },
            health_path: operations.facts.health_path.clone(),
            host,
            has_port: matches!(service.service_type, ServiceType::WebService | ServiceType::PrivateService),
            limit: limit.min(START_TIMEOUT),
        }
    }

    /// Starts the image, and ends it when it is known how it does.
    pub(super) async fn bring_up(&self, builder: &Builder, image: &Image, sink: LogSink) -> Result<Seen, BuilderError> {
        let mut instance = builder.start(image, &self.run, sink.clone()).await?;
        let seen = self.watch(&mut instance, &sink).await;
        instance.stop(GRACE).await;
        Ok(seen)
    }

    async fn watch(&self, instance: &mut Instance, sink: &LogSink) -> Seen {
        let say = |line: String| {
            // Whoever listens outlives the start.
            let _ = sink.send(line);
        };
        let began = Instant::now();
        let mut before = String::from("no answer");
        let mut open = false;
        while began.elapsed() < self.limit {
            if let Some(exit) = instance.exited() {
                let (line, reason) = meaning(&exit, self.run.memory_bytes);
                say(line);
                return Seen::Failed(reason);
            }
            if !self.has_port {
                if began.elapsed() >= SETTLED {
                    return Seen::Healthy;
                }
            } else if let Some(port) = self.port(instance).await {
                open = true;
                match &self.health_path {
                    None => return Seen::Healthy,
                    Some(path) => match self.ask(port.reach, path).await {
                        Ok(()) => return Seen::Healthy,
                        Err(seen) => before = seen,
                    },
                }
            }
            sleep(LOOK).await;
        }
        match (&self.health_path, open) {
            (Some(path), true) => {
                let words = "Timed out after waiting for internal health check to return a successful response code";
                say(format!("==> {words} at: {}:{} {path}", self.host, self.run.port));
                Seen::Failed(FailureReason::Unhealthy(format!("HTTP health check failed ({before})")))
            }
            _ if self.is_mute(instance).await => {
                say("==> No open ports detected on 0.0.0.0, continuing to scan...".into());
                say("==> Port scan timeout reached, no open ports detected. Bind your service to at least one port."
                    .into());
                let seconds = i64::try_from(self.limit.as_secs()).unwrap_or(i64::MAX);
                let reason = Some("Port scan timeout reached, no open ports detected".to_owned());
                Seen::Failed(FailureReason::TimedOut { seconds, reason })
            }
            _ => Seen::Slow,
        }
    }

    /// A port that others than the process itself can reach; the one it was told first.
    async fn port(&self, instance: &Instance) -> Option<Listening> {
        let open = instance.listening().await.into_iter().filter(|port| !port.loopback_only);
        open.min_by_key(|port| (port.port != self.run.port, port.port))
    }

    /// Whether it had its time and opened no port, or none but to itself. What is merely slow here may be quick elsewhere.
    async fn is_mute(&self, instance: &Instance) -> bool {
        self.limit >= START_TIMEOUT || instance.listening().await.iter().any(|port| port.loopback_only)
    }

    /// 2xx and 3xx pass; anything else is told in words.
    async fn ask(&self, reach: SocketAddr, path: &str) -> Result<(), String> {
        let client = reqwest::Client::builder().timeout(PROBE_TIMEOUT).no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).build().map_err(|error| error.to_string())?;
        let request = client.get(format!("http://{reach}/{}", path.trim_start_matches('/')));
        match request.header("host", &self.host).send().await {
            Ok(answer) if answer.status().is_success() || answer.status().is_redirection() => Ok(()),
            Ok(answer) => Err(format!("status {}", answer.status().as_u16())),
            Err(error) if error.is_timeout() => Err("no answer within 5 s".to_owned()),
            Err(_) => Err("connection failed".to_owned()),
        }
    }
}

/// What an exit means to the platform, and its line about it.
fn meaning(exit: &Exit, memory_bytes: u64) -> (String, FailureReason) {
    match exit {
        Exit { out_of_memory: true, .. } => {
            let memory_limit = format!("{}Mi", memory_bytes >> 20);
            (format!("==> Out of memory (used over {memory_limit})"), FailureReason::OomKilled { memory_limit })
        }
        Exit { code: 0, .. } => ("==> Application exited early".to_owned(), FailureReason::EarlyExit),
        Exit { code, .. } => (format!("==> Exited with status {code}"), FailureReason::NonZeroExit(*code)),
    }
}

/// The wanted port, else any that is free: without a network of its own a trial shares this machine's.
fn free_port(wanted: Option<u16>) -> u16 {
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
    let any = || TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|listener| listener.local_addr());
    let wanted = wanted.unwrap_or(PORT_DEFAULT);
    if is_free(wanted) { wanted } else { any().map_or(wanted, |address| address.port()) }
}

/// `host` of `https://host/path`.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or_default().to_owned()
}

/// Bytes of `512Mi`, `2Gi`, `512MB`.
fn bytes(limit: &str) -> Option<u64> {
    let digits = limit.find(|each: char| !each.is_ascii_digit()).unwrap_or(limit.len());
    let number: u64 = limit[..digits].parse().ok()?;
    match limit[digits..].trim().chars().next()?.to_ascii_uppercase() {
        'M' => Some(number << 20),
        'G' => Some(number << 30),
        _ => None,
    }
}
