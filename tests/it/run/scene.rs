//! A user's machine: a clone, a Render that plays scripted builds, and the real binary in a scrubbed environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use domain_runner::sandbox::{Builds, Sandbox, SandboxSettings};
use domain_runner::world;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Longer than any single step of a test, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Nobody listens there: package indexes are not asked in these tests.
const NOWHERE: &str = "http://127.0.0.1:9/simple";

/// A service that needs nothing.
pub(super) const DOCKERFILE: &str = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n";

/// What BuildKit says of a Dockerfile whose line 5 is `BROKEN LINE`.
pub(super) const BROKEN_LOG: &[&str] = &[
    "Dockerfile:5",
    "--------------------",
    "   4 |     CMD [\"python\", \"main.py\"]",
    "   5 | >>> BROKEN LINE",
    "--------------------",
    "error: failed to solve: dockerfile parse error on line 5: unknown instruction: BROKEN",
];

/// Builds that fail for as long as that line is there.
pub(super) fn broken_script() -> Value {
    json!({"build": "fail", "log": BROKEN_LOG, "while": {"Dockerfile": "BROKEN"}})
}

pub(super) struct Scene {
    pub sandbox: Sandbox,
    pub work: PathBuf,
    pub folder: TempDir,
    client: reqwest::Client,
}

/// A finished run.
pub(super) struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// What stdout holds, when the run was asked for JSON.
    pub events: Vec<Value>,
}

/// A run that goes on.
pub(super) struct Going {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    seen: Vec<String>,
}

impl Scene {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A clone without commits, and a sandbox that nothing was pushed to.
    pub(super) async fn start_with(adjust: impl FnOnce(&mut SandboxSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = SandboxSettings::new(folder.path().join("sandbox"), "shop", Builds::Fake);
        settings.start_timeout = Duration::from_millis(1_500);
        settings.health_check_path = Some("/healthz".to_owned());
        adjust(&mut settings);
        let sandbox = Sandbox::start(settings).await.unwrap();
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        let (work, home) = (folder.path().join("work"), folder.path().join("home"));
        fs::create_dir_all(&home).unwrap();
        let identity = "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n";
        fs::write(home.join("gitconfig"), identity).unwrap();
        let scene = Self { sandbox, work, folder, client };
        scene.git_in(scene.folder.path(), &["init", "-q", "-b", "main", "work"]);
        let remote = scene.sandbox.remote().display().to_string();
        scene.git(&["remote", "add", "origin", &remote]);
        scene
    }

    /// A service that is live and healthy.
    pub(super) async fn live() -> Self {
        let scene = Self::start().await;
        scene.ship(&json!({})).await;
        scene
    }

    /// Commits a good service with `script`, pushes it, and waits for its deploy to end.
    pub(super) async fn ship(&self, script: &Value) {
        self.write("Dockerfile", DOCKERFILE);
        self.write("main.py", "print('hello')\n");
        self.write("fake-build.json", &script.to_string());
        self.commit("A shop");
        self.push();
        self.settled().await;
    }

    /// Ships a stray line in the Dockerfile, and waits for its deploy to fail.
    pub(super) async fn ship_broken(&self) {
        self.write("fake-build.json", &broken_script().to_string());
        self.break_line().await;
    }

    /// The same, where the builds are scripted already.
    pub(super) async fn break_line(&self) {
        self.append("Dockerfile", "BROKEN LINE\n");
        self.commit("Oops");
        self.push();
        self.settled().await;
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.work.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.work.join(path)).unwrap()
    }

    pub(super) fn append(&self, path: &str, text: &str) {
        self.write(path, &format!("{}{text}", self.read(path)));
    }

    /// Commits everything but the program's own files.
    pub(super) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    pub(super) fn push(&self) {
        self.git(&["push", "-q", "origin", "HEAD:main"]);
    }

    pub(super) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// What the remote branch is at.
    pub(super) fn shipped(&self) -> String {
        self.git_in(self.sandbox.remote(), &["rev-parse", "main"]).trim().to_owned()
    }

    /// A file as the remote branch has it.
    pub(super) fn shipped_file(&self, path: &str) -> String {
        self.git_in(self.sandbox.remote(), &["show", &format!("main:{path}")])
    }

    /// Subjects of the remote branch, newest first.
    pub(super) fn subjects(&self) -> Vec<String> {
        self.git_in(self.sandbox.remote(), &["log", "--format=%s", "main"]).lines().map(str::to_owned).collect()
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.work, arguments)
    }

    pub(super) fn git_in(&self, dir: &Path, arguments: &[&str]) -> String {
        let mut command = self.scrubbed("git");
        let output = command.current_dir(dir).args(arguments).as_std_mut().output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Another clone that pushes a change of `path` before the next push of ours gets there, once.
    pub(super) fn rival_push(&self, path: &str, text: &str) {
        let rival = self.folder.path().join("rival");
        let remote = self.sandbox.remote().display().to_string();
        self.git_in(self.folder.path(), &["clone", "-q", &remote, "rival"]);
        fs::write(rival.join(path), text).unwrap();
        self.git_in(&rival, &["add", "-A"]);
        self.git_in(&rival, &["commit", "-q", "-m", "Somebody else's work"]);
        let hook = self.work.join(".git/hooks/pre-push");
        let rival = rival.display();
        self.executable(
            &hook,
            &format!("#!/bin/sh\nrm \"$0\"\nunset GIT_DIR\ngit -C {rival} push -q origin HEAD:main\n"),
        );
    }

    pub(super) fn executable(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// `program` with nothing of this machine's environment but the way to its programs.
    pub(super) fn scrubbed(&self, program: &str) -> Command {
        let home = self.folder.path().join("home");
        let mut command = world::command(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &home);
        command.env("GIT_CONFIG_GLOBAL", home.join("gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The binary with what a user sets for it, working on the clone.
    pub(super) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.scrubbed(env!("CARGO_BIN_EXE_domain-runner"));
        command.current_dir(&self.work).args(arguments);
        self.settings(&mut command);
        command
    }

    pub(super) fn settings(&self, command: &mut Command) {
        command.env("RENDER_API_URL", self.sandbox.api_url()).env("RENDER_API_KEY", self.sandbox.api_key());
        command.env("PIP_INDEX_URL", NOWHERE).env("npm_config_registry", NOWHERE);
        // Builds are scripted here; a trial of the same files would build them for real.
        command.env("DOMAIN_RUNNER_TRIAL", "off");
    }

    /// `command` (`deploy`, `heal`) with short waits and JSON.
    pub(super) fn quick(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(arguments);
        command.args(["--json", "--poll-interval", "250ms"]);
        // A second flag of one name would be refused.
        for (flag, value) in [("--cooldown", "0"), ("--stabilise", "400ms")] {
            if !arguments.contains(&flag) {
                command.args([flag, value]);
            }
        }
        command
    }

    pub(super) async fn deploy(&self, arguments: &[&str]) -> Run {
        finish(self.quick(&[&["deploy"], arguments].concat())).await
    }

    pub(super) async fn begin(&self, arguments: &[&str]) -> Going {
        Going::of(self.quick(&[&["deploy"], arguments].concat()))
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/services/{}{path}", self.sandbox.api_url(), self.sandbox.service_id());
        // Whatever faults there are: a test sees the truth.
        let call = self.client.get(url).bearer_auth(self.sandbox.api_key()).header("x-sandbox-truth", "1");
        call.send().await.unwrap().json().await.unwrap()
    }

    /// Somebody else's hand on the service: the status that is answered.
    pub(super) async fn post(&self, path: &str, body: &Value) -> u16 {
        let url = format!("{}/services/{}{path}", self.sandbox.api_url(), self.sandbox.service_id());
        let call = self.client.post(url).bearer_auth(self.sandbox.api_key()).json(body);
        call.send().await.unwrap().status().as_u16()
    }

    /// Sets the service's own command, as on its dashboard.
    pub(super) async fn set_docker_command(&self, command: &str) {
        let url = format!("{}/services/{}", self.sandbox.api_url(), self.sandbox.service_id());
        let body = json!({"serviceDetails": {"envSpecificDetails": {"dockerCommand": command}}});
        let answer = self.client.patch(url).bearer_auth(self.sandbox.api_key()).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Cancels a deploy, as a person does on the dashboard.
    pub(super) async fn cancel(&self, deploy: &str) {
        let service = self.sandbox.service_id();
        let url = format!("{}/services/{service}/deploys/{deploy}/cancel", self.sandbox.api_url());
        let answer = self.client.post(url).bearer_auth(self.sandbox.api_key()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Oldest first.
    pub(super) async fn deploys(&self) -> Vec<Value> {
        let list = self.get("/deploys?limit=100").await;
        list.as_array().unwrap().iter().rev().map(|item| item["deploy"].clone()).collect()
    }

    /// Status and trigger of each deploy, oldest first.
    pub(super) async fn history(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.deploys().await.iter().map(|deploy| (text(&deploy["status"]), text(&deploy["trigger"]))).collect()
    }

    pub(super) async fn expect_history(&self, expected: &[(&str, &str)]) {
        let history = self.history().await;
        let seen: Vec<(&str, &str)> = history.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(seen, expected);
    }

    /// Waits until what the remote has is deployed and no deploy goes on.
    pub(super) async fn settled(&self) {
        let tip = self.shipped();
        for _ in 0..PATIENCE.as_millis() / 100 {
            let deploys = self.deploys().await;
            let over = |deploy: &Value| deploy["finishedAt"].is_string();
            if deploys.iter().all(over) && deploys.iter().any(|deploy| deploy["commit"]["id"] == tip.as_str()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the deploy of {tip} does not end");
    }

    /// What the public address answers at `/healthz`: the status and the commit that serves.
    pub(super) async fn visit(&self) -> (u16, String) {
        let answer = self.client.get(format!("{}/healthz", self.sandbox.service_url())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The folder of the newest session.
    pub(super) fn session(&self) -> PathBuf {
        let sessions = self.sessions();
        sessions.last().expect("a session").clone()
    }

    /// Session folders, oldest first.
    pub(super) fn sessions(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.work.join("memory/sessions")).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
        paths.sort_by_key(|path| fs::metadata(path).and_then(|meta| meta.created()).ok());
        paths
    }

    pub(super) fn json(&self, path: impl AsRef<Path>) -> Value {
        let path = self.work.join(path);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", path.display()))
    }

    pub(super) fn learning(&self) -> Value {
        self.json("artifacts/deploy_learning_state.json")
    }

    /// Files that a crash or a full disk could have left half written.
    pub(super) fn leftovers(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
                if path.is_dir() {
                    walk(&path, found);
                } else if name.starts_with(".tmp-")
                    || name.starts_with(".domain-runner-")
                    || name.ends_with(".lock") && name != ".lock"
                {
                    found.push(path);
                }
            }
        }
        let mut found = vec![];
        walk(&self.work, &mut found);
        found
    }
}

/// Waits for the end of `command`. When it was asked for JSON, stdout must be events, the first and last as promised.
pub(super) async fn finish(command: Command) -> Run {
    Going::of(command).end().await
}

impl Going {
    pub(super) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, stdout, seen: vec![] }
    }

    /// Reads on until an event of `kind` for which `wanted` holds.
    pub(super) async fn until(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let find = async {
            while let Some(line) = self.stdout.next_line().await.unwrap() {
                self.seen.push(line.clone());
                let event: Value = serde_json::from_str(&line).unwrap();
                if event["type"] == kind && wanted(&event) {
                    return event;
                }
            }
            panic!("the run ended without such a {kind}:\n{}", self.seen.join("\n"));
        };
        tokio::time::timeout(PATIENCE, find).await.unwrap_or_else(|_| panic!("no {kind} in time"))
    }

    /// The first line, which must be JSON.
    pub(super) async fn first(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.stdout.next_line()).await.expect("a line in time");
        serde_json::from_str(&line.unwrap().expect("a line")).unwrap()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(super) fn signal_if_running(&self, signal: Signal) {
        if self.child.id().is_some() {
            // It may have ended just now.
            let _ = kill_process(self.pid(), signal);
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).unwrap())).expect("a running child")
    }

    pub(super) async fn end(mut self) -> Run {
        let mut stderr = self.child.stderr.take().unwrap();
        let ended = async {
            let mut words = String::new();
            let read = async {
                while let Some(line) = self.stdout.next_line().await.unwrap() {
                    self.seen.push(line);
                }
            };
            let (_, heard) = tokio::join!(read, stderr.read_to_string(&mut words));
            heard.unwrap();
            (self.child.wait().await.unwrap(), words)
        };
        let Ok((status, stderr)) = tokio::time::timeout(PATIENCE, ended).await else {
            panic!("the run hangs after\n{}", self.seen.join("\n"));
        };
        let events: Vec<Value> = self.seen.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Run { code: status.code(), stdout: self.seen.join("\n"), stderr, events }
    }
}

impl Run {
    /// Checks the exit code, and for runs with events that they are all there is, first and last as promised.
    pub(super) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.events.len(), self.stdout.lines().count(), "stdout is not only JSON:\n{}", self.stdout);
        let kind = |event: Option<&Value>| event.map(|event| event["type"].clone());
        assert_eq!(kind(self.events.first()), Some(json!("session.start")), "{}", self.stdout);
        assert_eq!(kind(self.events.last()), Some(json!("session.end")), "{}", self.stdout);
        assert_eq!(self.end()["exit_code"], code);
        for (place, event) in self.events.iter().enumerate() {
            assert_eq!((&event["v"], &event["seq"]), (&json!(1), &json!(place + 1)));
        }
        self
    }

    pub(super) fn end(&self) -> &Value {
        self.events.last().expect("events")
    }

    pub(super) fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == kind).collect()
    }

    /// Whether any event or line for people holds `text`.
    pub(super) fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}
