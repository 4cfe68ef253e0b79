//! Ctrl-C, SIGTERM and kill -9 in each phase: nothing is half done, and a later run goes on from there.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::scene::{BROKEN_LOG, DOCKERFILE, Going, Scene, finish};

/// A shipped service with a broken line, whose builds take `build_ms`.
async fn broken(build_ms: u64) -> Scene {
    let scene = Scene::live().await;
    let script = json!({"build": "fail", "build_ms": build_ms, "log": BROKEN_LOG, "while": {"Dockerfile": "BROKEN"}});
    scene.write("fake-build.json", &script.to_string());
    scene.append("Dockerfile", "BROKEN LINE\n");
    scene.commit("Oops");
    scene.push();
    scene
}

/// Interrupts a run when `kind` is told, and checks that it ends as promised.
async fn interrupted(
    scene: &Scene,
    arguments: &[&str],
    kind: &str,
    wanted: fn(&Value) -> bool,
    signal: Signal,
    code: i32,
) {
    let mut run = scene.begin(arguments).await;
    run.until(kind, wanted).await;
    run.signal(signal);
    let run = run.end().await.expect(code);
    assert_eq!(run.end()["outcome"], "interrupted");
    assert!(run.end()["next"][0].as_str().unwrap().contains("domain-runner deploy --resume"), "{}", run.end());
    assert!(!scene.session().join("final_state.json").exists(), "the session has not ended");
    let listed = finish(scene.program(&["sessions", "list"])).await;
    assert!(listed.stdout.contains("unfinished"), "{}", listed.stdout);
    assert_eq!(scene.leftovers(), Vec::<std::path::PathBuf>::new());
}

/// A later run ends healthy, with one commit that mends the line and no deploy more than that needs.
async fn taken_up(scene: &Scene) {
    scene.deploy(&[]).await.expect(0);
    assert_eq!(scene.subjects(), ["Delete the stray line 5", "Oops", "A shop"]);
    assert_eq!(scene.visit().await, (200, scene.shipped()));
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
    assert_eq!((scene.head(), scene.git(&["status", "--porcelain"])), (scene.shipped(), String::new()));
    assert_eq!(scene.deploys().await.len(), 3, "{:?}", scene.history().await);
}

#[tokio::test]
async fn while_the_state_is_looked_at() {
    let scene = broken(500).await;
    interrupted(&scene, &[], "phase.start", |event| event["phase"] == "specification", Signal::INT, 130).await;
    taken_up(&scene).await;
}

#[tokio::test]
async fn while_a_failing_deploy_is_watched() {
    let scene = broken(2_500).await;
    interrupted(&scene, &[], "deploy.status", |event| event["to"] == "build_in_progress", Signal::TERM, 143).await;
    assert_eq!(scene.history().await[1].0, "build_in_progress", "the deploy goes on");
    taken_up(&scene).await;
}

#[tokio::test]
async fn after_the_failure_was_found() {
    let scene = broken(0).await;
    interrupted(&scene, &[], "finding", |_| true, Signal::INT, 130).await;
    taken_up(&scene).await;
}

#[tokio::test]
async fn after_the_fix_was_pushed() {
    let scene = broken(0).await;
    interrupted(&scene, &["--cooldown", "20s"], "fix.applied", |_| true, Signal::INT, 130).await;
    taken_up(&scene).await;
}

#[tokio::test]
async fn while_the_deploy_of_the_fix_is_watched() {
    let scene = broken(2_500).await;
    scene.settled().await;
    interrupted(&scene, &[], "deploy.status", |event| event["to"] == "build_in_progress", Signal::INT, 130).await;
    taken_up(&scene).await;
}

#[tokio::test]
async fn while_the_healed_service_is_watched_for_a_while() {
    let scene = broken(0).await;
    interrupted(&scene, &["--stabilise", "20s"], "verify", |event| event["ok"] == true, Signal::TERM, 143).await;
    taken_up(&scene).await;
}

#[tokio::test]
async fn during_the_push() {
    let scene = broken(0).await;
    scene.settled().await;
    let hook = scene.work.join(".git/hooks/pre-push");
    let pid = scene.folder.path().join("hook.pid");
    scene.executable(&hook, &format!("#!/bin/sh\necho $$ > {}\nsleep 60\n", pid.display()));
    let mut run = scene.begin(&[]).await;
    run.until("fix.proposed", |_| true).await;
    for _ in 0..200 {
        if pid.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let before = scene.shipped();
    run.signal(Signal::INT);
    run.end().await.expect(130);
    let hook_pid = std::fs::read_to_string(&pid).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", hook_pid.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "the hook lives on: {stat}");
    assert_eq!((scene.shipped(), scene.head()), (before.clone(), before));
    std::fs::remove_file(&hook).unwrap();
    taken_up(&scene).await;
}

#[tokio::test]
async fn a_killed_run_is_taken_up_under_its_own_name() {
    for kind in ["deploy.status", "fix.applied"] {
        let scene = broken(1_000).await;
        let mut run = scene.begin(&["--session-id", "mine"]).await;
        run.until(kind, |_| true).await;
        run.signal(Signal::KILL);
        assert_eq!(run.end().await.code, None);
        assert_eq!(scene.leftovers(), Vec::<std::path::PathBuf>::new());
        let run = scene.deploy(&["--session-id", "mine"]).await.expect(0);
        assert_eq!(run.end()["session"], "mine");
        assert_eq!(scene.subjects(), ["Delete the stray line 5", "Oops", "A shop"]);
        assert_eq!(scene.deploys().await.len(), 3, "{:?}", scene.history().await);
        let journal = scene.read("memory/sessions/mine/journal.jsonl");
        assert!(journal.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{journal}");
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_stop_a_run() {
    let scene = broken(500).await;
    let mut command = scene.quick(&["deploy"]);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer);
    drop(reader);
    let mut child = command.spawn().unwrap();
    drop(command);
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
}

#[tokio::test]
async fn a_sandbox_ends_with_the_run_that_began_it() {
    let scene = Scene::start().await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.write("fake-build.json", &json!({"build_ms": 20_000}).to_string());
    scene.commit("Slow");
    let scratch = scene.folder.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let mut command = scene.quick(&["deploy", "--sandbox", "--builder", "fake"]);
    command.env("TMPDIR", &scratch);
    let mut run = Going::of(command);
    run.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    run.signal(Signal::INT);
    run.end().await.expect(130);
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "it leaves nothing behind");
}
