//! A sandbox with a repository that pushes to it and a client that checks every answer.

use std::path::Path;
use std::time::Duration;

use domain_runner::sandbox::{Builds, Sandbox, SandboxSettings};
use git2::{Repository, Signature};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::conformance;

/// Longer than any single step of a test, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Rig {
    pub sandbox: Sandbox,
    pub client: reqwest::Client,
    repository: Repository,
    folder: TempDir,
}

/// An answer after its checks.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Rig {
    pub(super) async fn start(adjust: impl FnOnce(&mut SandboxSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = SandboxSettings::new(folder.path().join("sandbox"), "shop", Builds::Fake);
        settings.start_timeout = Duration::from_millis(1_500);
        settings.health_check_path = Some("/healthz".to_owned());
        adjust(&mut settings);
        let sandbox = Sandbox::start(settings).await.unwrap();
        let repository = Repository::init(folder.path().join("work")).unwrap();
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        Self { sandbox, client, repository, folder }
    }

    /// Commits `script` as the fake build and pushes it to `main`.
    pub(super) fn push(&self, script: &Value, message: &str) -> String {
        self.push_files(&[("fake-build.json", &script.to_string())], message)
    }

    pub(super) fn push_files(&self, files: &[(&str, &str)], message: &str) -> String {
        let work = self.folder.path().join("work");
        let mut index = self.repository.index().unwrap();
        for (name, text) in files {
            std::fs::create_dir_all(work.join(name).parent().unwrap()).unwrap();
            std::fs::write(work.join(name), text).unwrap();
            index.add_path(Path::new(name)).unwrap();
        }
        index.write().unwrap();
        let tree = self.repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = Signature::now("Ada", "ada@example.com").unwrap();
        let parent = self.repository.head().ok().map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        let commit = self.repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents).unwrap();
        let mut remote = self.repository.remote_anonymous(self.sandbox.remote().to_str().unwrap()).unwrap();
        remote.push(&["HEAD:refs/heads/main"], None).unwrap();
        commit.to_string()
    }

    /// Calls `path` below `/v1` and checks status, line feed, headers and shape.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.sandbox.api_url()));
        request = request.bearer_auth(self.sandbox.api_key());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        for header in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "render-request-id"] {
            assert!(answer.headers().contains_key(header), "{header} of {path}");
        }
        let bytes = answer.bytes().await.unwrap();
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "{path} ends without a line feed");
        conformance::check(method.as_str(), path.split('?').next().unwrap(), status, &bytes);
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// The path of the service, with `rest` behind it.
    pub(super) fn service(&self, rest: &str) -> String {
        format!("/services/{}{rest}", self.sandbox.service_id())
    }

    pub(super) async fn deploy(&self) -> Answer {
        self.post(&self.service("/deploys"), json!({})).await
    }

    /// Newest first.
    pub(super) async fn deploys(&self) -> Vec<Value> {
        let list = self.get(&self.service("/deploys")).await;
        list.as_array().unwrap().iter().map(|item| item["deploy"].clone()).collect()
    }

    /// Newest first.
    pub(super) async fn statuses(&self) -> Vec<String> {
        self.deploys().await.iter().map(|deploy| deploy["status"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the deploys stand as expected, newest first.
    pub(super) async fn expect_statuses(&self, expected: &[&str]) {
        let mut seen = Vec::new();
        for _ in 0..PATIENCE.as_millis() / 50 {
            seen = self.statuses().await;
            if seen == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("expected {expected:?}, but have {seen:?}\n{}", self.log("").await.join("\n"));
    }

    pub(super) fn log_path(&self, more: &str) -> String {
        format!("/logs?ownerId={}&resource={}{more}", self.sandbox.owner_id(), self.sandbox.service_id())
    }

    /// All messages, oldest first.
    pub(super) async fn log(&self, more: &str) -> Vec<String> {
        let page = self.get(&self.log_path(&format!("&direction=forward&limit=100{more}"))).await;
        page["logs"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Events of a type, newest first.
    pub(super) async fn events(&self, kind: &str) -> Vec<Value> {
        let list = self.get(&self.service(&format!("/events?type={kind}"))).await;
        list.as_array().unwrap().iter().map(|item| item["event"].clone()).collect()
    }

    /// Waits for the first event of a type.
    pub(super) async fn expect_event(&self, kind: &str) {
        for _ in 0..PATIENCE.as_millis() / 50 {
            if !self.events(kind).await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no event {kind}\n{}", self.log("").await.join("\n"));
    }

    /// What the public address answers.
    pub(super) async fn visit(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.sandbox.service_url())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}
