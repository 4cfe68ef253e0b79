//! The binary serving on loopback in a scrubbed environment, and a client.

use std::process::Stdio;
use std::time::Duration;

use domain_runner::world;
use reqwest::{Method, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::upstream::{KEY, Upstream};

/// Longer than any single step of a test, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) struct Rig {
    pub url: String,
    pub folder: TempDir,
    client: reqwest::Client,
    child: Child,
    log: JoinHandle<String>,
}

/// What a service said, and how it ended.
pub(super) struct Over {
    pub code: Option<i32>,
    pub log: Vec<Value>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub(super) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It is a problem document of this status and code, and a whole one.
    pub(super) fn expect_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(
            (self.status, problem["status"].clone(), problem["code"].clone()),
            (status, json!(status), json!(code)),
            "{problem}"
        );
        assert_eq!(problem["type"], format!("urn:domain-runner:problem:{code}"));
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for field in ["title", "detail", "instance"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
        }
        problem
    }
}

/// The binary with nothing of this machine's environment, in a folder of its own.
pub(super) fn program(folder: &TempDir) -> Command {
    let mut command = world::command(env!("CARGO_BIN_EXE_domain-runner"));
    command.env_clear().current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.args(["serve", "--json", "--port", "0"]);
    command
}

impl Rig {
    /// On loopback, with nothing set.
    pub(super) async fn start() -> Self {
        let loopback = |command: &mut Command| {
            command.args(["--host", "127.0.0.1"]);
        };
        let rig = Self::start_with(loopback).await;
        rig.ready().await;
        rig
    }

    /// On loopback, with a model behind each of these providers.
    pub(super) async fn with_models(upstream: &Upstream, providers: &[&str]) -> Self {
        let served = |command: &mut Command| {
            command.args(["--host", "127.0.0.1"]);
            models(command, upstream, providers);
        };
        let rig = Self::start_with(served).await;
        rig.ready().await;
        rig
    }

    pub(super) async fn start_with(adjust: impl FnOnce(&mut Command)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), adjust).await
    }

    pub(super) async fn start_in(folder: TempDir, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut command = program(&folder);
        adjust(&mut command);
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.unwrap();
            text
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, stdout.next_line()).await.unwrap().unwrap();
        let Some(line) = line else { panic!("it did not begin: {}", log.await.unwrap()) };
        let begun: Value = serde_json::from_str(&line).unwrap();
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let url = begun["url"].as_str().unwrap().replace("0.0.0.0", "127.0.0.1");
        Self { url, folder, client, child, log }
    }

    /// Until the database has its tables.
    pub(super) async fn ready(&self) {
        for _ in 0..PATIENCE.as_millis() / 50 {
            if self.get("/readyz").await.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never ready: {}", self.get("/readyz").await.text);
    }

    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// The value of a measure's series whose line begins so.
    pub(super) async fn measure(&self, series: &str) -> Option<f64> {
        let text = self.get("/metrics").await.text;
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    pub(super) fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits for its end.
    pub(super) async fn over(mut self) -> Over {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        let text = self.log.await.unwrap();
        let document = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Over { code: status.code(), log: text.lines().map(document).collect() }
    }

    pub(super) async fn stop(self) -> Over {
        self.terminate();
        self.over().await
    }
}

/// Points these providers at `upstream`.
pub(super) fn models(command: &mut Command, upstream: &Upstream, providers: &[&str]) {
    for provider in providers {
        let name = provider.to_uppercase();
        command.env(format!("{name}_API_KEY"), KEY).env(format!("{name}_BASE_URL"), &upstream.address);
    }
}
