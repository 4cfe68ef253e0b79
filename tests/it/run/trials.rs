//! Trials: fixes are built and started here before they are pushed, and what hides behind a fault is mended with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain_runner::builder::{Builder, BuilderChoice, Runner};
use domain_runner::sandbox::Builds;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::scene::{BROKEN_LOG, Going, Run, Scene, finish};

/// Keeps its entries in a file whose folder nobody makes, and answers where the platform asks.
const SHOP: &str = r#"
import http.server, os, sqlite3
sqlite3.connect("/data/shop.db").execute("create table if not exists entries (word text)")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(os.environ.get("RENDER_GIT_COMMIT", "").encode())
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// The second fault shows when the first is mended, the third when the image is built and started.
const THREE_FAULTS: &str = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN source ./settings.sh && echo $GREETING > greeting\n\
                            CMD [\"python3\", \"main.py\"]\nBROKEN LINE\n";

async fn scene_with(choice: BuilderChoice) -> Scene {
    let runner = Runner { exe: PathBuf::from(env!("CARGO_BIN_EXE_domain-runner")), programs: Default::default() };
    let builder = Builder::detect_with(choice, false, runner).await.unwrap_or_else(|error| panic!("{choice}: {error}"));
    let scene = Scene::start_with(|settings| {
        settings.builds = Builds::Real(builder);
        settings.start_timeout = Duration::from_secs(20);
    });
    scene.await
}

/// A service whose deploy has failed.
async fn shipped(scene: &Scene, files: &[(&str, &str)]) {
    for (path, text) in files {
        scene.write(path, text);
    }
    scene.commit("A shop");
    scene.push();
    scene.settled().await;
}

fn results(run: &Run) -> Vec<&str> {
    run.all("trial.end").iter().map(|event| event["result"].as_str().unwrap()).collect()
}

fn message(scene: &Scene) -> String {
    scene.git_in(scene.sandbox.remote(), &["log", "-1", "--format=%B", "main"])
}

/// Three faults that hide each other: one push, and the deploy that follows is live.
async fn three_hidden_faults(choice: BuilderChoice) {
    let scene = scene_with(choice).await;
    let settings = ("settings.sh", "GREETING=hello\n");
    shipped(&scene, &[("Dockerfile", THREE_FAULTS), ("main.py", SHOP), settings]).await;
    let builder = choice.to_string();
    let run = scene.deploy(&["--trial", "auto", "--builder", &builder]).await.expect(0);
    assert_eq!(results(&run), ["failed", "failed", "passed"], "{}", run.stdout);
    scene.expect_history(&[("build_failed", "new_commit"), ("live", "new_commit")]).await;
    assert_eq!((&run.end()["deploys"], run.end()["fixes"].as_array().unwrap().len()), (&json!(1), 3), "{}", run.stdout);
    let dockerfile = scene.shipped_file("Dockerfile");
    for (text, there) in [("BROKEN", false), ("source ", false), ("mkdir -p /data", true)] {
        assert_eq!(dockerfile.contains(text), there, "{text} in {dockerfile}");
    }
    assert_eq!(scene.visit().await, (200, scene.shipped()));
    let proof = run.all("fix.applied")[0]["proof"].as_str().unwrap();
    assert!(proof.starts_with("it is built, starts and answers (") && message(&scene).contains(proof), "{proof}");
    assert_eq!(scene.json("memory/swarm/validator_output.json")["rung"], "start");
    assert_eq!(left_by(&scene), Vec::<PathBuf>::new());
    scene.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn an_engine_peels_three_hidden_faults_before_one_deploy() {
    three_hidden_faults(BuilderChoice::Engine).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn namespaces_peel_three_hidden_faults_before_one_deploy() {
    three_hidden_faults(BuilderChoice::Namespaces).await;
}

/// A tool of the project's that refuses as pip does, and is not helped by a virtual environment.
const STUBBORN: &str = "#!/bin/sh\nif [ -z \"$PIP_BREAK_SYSTEM_PACKAGES\" ]; then\n  echo 'error: externally-managed-environment'\n  exit 1\nfi\n";

/// A server of the few tools that Alpine comes with.
const SERVE: &str = "while true; do printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok' | nc -l -p $PORT; done\n";

const STUBBORN_LOG: [&str; 3] = [
    "#7 [4/4] RUN sh ./pip3 install -r requirements.txt",
    "#7 0.6 error: externally-managed-environment",
    "#7 ERROR: process \"/bin/sh -c sh ./pip3 install -r requirements.txt\" did not complete successfully: exit code: 1",
];

/// A platform that goes on failing until the second remedy is there.
async fn stubborn() -> Scene {
    stubborn_with(STUBBORN).await
}

async fn stubborn_with(tool: &str) -> Scene {
    let scene = Scene::start().await;
    let dockerfile = "FROM alpine:3\nWORKDIR /app\nENV PATH=/app/bin:$PATH\nCOPY . .\nRUN chmod +x bin/python3\nRUN sh ./pip3 install -r requirements.txt\nCMD [\"sh\", \"serve.sh\"]\n";
    let script = json!({"build": "fail", "log": STUBBORN_LOG, "until": {"Dockerfile": "PIP_BREAK_SYSTEM_PACKAGES"}});
    let files = [
        ("Dockerfile", dockerfile),
        // What a real Python would do takes a network.
        ("bin/python3", "#!/bin/sh\nexit 0\n"),
        ("serve.sh", SERVE),
        ("pip3", tool),
        ("requirements.txt", ""),
        ("fake-build.json", &script.to_string()),
    ];
    shipped(&scene, &files).await;
    scene
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_trial_that_refutes_the_first_remedy_chooses_the_second() {
    let scene = stubborn().await;
    let run = scene.deploy(&["--trial", "require", "--builder", "engine"]).await.expect(0);
    assert_eq!(results(&run), ["failed", "passed"], "{}", run.stdout);
    assert_eq!((&run.end()["deploys"], run.all("fix.applied").len()), (&json!(1), 1), "{}", run.stdout);
    let rejected = &run.all("fix.rejected")[0];
    assert_eq!(rejected["remedy"], "use-venv");
    assert!(rejected["reason"].as_str().unwrap().contains("a trial fails the same way with it"), "{rejected}");
    let learned = scene.learning();
    assert_eq!(learned["records"]["py-externally-managed/use-venv"]["failed"], 1.0, "{learned}");
    assert_eq!(learned["records"]["py-externally-managed/allow-system-packages"]["helped"], 1.0, "{learned}");

    let without = stubborn().await;
    let run = without.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["deploys"], 2, "without a trial the first remedy costs a deploy");
}

/// The same tool: a virtual environment only leads to a failure that no edit mends.
const STUBBORN_ELSEWHERE: &str = r#"#!/bin/sh
[ -n "$PIP_BREAK_SYSTEM_PACKAGES" ] && exit 0
case "$PATH" in
  /opt/venv/*) echo 'npm error notsup Unsupported platform for fsevents@2.3.3: wanted {"os":"darwin"}' ;;
  *) echo 'error: externally-managed-environment' ;;
esac
exit 1
"#;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_remedy_that_leads_where_nothing_helps_gives_way_to_the_next_one() {
    let scene = stubborn_with(STUBBORN_ELSEWHERE).await;
    let run = scene.deploy(&["--trial", "require", "--builder", "engine"]).await.expect(0);
    assert_eq!(results(&run), ["failed", "passed"], "{}", run.stdout);
    assert_eq!((&run.end()["deploys"], run.all("fix.applied").len()), (&json!(1), 1), "{}", run.stdout);
    let dockerfile = scene.shipped_file("Dockerfile");
    let holds = |text: &str| dockerfile.contains(text);
    assert_eq!((holds("PIP_BREAK_SYSTEM_PACKAGES=1"), holds("venv")), (true, false), "{dockerfile}");
    let learned = scene.learning();
    assert_eq!(
        learned["records"]["py-externally-managed/use-venv"]["failed"],
        Value::Null,
        "it was not refuted: {learned}"
    );
}

#[tokio::test]
async fn a_required_trial_that_cannot_run_is_told_before_anything_is_done() {
    let scene = Scene::start().await;
    scene.ship(&json!({"build": "fail", "log": BROKEN_LOG})).await;
    let before = (scene.shipped(), scene.deploys().await.len());
    let mut command = scene.quick(&["deploy", "--trial", "require", "--builder", "engine"]);
    command
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .env("CONTAINER_HOST", "unix:///nonexistent/podman.sock");
    let run = finish(command).await.expect(1);
    assert!(run.says("--trial require: no Docker or Podman engine answers"), "{}", run.stdout);
    assert_eq!((scene.shipped(), scene.deploys().await.len()), before);
    // Nor does a person lose isolation without asking for it.
    let run = finish(scene.quick(&["deploy", "--trial", "require", "--builder", "plain"])).await.expect(1);
    assert!(run.says("building without isolation must be allowed explicitly"), "{}", run.stdout);
}

#[tokio::test]
async fn a_fix_that_cannot_be_tried_goes_out_and_says_how_far_it_was_proved() {
    let scene = Scene::live().await;
    scene.ship_broken().await;
    let run = scene.deploy(&["--trial", "auto"]).await.expect(0);
    assert!(run.all("trial.start").is_empty(), "{}", run.stdout);
    let proof =
        "the Dockerfile parses and every COPY source is there; not proved beyond: `fake-build.json` scripts the builds";
    assert!(message(&scene).contains(&format!("Proved: {proof}")), "{}", message(&scene));
    let told = run.all("fix.applied")[0]["proof"].as_str().unwrap();
    assert!(told.starts_with(proof), "{told}");
    let verdict = scene.json("memory/swarm/validator_output.json");
    assert_eq!((&verdict["rung"], &verdict["proof"]["by"]), (&json!("context"), &Value::Null), "{verdict}");
}

/// Breaks a trial off in the middle of a step.
async fn interrupted(choice: BuilderChoice) {
    let scene = Scene::start().await;
    let dockerfile = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN echo begun && sleep 611\nCMD [\"python3\", \"main.py\"]\nBROKEN LINE\n";
    let script = json!({"build": "fail", "log": ["Dockerfile:6", "   6 | >>> BROKEN LINE", "error: failed to solve: dockerfile parse error on line 6: unknown instruction: BROKEN"]});
    shipped(&scene, &[("Dockerfile", dockerfile), ("main.py", SHOP), ("fake-build.json", &script.to_string())]).await;
    let mut command = scene.quick(&["deploy", "--trial", "require", "--builder", &choice.to_string()]);
    command.env("TMPDIR", scene.folder.path());
    let mut run = Going::of(command);
    run.until("trial.start", |_| true).await;
    let sleeps = || running("sleep 611");
    for _ in 0..300 {
        if !sleeps().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!sleeps().is_empty(), "{choice}: the step runs");
    let before = scene.shipped();
    run.signal(Signal::INT);
    let run = run.end().await.expect(130);
    assert_eq!(run.end()["outcome"], "interrupted");
    for _ in 0..100 {
        if sleeps().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(sleeps(), Vec::<String>::new(), "{choice}: nothing runs on");
    assert_eq!(left_by(&scene), Vec::<PathBuf>::new(), "{choice}");
    assert_eq!(scene.shipped(), before);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn ctrl_c_during_a_trial_leaves_nothing_behind() {
    interrupted(BuilderChoice::Namespaces).await;
    interrupted(BuilderChoice::Engine).await;
}

/// Command lines of running processes that end with `words`.
fn running(words: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " "));
    lines.filter(|line| line == words).collect()
}

/// Folders of trials.
fn left_by(scene: &Scene) -> Vec<PathBuf> {
    let is_trial =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("domain-runner-trial-"));
    let entries = std::fs::read_dir(scene.folder.path()).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| is_trial(path)).collect()
}
