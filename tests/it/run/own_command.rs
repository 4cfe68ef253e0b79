//! A service with a command of its own: that is what runs, and the image's CMD is nobody's fault.

use std::path::PathBuf;
use std::time::Duration;

use domain_runner::builder::{Builder, BuilderChoice, Runner};
use domain_runner::sandbox::Builds;

use super::scene::Scene;

/// Its CMD would be at fault if it ran.
const DOCKERFILE: &str = "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\n\
                          CMD [\"python3\", \"-m\", \"http.server\", \"8000\", \"--bind\", \"127.0.0.1\"]\n";
const SCRIPT: &str = "#!/bin/sh\nset -e\nexec python3 -m http.server \"$PORT\" --bind 127.0.0.1\n";

/// A pushed service whose deploy with `command` has ended.
async fn started_by(command: &str) -> Scene {
    let runner = Runner { exe: PathBuf::from(env!("CARGO_BIN_EXE_domain-runner")), programs: Default::default() };
    let builder = Builder::detect_with(BuilderChoice::Namespaces, false, runner).await.unwrap();
    let scene = Scene::start_with(|settings| {
        settings.builds = Builds::Real(builder);
        settings.start_timeout = Duration::from_secs(6);
    })
    .await;
    scene.set_docker_command(command).await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.write("start.sh", SCRIPT);
    scene.write("healthz", "fine\n");
    scene.commit("A shop");
    scene.push();
    scene.settled().await;
    scene
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3 and Linux namespaces; .ci/run runs it"]
async fn an_image_is_left_alone_when_the_services_own_command_runs() {
    let scene = started_by("python3 -m http.server $PORT").await;
    scene.expect_history(&[("live", "new_commit")]).await;
    let run = scene.deploy(&[]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3 and Linux namespaces; .ci/run runs it"]
async fn a_fault_in_the_services_own_command_is_left_to_a_person() {
    let scene = started_by("python3 -m http.server $PORT --bind 127.0.0.1").await;
    let before = scene.shipped();
    let run = scene.deploy(&[]).await;
    assert_eq!(run.code, Some(4), "{}\n{}", run.stdout, run.stderr);
    let end = run.end().to_string();
    assert!(end.contains("the command in the service's settings"), "{end}");
    assert_eq!(scene.shipped(), before);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3 and Linux namespaces; .ci/run runs it"]
async fn the_script_that_the_services_own_command_starts_is_mended() {
    let scene = started_by("sh start.sh").await;
    let run = scene.deploy(&[]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(scene.shipped_file("start.sh").contains("0.0.0.0"), "{}", scene.shipped_file("start.sh"));
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
    assert_eq!(scene.visit().await, (200, "fine\n".to_owned()));
}
