//! Fake builds: a commit says itself, in `fake-build.json`, how its build and its run will go.
//!
//! For tests of the platform and for soaks, where a real build would only cost time. All fields are optional:
//! ```json
//! {"build": "ok|fail|timeout|oom", "build_ms": 20, "log": ["lines of the build"],
//!  "pre_deploy": 0, "pre_deploy_log": ["lines of the command before the deploy"],
//!  "run": "ok|exit:N|oom|no-port|loopback|unhealthy", "app": ["lines of the app"], "start_ms": 0,
//!  "crash_after_ms": 60000, "health": {"/healthz": 200}, "until": {"Dockerfile": "text"},
//!  "while": {"Dockerfile": "text"}, "then": {}}
//! ```
//! `crash_after_ms` lets a healthy instance exit with status 1 after that time, each time it is started.
//! `health` gives a status per path, others answer 404; without it every path answers 200. `until` names files and
//! a text each: once every file holds its text, the script's failure is gone with its lines, and build and run are `ok`; `while` is
//! the contrary: the failure is gone once one of the files no longer holds its text. `then` is the script that holds
//! after that, for services with one fault behind the other. A body is the commit, so that old and new versions can be
//! told apart.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::builder::{BuildSpec, Exit, Listening, LogSink, RunSpec};

/// The script's name, at the top of the build context.
pub const SCRIPT_FILE: &str = "fake-build.json";

/// What a commit scripts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Script {
    build: FakeBuild,
    build_ms: u64,
    log: Vec<String>,
    /// Exit status of the command before the deploy, where the service has one.
    pre_deploy: i64,
    pre_deploy_log: Vec<String>,
    run: String,
    app: Vec<String>,
    start_ms: u64,
    crash_after_ms: Option<u64>,
    health: BTreeMap<String, u16>,
    until: BTreeMap<String, String>,
    #[serde(rename = "while")]
    as_long_as: BTreeMap<String, String>,
    then: Option<Box<Script>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FakeBuild {
    #[default]
    Ok,
    Fail,
    Timeout,
    Oom,
}

/// How a fake build ended.
#[derive(Debug)]
pub(super) enum FakeEnd {
    Built(Box<Script>),
    Failed,
    TimedOut,
    OutOfMemory,
}

/// Reads the script of a checked-out commit and plays its build.
pub(super) async fn build(spec: &BuildSpec, sink: &LogSink) -> FakeEnd {
    let script = match Script::read(&spec.context) {
        Ok(script) => script,
        Err(why) => {
            // The receiver outlives the build.
            let _ = sink.send(format!("error: failed to read {SCRIPT_FILE}: {why}"));
            return FakeEnd::Failed;
        }
    };
    for line in &script.log {
        let _ = sink.send(line.clone());
    }
    tokio::time::sleep(Duration::from_millis(script.build_ms).min(spec.timeout)).await;
    match script.build {
        FakeBuild::Ok => FakeEnd::Built(Box::new(script)),
        FakeBuild::Fail => FakeEnd::Failed,
        FakeBuild::Timeout => FakeEnd::TimedOut,
        FakeBuild::Oom => FakeEnd::OutOfMemory,
    }
}

impl Script {
    fn read(folder: &Path) -> Result<Self, String> {
        let text = match std::fs::read_to_string(folder.join(SCRIPT_FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.to_string()),
        };
        let script: Self = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(script.settled(folder))
    }

    /// The script as far as the files have healed.
    fn settled(self, folder: &Path) -> Self {
        let holds = |(file, text): (&String, &String)| {
            std::fs::read_to_string(folder.join(file)).is_ok_and(|content| content.contains(text.as_str()))
        };
        let healed = !self.until.is_empty() && self.until.iter().all(holds)
            || !self.as_long_as.is_empty() && !self.as_long_as.iter().all(holds);
        match self.then {
            Some(next) if healed => next.settled(folder),
            // What told of the failure is gone with it.
            None if healed => Self {
                build: FakeBuild::Ok,
                log: vec![],
                pre_deploy: 0,
                pre_deploy_log: vec![],
                run: String::new(),
                app: vec![],
                ..self
            },
            _ => self,
        }
    }

    /// Plays the command before the deploy.
    pub(super) fn prepare(&self, sink: &LogSink) -> Exit {
        for line in &self.pre_deploy_log {
            let _ = sink.send(line.clone());
        }
        Exit { code: self.pre_deploy, out_of_memory: false }
    }

    fn exit(&self) -> Option<Exit> {
        match self.run.as_str() {
            "oom" => Some(Exit { code: 137, out_of_memory: true }),
            run => {
                let code = run.strip_prefix("exit:")?.parse().ok()?;
                Some(Exit { code, out_of_memory: false })
            }
        }
    }
}

/// A little web server that answers as scripted; gone when dropped.
#[derive(Debug)]
pub(super) struct FakeInstance {
    listening: Option<Listening>,
    exit: Option<(Instant, Exit)>,
    server: Option<JoinHandle<()>>,
}

impl FakeInstance {
    pub(super) async fn start(script: &Script, run: &RunSpec, sink: &LogSink) -> std::io::Result<Self> {
        tokio::time::sleep(Duration::from_millis(script.start_ms)).await;
        for line in &script.app {
            let _ = sink.send(line.clone());
        }
        let exit = script.exit().map(|exit| (Instant::now(), exit));
        if exit.is_some() || script.run == "no-port" {
            return Ok(Self { listening: None, exit, server: None });
        }
        let exit = script
            .crash_after_ms
            .map(|after| (Instant::now() + Duration::from_millis(after), Exit { code: 1, out_of_memory: false }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let loopback_only = script.run == "loopback";
        let listening = Listening { port: run.port, loopback_only, reach: listener.local_addr()? };
        let server = tokio::spawn(serve(listener, script.clone(), commit_of(run)));
        Ok(Self { listening: Some(listening), exit, server: Some(server) })
    }

    pub(super) fn listening(&self) -> Vec<Listening> {
        self.listening.iter().cloned().collect()
    }

    pub(super) fn exited(&self) -> Option<Exit> {
        self.exit.as_ref().filter(|(at, _)| *at <= Instant::now()).map(|(_, exit)| exit.clone())
    }
}

impl Drop for FakeInstance {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

fn commit_of(run: &RunSpec) -> String {
    run.env.get("RENDER_GIT_COMMIT").cloned().unwrap_or_default()
}

async fn serve(listener: TcpListener, script: Script, commit: String) {
    let answer = move |uri: Uri| {
        let status = match script.health.get(uri.path()) {
            _ if script.run == "unhealthy" => 503,
            Some(status) => *status,
            None if script.health.is_empty() => 200,
            None => 404,
        };
        let answer = (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), commit.clone());
        async move { answer }
    };
    let served = axum::serve(listener, Router::new().fallback(answer)).await;
    if let Err(error) = served {
        tracing::debug!(%error, "fake instance stopped");
    }
}
