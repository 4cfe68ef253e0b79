//! Builds that really run, with every builder that works on this machine.

use std::path::PathBuf;
use std::time::Duration;

use domain_runner::builder::{Builder, BuilderChoice, Runner};
use domain_runner::sandbox::Builds;

use super::rig::Rig;

/// Answers `/healthz` with what it was built with, and every other path with 404.
const SERVER: &str = r#"
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path == "/healthz"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write((os.environ["RENDER_GIT_COMMIT"] + " " + open("built").read()).encode())
print("listening", os.environ["PORT"], flush=True)
http.server.HTTPServer((HOST, int(os.environ["PORT"])), Handler).serve_forever()
"#;

const DOCKERFILE: &str = "FROM python:3.12-slim\nARG GREETING\nWORKDIR /app\nCOPY . .\n\
                          RUN echo building && printf %s \"$GREETING\" > built\nCMD [\"python3\", \"app.py\"]\n";

async fn rig(choice: BuilderChoice) -> Rig {
    let runner = Runner { exe: PathBuf::from(env!("CARGO_BIN_EXE_domain-runner")), programs: Default::default() };
    let builder = Builder::detect_with(choice, true, runner).await.unwrap_or_else(|error| panic!("{choice}: {error}"));
    let rig = Rig::start(|settings| {
        settings.builds = Builds::Real(builder);
        settings.start_timeout = Duration::from_secs(12);
        settings.env = [("GREETING".to_owned(), "hello".to_owned())].into();
    });
    rig.await
}

fn server(host: &str) -> String {
    SERVER.replace("HOST", &format!("{host:?}"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn an_engine_builds_and_runs_what_is_pushed() {
    good_bad_and_fixed(BuilderChoice::Engine).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn namespaces_build_and_run_what_is_pushed() {
    good_bad_and_fixed(BuilderChoice::Namespaces).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn plain_processes_build_and_run_what_is_pushed() {
    good_bad_and_fixed(BuilderChoice::Plain).await;
}

/// A service goes live, and survives a bad build, a bad start and a bad address.
async fn good_bad_and_fixed(choice: BuilderChoice) {
    let rig = rig(choice).await;
    let good = rig.push_files(&[("Dockerfile", DOCKERFILE), ("app.py", &server("0.0.0.0"))], "Good");
    rig.expect_statuses(&["live"]).await;
    assert_eq!(rig.visit("/healthz").await, (200, format!("{good} hello")), "{choice}");

    rig.push_files(&[("Dockerfile", &DOCKERFILE.replace("echo building", "no-such-tool"))], "Bad build");
    rig.expect_statuses(&["build_failed", "live"]).await;
    let log = rig.log("&type=build").await;
    assert_eq!(log.last().unwrap(), "error: exit status 1", "{choice}");
    assert!(log.iter().any(|line| line.contains("no-such-tool: not found")), "{choice}: {log:#?}");

    rig.push_files(&[("Dockerfile", DOCKERFILE), ("app.py", "raise SystemExit(3)\n")], "Bad start");
    rig.expect_statuses(&["update_failed", "build_failed", "live"]).await;
    assert_eq!(rig.events("deploy_ended").await[0]["details"]["reason"]["failure"]["nonZeroExit"], 3, "{choice}");

    rig.push_files(&[("app.py", &server("127.0.0.1"))], "Bad address");
    rig.expect_statuses(&["update_failed", "update_failed", "build_failed", "live"]).await;
    let log = rig.log("&type=app").await.join("\n");
    assert!(log.contains("==> No open ports detected on 0.0.0.0, continuing to scan..."), "{choice}: {log}");
    assert!(log.contains("==> Port scan timeout reached"), "{choice}: {log}");
    assert_eq!(rig.visit("/healthz").await.1, format!("{good} hello"), "{choice}");

    let fixed = rig.push_files(&[("app.py", &(server("0.0.0.0") + "# fixed\n"))], "Fixed");
    rig.expect_statuses(&["live", "update_failed", "update_failed", "build_failed", "deactivated"]).await;
    assert_eq!(rig.visit("/healthz").await, (200, format!("{fixed} hello")), "{choice}");
    rig.sandbox.stop().await;
}
