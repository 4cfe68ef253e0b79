//! Going back: rollback, what becomes of a service that cannot be healed, and stopping a deploy.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::scene::{Going, Run, Scene, finish};

/// Two versions that went live, the second after the first.
async fn twice_live() -> (Scene, String, String) {
    let scene = Scene::live().await;
    let first = scene.head();
    scene.append("main.py", "print('more')\n");
    let second = scene.commit("More");
    scene.push();
    scene.settled().await;
    assert_eq!(scene.visit().await.1, second);
    (scene, first, second)
}

async fn rollback(scene: &Scene, arguments: &[&str]) -> Run {
    finish(scene.quick(&[&["rollback"], arguments].concat())).await
}

#[tokio::test]
async fn a_rollback_serves_the_version_before_and_says_what_auto_deploy_will_do() {
    let (scene, first, second) = twice_live().await;
    let run = rollback(&scene, &["--yes"]).await.expect(0);
    assert_eq!((&run.end()["outcome"], scene.visit().await.1), (&json!("rolled_back"), first.clone()));
    assert!(run.says("auto-deploy is on: the next push to `main` deploys its head again"), "{}", run.stdout);
    let told = run.all("rollback");
    assert_eq!((told.len(), &told[0]["commit"]), (1, &json!(first)));
    let history = scene.history().await;
    assert_eq!(history.last().unwrap(), &("live".to_owned(), "rollback".to_owned()));
    assert_eq!((scene.head(), scene.shipped()), (second.clone(), second), "no commit, no push");
    assert_eq!(scene.json(scene.session().join("final_state.json"))["end"]["outcome"], "rolled_back");

    // A second one would go further back, and there is nothing.
    let again = rollback(&scene, &["--yes"]).await.expect(1);
    assert!(again.says("no earlier deploy of another commit was live"), "{}", again.stdout);

    // The head is still what shall be live: a deploy brings it back, as was said.
    scene.deploy(&[]).await.expect(0);
    assert_eq!(scene.visit().await.1, scene.head());
}

#[tokio::test]
async fn a_rollback_that_was_killed_is_finished_by_the_next_one_and_goes_no_further_back() {
    for moment in ["rollback", "deploy.status"] {
        let (scene, _, second) = twice_live().await;
        scene.append("main.py", "print('still more')\n");
        let third = scene.commit("Still more");
        scene.push();
        scene.settled().await;
        let mut going = Going::of(scene.quick(&["rollback", "--yes"]));
        going.until(moment, |_| true).await;
        going.signal_if_running(Signal::KILL);
        going.end().await;
        // It is no run to heal with.
        let refused = finish(scene.quick(&["deploy", "--resume"])).await;
        assert!(refused.code == Some(6) && refused.says("no session here is unfinished"), "{}", refused.stdout);
        let run = rollback(&scene, &[]).await.expect(0);
        assert_eq!((&run.end()["outcome"], scene.visit().await.1), (&json!("rolled_back"), second), "{}", run.stdout);
        let rolled = scene.history().await.iter().filter(|(_, trigger)| trigger == "rollback").count();
        assert_eq!((rolled, scene.head(), scene.sessions().len()), (1, third, 1), "killed at {moment}");
    }
}

#[tokio::test]
async fn a_rollback_goes_where_it_is_told_and_nowhere_without_a_yes() {
    let (scene, first, second) = twice_live().await;
    let deploys = scene.deploys().await;
    let id = |place: usize| deploys[place]["id"].as_str().unwrap().to_owned();
    let unasked = rollback(&scene, &[]).await.expect(4);
    assert!(unasked.says("the rollback needs your yes") && unasked.says("--yes"), "{}", unasked.stdout);
    let dry = rollback(&scene, &["--to", &id(0), "--dry-run", "--detailed-exitcode"]).await.expect(10);
    assert!(dry.says(&format!("back to {} of {}", id(0), &first[..7])), "{}", dry.stdout);
    let serving = rollback(&scene, &["--to", &id(1), "--yes"]).await.expect(0);
    assert_eq!(serving.end()["outcome"], "already_healthy");
    let unknown = rollback(&scene, &["--to", "dep-00000000000000000000", "--yes"]).await.expect(6);
    assert!(unknown.says("dep-00000000000000000000"), "{}", unknown.stdout);
    assert_eq!((scene.visit().await.1, scene.deploys().await.len()), (second, 2), "nothing has happened yet");
    rollback(&scene, &["--to", &id(0), "--yes"]).await.expect(0);
    assert_eq!(scene.visit().await.1, first);
}

#[tokio::test]
async fn a_failed_deploy_that_never_served_is_nothing_to_go_back_from() {
    let scene = Scene::live().await;
    let good = scene.head();
    scene.write("fake-build.json", &json!({"build": "fail", "log": ["something nobody has seen before"]}).to_string());
    scene.commit("Broken");
    scene.push();
    scene.settled().await;
    let failed = scene.deploys().await.last().unwrap()["id"].as_str().unwrap().to_owned();
    let run = rollback(&scene, &["--yes"]).await.expect(0);
    assert!(run.says("there is nothing to go back from"), "{}", run.stdout);
    let run = rollback(&scene, &["--to", &failed, "--yes"]).await.expect(1);
    assert!(run.says("was never live: it is build_failed"), "{}", run.stdout);
    let run = scene.deploy(&["--on-failure", "rollback"]).await.expect(3);
    assert!(run.says("there is nothing to go back from"), "{}", run.stdout);
    assert_eq!(scene.visit().await.1, good);
}

#[tokio::test]
async fn a_first_version_has_nothing_behind_it() {
    let scene = Scene::live().await;
    let run = rollback(&scene, &["--yes"]).await.expect(1);
    assert!(run.says("no earlier deploy of another commit was live"), "{}", run.stdout);
}

/// A version that goes live and then does not answer well, after one that did.
async fn worse() -> (Scene, String) {
    let scene = Scene::start_with(|settings| settings.health_check_path = None).await;
    scene.ship(&json!({})).await;
    let good = scene.head();
    scene.write("fake-build.json", &json!({"health": {"/": 500, "/healthz": 503}}).to_string());
    scene.commit("Worse");
    scene.push();
    scene.settled().await;
    (scene, good)
}

#[tokio::test]
async fn what_cannot_be_healed_is_rolled_back_when_asked_for() {
    let (scene, good) = worse().await;
    let run = scene.deploy(&["--on-failure", "rollback", "-n", "2"]).await.expect(3);
    assert_eq!((&run.end()["outcome"], scene.visit().await), (&json!("gave_up"), (200, good)));
    assert!(run.end()["summary"].as_str().unwrap().contains("back at dep-"), "{}", run.end());
    assert_eq!(scene.json(scene.session().join("rollback.json"))["outcome"], "rolled_back");
}

#[tokio::test]
async fn what_cannot_be_healed_is_kept_by_default_and_the_way_back_is_told() {
    let (scene, good) = worse().await;
    let run = scene.deploy(&["-n", "2"]).await.expect(3);
    let next: Vec<&str> = run.end()["next"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let service = scene.sandbox.service_id();
    let way = format!("go back instead: domain-runner rollback --service {service}");
    assert!(next.iter().any(|step| step.starts_with(&way)), "{next:?}");
    assert_ne!(scene.visit().await.1, good);
}

#[tokio::test]
async fn a_running_deploy_is_canceled_while_another_run_watches_it() {
    let scene = Scene::live().await;
    let good = scene.head();
    scene.write("fake-build.json", &json!({"build_ms": 20_000}).to_string());
    scene.commit("Slow");
    let mut watching = scene.begin(&[]).await;
    watching.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    let canceled = finish(scene.program(&["cancel", "--json"])).await;
    assert_eq!(canceled.code, Some(0), "{}", canceled.stderr);
    let told: Value = serde_json::from_str(&canceled.stdout).unwrap();
    assert_eq!((&told["kind"], &told["status"]), (&json!("cancel"), &json!("canceled")));
    let watched = watching.end().await.expect(3);
    assert!(watched.says("was canceled by somebody else"), "{}", watched.stdout);
    assert_eq!(scene.visit().await.1, good);
    let again = finish(scene.program(&["cancel"])).await;
    assert_eq!(again.code, Some(6), "{}", again.stderr);
    assert!(again.stderr.contains("no deploy of `shop` is running"), "{}", again.stderr);
}
