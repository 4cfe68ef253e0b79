//! Which commit goes live, by which deploys, and what counts as success.

use std::time::Duration;

use domain_runner::sandbox::{Faults, Overlap};
use domain_runner::service::AutoDeploy;
use serde_json::{Value, json};

use super::scene::{DOCKERFILE, Scene, broken_script};

#[tokio::test]
async fn a_broken_line_that_was_committed_is_mended_before_it_is_shipped() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &broken_script().to_string());
    scene.append("Dockerfile", "BROKEN LINE\n");
    scene.commit("Oops");
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!((&run.end()["outcome"], &run.end()["deploys"]), (&json!("healed"), &json!(1)));
    assert_eq!(scene.read("Dockerfile"), DOCKERFILE);
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
    assert_eq!(scene.head(), scene.shipped());
    assert_eq!(scene.visit().await, (200, scene.shipped()));
    scene.expect_history(&[("deactivated", "new_commit"), ("live", "new_commit")]).await;
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_broken_line_that_was_shipped_is_found_in_the_log_and_mended() {
    let scene = Scene::live().await;
    let good = scene.shipped();
    scene.ship_broken().await;
    assert_eq!(scene.visit().await, (200, good));
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed");
    assert_eq!(run.all("finding")[0]["class"], "df-unknown-instruction");
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
    assert_eq!(scene.visit().await, (200, scene.shipped()));
    scene
        .expect_history(&[("deactivated", "new_commit"), ("build_failed", "new_commit"), ("live", "new_commit")])
        .await;
}

#[tokio::test]
async fn a_broken_line_that_was_not_committed_is_shipped_mended_with_include_changes() {
    let scene = Scene::live().await;
    let before = scene.head();
    scene.append("Dockerfile", "ENV GREETING=hello\nBROKEN LINE\n");
    let run = scene.deploy(&["--include-changes"]).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed");
    let mended = format!("{DOCKERFILE}ENV GREETING=hello\n");
    assert_eq!((scene.read("Dockerfile"), scene.shipped_file("Dockerfile")), (mended.clone(), mended));
    assert_eq!(scene.subjects().len(), 3, "the change and the fix are commits of their own");
    assert!(scene.subjects()[1].starts_with("Changes of Dockerfile"), "{:?}", scene.subjects());
    assert_eq!(scene.git(&["rev-parse", "HEAD~2"]).trim(), before);
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_broken_line_that_was_not_committed_is_mended_in_the_work_tree_and_nothing_is_shipped() {
    let scene = Scene::live().await;
    let before = scene.head();
    scene.append("Dockerfile", "ENV GREETING=hello\nBROKEN LINE\n");
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["outcome"], "already_healthy");
    assert!(run.says("uncommitted change(s) are not part of this deploy: Dockerfile"), "{}", run.stdout);
    assert_eq!(scene.read("Dockerfile"), format!("{DOCKERFILE}ENV GREETING=hello\n"));
    assert_eq!((scene.head(), scene.shipped()), (before.clone(), before));
    scene.expect_history(&[("live", "new_commit")]).await;
}

#[tokio::test]
async fn a_healthy_service_is_left_alone() {
    let scene = Scene::live().await;
    let before = (scene.head(), scene.shipped());
    let run = scene.deploy(&[]).await.expect(0);
    let end = run.end();
    assert_eq!((&end["outcome"], &end["deploys"]), (&json!("already_healthy"), &json!(0)));
    assert_eq!(end["url"], scene.sandbox.service_url());
    assert!(end["session"].as_str().unwrap().starts_with("auto-deploy-"));
    assert!(run.says("service already operational"));
    assert_eq!((scene.head(), scene.shipped()), before);
    scene.expect_history(&[("live", "new_commit")]).await;

    let people = super::scene::finish(scene.program(&["deploy"])).await;
    assert_eq!(people.code, Some(0), "{}", people.stderr);
    assert_eq!(people.stdout.trim(), scene.sandbox.service_url());
    for words in ["service already operational", "session: auto-deploy-", "status: healthy"] {
        assert!(people.stderr.contains(words), "{words} is not in:\n{}", people.stderr);
    }
}

#[tokio::test]
async fn the_old_version_answering_is_not_success() {
    let scene = Scene::live().await;
    let good = scene.shipped();
    scene.write("fake-build.json", &json!({"build": "fail", "log": ["something nobody has ever seen"]}).to_string());
    scene.commit("Worse");
    let run = scene.deploy(&[]).await.expect(3);
    assert_eq!(run.end()["outcome"], "gave_up");
    assert_eq!(scene.visit().await, (200, good), "the old version answers all the time");
    let end = &scene.json(scene.session().join("final_state.json"))["end"];
    assert!(!end["next"].as_array().unwrap().is_empty());
    assert_eq!(scene.subjects(), ["Worse", "A shop"], "nothing but the user's commit is shipped");
}

#[tokio::test]
async fn a_push_causes_one_deploy() {
    let scene = Scene::live().await;
    scene.write("main.py", "print('new')\n");
    let commit = scene.commit("New words");
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!((&run.end()["outcome"], &run.end()["deploys"]), (&json!("deployed"), &json!(1)));
    assert_eq!(scene.visit().await, (200, commit));
    tokio::time::sleep(Duration::from_millis(600)).await;
    scene.expect_history(&[("deactivated", "new_commit"), ("live", "new_commit")]).await;
}

#[tokio::test]
async fn without_auto_deploy_a_push_is_deployed_by_one_call() {
    let scene = Scene::start_with(|settings| settings.auto_deploy = AutoDeploy::Off).await;
    scene.write("Dockerfile", DOCKERFILE);
    let commit = scene.commit("A shop");
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["outcome"], "deployed");
    assert_eq!(scene.visit().await, (200, commit));
    scene.expect_history(&[("live", "api")]).await;
}

#[tokio::test]
async fn a_slow_auto_deploy_is_waited_for_and_not_doubled() {
    let scene = Scene::start_with(|settings| settings.auto_deploy_delay = Duration::from_secs(3)).await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.commit("A shop");
    scene.deploy(&[]).await.expect(0);
    tokio::time::sleep(Duration::from_millis(600)).await;
    scene.expect_history(&[("live", "new_commit")]).await;
}

#[tokio::test]
async fn a_lost_answer_to_the_call_for_a_deploy_does_not_double_it() {
    let scene = Scene::start_with(|settings| {
        settings.auto_deploy = AutoDeploy::Off;
        settings.faults = Faults::parse("lost=first1", 0).unwrap();
    })
    .await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.commit("A shop");
    scene.deploy(&[]).await.expect(0);
    scene.expect_history(&[("live", "api")]).await;
}

#[tokio::test]
async fn a_platform_in_trouble_is_borne() {
    let scene = Scene::start_with(|settings| {
        settings.faults = Faults::parse("5xx=every4,nulls,scrambled", 0).unwrap();
    })
    .await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.write("fake-build.json", &json!({"build_ms": 500}).to_string());
    scene.commit("A shop");
    scene.deploy(&[]).await.expect(0);
}

/// A run that watches the deploy of its own commit while the same person pushes once more.
async fn overtaken(overlap: Overlap, next: &Value) -> (Scene, super::scene::Run) {
    let scene = Scene::start_with(|settings| settings.overlap = overlap).await;
    scene.ship(&json!({})).await;
    scene.write("fake-build.json", &json!({"build_ms": 4_000}).to_string());
    scene.commit("Slow");
    let mut run = scene.begin(&[]).await;
    run.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    scene.write("fake-build.json", &next.to_string());
    scene.commit("Quick");
    scene.push();
    let run = run.end().await;
    (scene, run)
}

#[tokio::test]
async fn a_canceled_deploy_is_followed_to_its_successor() {
    let (scene, run) = overtaken(Overlap::Override, &json!({})).await;
    let newest = scene.shipped();
    let run = run.expect(0);
    assert_eq!(run.end()["outcome"], "deployed");
    assert!(run.says("superseded by"), "{}", run.stdout);
    assert_eq!(scene.visit().await, (200, newest));
    scene.expect_history(&[("deactivated", "new_commit"), ("canceled", "new_commit"), ("live", "new_commit")]).await;
}

#[tokio::test]
async fn a_deploy_that_is_let_finish_is_judged_and_the_one_behind_it_is_followed() {
    let (scene, run) = overtaken(Overlap::Wait, &json!({})).await;
    scene.settled().await;
    run.expect(0);
    assert_eq!(scene.subjects(), ["Quick", "Slow", "A shop"]);
    assert_eq!(scene.visit().await, (200, scene.shipped()));
}

#[tokio::test]
async fn a_fix_goes_on_top_of_what_somebody_else_pushed_meanwhile() {
    let scene = Scene::live().await;
    scene.ship_broken().await;
    scene.rival_push("NOTES.md", "theirs\n");
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed");
    assert_eq!(scene.subjects()[1..], ["Somebody else's work", "Oops", "A shop"]);
    assert_eq!(
        (scene.shipped_file("NOTES.md"), scene.shipped_file("Dockerfile")),
        ("theirs\n".into(), DOCKERFILE.into())
    );
    assert_eq!(scene.visit().await, (200, scene.shipped()));
}

#[tokio::test]
async fn a_fix_that_does_not_fit_what_somebody_else_pushed_is_thought_out_anew() {
    let scene = Scene::live().await;
    scene.ship_broken().await;
    scene.rival_push("Dockerfile", &format!("# theirs\n{DOCKERFILE}BROKEN LINE\n"));
    scene.deploy(&[]).await.expect(0);
    assert_eq!(scene.subjects()[1..], ["Somebody else's work", "Oops", "A shop"]);
    assert_eq!(scene.shipped_file("Dockerfile"), format!("# theirs\n{DOCKERFILE}"));
    assert_eq!(scene.visit().await, (200, scene.shipped()));
}

#[tokio::test]
async fn a_fix_that_somebody_else_pushed_meanwhile_is_not_made_twice() {
    let scene = Scene::live().await;
    scene.ship_broken().await;
    scene.rival_push("Dockerfile", DOCKERFILE);
    scene.deploy(&[]).await.expect(0);
    assert_eq!(scene.subjects(), ["Somebody else's work", "Oops", "A shop"]);
    assert_eq!(scene.visit().await, (200, scene.shipped()));
}

#[tokio::test]
async fn a_commit_that_was_never_pushed_is_not_dropped_when_somebody_else_is_faster() {
    let scene = Scene::live().await;
    scene.append("Dockerfile", "BROKEN LINE\n");
    let mine = scene.commit("Oops");
    scene.rival_push("NOTES.md", "theirs\n");
    let run = scene.deploy(&[]).await.expect(1);
    assert!(run.says("git pull --rebase"), "{}", run.stdout);
    assert_eq!(scene.subjects(), ["Somebody else's work", "A shop"], "never forced, and no fix without its cause");
    assert_eq!(scene.head(), mine);
}

#[tokio::test]
async fn branches_that_have_parted_are_left_to_their_owner() {
    let scene = Scene::live().await;
    scene.git(&["commit", "-q", "--allow-empty", "-m", "Theirs"]);
    scene.push();
    scene.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let mine = scene.commit("Mine");
    let run = scene.deploy(&[]).await.expect(1);
    assert!(run.says("have diverged") && run.says("git pull --rebase"), "{}", run.stdout);
    assert_eq!((scene.head(), scene.subjects()[0].as_str()), (mine, "Theirs"));
}
