//! Another run is at work in the same folder: wait, watch, or leave.

use serde_json::json;

use super::scene::{Going, Scene, finish};

/// A service whose next deploy takes a while.
async fn slow() -> Scene {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 3_000}).to_string());
    scene.commit("Slow");
    scene
}

/// A run that waits for its deploy.
async fn at_work(scene: &Scene) -> Going {
    let mut run = scene.begin(&["--session-id", "first"]).await;
    run.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    run
}

#[tokio::test]
async fn a_second_run_leaves_unless_it_is_told_otherwise() {
    let scene = slow().await;
    let first = at_work(&scene).await;
    for arguments in [&[][..], &["--if-busy", "leave"]] {
        let run = scene.deploy(arguments).await.expect(7);
        assert!(run.says("`first`"), "{}", run.stdout);
    }
    first.end().await.expect(0);
    assert_eq!(scene.sessions().len(), 1, "a run that never began leaves no session");
}

#[tokio::test]
async fn a_run_that_waits_begins_when_the_other_has_ended() {
    let scene = slow().await;
    let first = at_work(&scene).await;
    let (first, second) = tokio::join!(first.end(), scene.deploy(&["--if-busy", "wait", "--session-id", "second"]));
    first.expect(0);
    let second = second.expect(0);
    assert!(second.stderr.contains("waiting: another session is at work here (`first`"), "{}", second.stderr);
    assert_eq!(second.end()["outcome"], "already_healthy");
    assert_eq!(scene.deploys().await.len(), 2);
}

#[tokio::test]
async fn a_run_that_watches_sees_what_the_other_does_and_ends_as_it_does() {
    let scene = slow().await;
    let first = at_work(&scene).await;
    let (first, watcher) = tokio::join!(first.end(), scene.deploy(&["--if-busy", "watch"]));
    first.expect(0);
    let watcher = watcher.expect(0);
    assert_eq!((&watcher.end()["outcome"], &watcher.end()["session"]), (&json!("deployed"), &json!("first")));
    assert!(watcher.all("agent").iter().any(|event| event["did"].as_str().unwrap().contains("ended as live")));
    assert_eq!(scene.sessions().len(), 1);

    // One that is killed is not mistaken for one that has ended.
    let scene = slow().await;
    let first = at_work(&scene).await;
    let watcher = Going::of(scene.quick(&["deploy", "--if-busy", "watch"]));
    let killer = async {
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        first.signal(rustix::process::Signal::KILL);
        first.end().await
    };
    let (watcher, _) = tokio::join!(watcher.end(), killer);
    let watcher = watcher.expect(1);
    assert!(watcher.end()["next"][0].as_str().unwrap().starts_with("domain-runner deploy --resume first"));
    let shown = finish(scene.program(&["sessions", "show", "first"])).await;
    assert!(shown.stdout.contains("unfinished"), "{}", shown.stdout);
}
