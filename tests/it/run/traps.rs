//! Services and moments that mislead: what looks healthy and is not, what looks broken and is not, and other people's hands.

use std::time::Duration;

use domain_runner::sandbox::{SandboxSettings, Sleep};
use domain_runner::service::{AutoDeploy, ServiceType};
use serde_json::{Value, json};

use super::scene::{DOCKERFILE, Run, Scene, broken_script};

/// A first commit that nobody has pushed, on a service that is set as `adjust` says.
async fn unshipped(script: &Value, adjust: impl FnOnce(&mut SandboxSettings)) -> Scene {
    let scene = Scene::start_with(adjust).await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.write("main.py", "print('hello')\n");
    scene.write("fake-build.json", &script.to_string());
    scene.commit("A shop");
    scene
}

/// The service with a line in its Dockerfile that no build can read, shipped and failed.
async fn broken(adjust: impl FnOnce(&mut SandboxSettings)) -> Scene {
    let scene = unshipped(&broken_script(), adjust).await;
    scene.break_line().await;
    scene
}

fn of_type(service_type: ServiceType) -> impl FnOnce(&mut SandboxSettings) {
    move |settings| {
        settings.health_check_path = None;
        settings.service_type = service_type;
    }
}

fn commits(deploys: &[Value]) -> Vec<&str> {
    deploys.iter().map(|deploy| deploy["commit"]["id"].as_str().unwrap()).collect()
}

#[track_caller]
fn ended(run: &Run, outcome: &str) {
    assert_eq!(run.end()["outcome"], outcome, "{}\n{}", run.stdout, run.stderr);
}

#[tokio::test]
async fn a_deploy_that_a_person_canceled_is_not_diagnosed_and_not_repeated() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 20_000}).to_string());
    scene.commit("Slow");
    let mut run = scene.begin(&[]).await;
    let event = run.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    let id = event["deploy_id"].as_str().unwrap();
    assert_eq!(scene.post(&format!("/deploys/{id}/cancel"), &json!({})).await, 200);
    let run = run.end().await.expect(3);
    ended(&run, "gave_up");
    assert!(run.says("was canceled by somebody else"), "{}", run.stdout);
    assert!(run.all("finding").is_empty(), "{}", run.stdout);
    scene.expect_history(&[("live", "new_commit"), ("canceled", "new_commit")]).await;
}

#[tokio::test]
async fn a_deploy_that_was_canceled_before_the_run_is_asked_for_again() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 2_000}).to_string());
    scene.commit("Slow");
    scene.push();
    let id = loop {
        match scene.deploys().await.get(1) {
            Some(deploy) if deploy["status"] == "build_in_progress" => break deploy["id"].as_str().unwrap().to_owned(),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert_eq!(scene.post(&format!("/deploys/{id}/cancel"), &json!({})).await, 200);
    // Render tells its time in whole seconds: what is older than the run must be so by more than one.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    ended(&scene.deploy(&[]).await.expect(0), "deployed");
    scene.expect_history(&[("deactivated", "new_commit"), ("canceled", "new_commit"), ("live", "api")]).await;
}

#[tokio::test]
async fn what_somebody_else_deploys_by_hand_is_followed_where_it_is_the_same_commit() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 1_500}).to_string());
    let commit = scene.commit("Slow");
    let mut run = scene.begin(&[]).await;
    run.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    assert_eq!(scene.post("/deploys", &json!({"commitId": commit})).await, 202);
    run.end().await.expect(0);
    scene.settled().await;
    assert_eq!(scene.visit().await, (200, commit.clone()));
    let deploys = scene.deploys().await;
    assert_eq!(
        commits(&deploys)[1..],
        [commit.as_str(), commit.as_str()],
        "one by the push, one by hand, none of ours"
    );
}

#[tokio::test]
async fn an_older_commit_that_somebody_else_puts_live_is_not_called_success() {
    let scene = Scene::live().await;
    let old = scene.shipped();
    scene.write("main.py", "print('new')\n");
    scene.commit("New words");
    let mut run = scene.begin(&["--stabilise", "8s"]).await;
    run.until("deploy.ended", |event| event["status"] == "live").await;
    assert_eq!(scene.post("/deploys", &json!({"commitId": old})).await, 201);
    let run = run.end().await.expect(3);
    ended(&run, "gave_up");
    assert!(run.says("was deployed meanwhile"), "{}", run.stdout);
}

#[tokio::test]
async fn checks_are_waited_for_and_not_bypassed() {
    let checked = |settings: &mut SandboxSettings| {
        settings.auto_deploy = AutoDeploy::ChecksPass;
        settings.checks = Some(Duration::from_secs(3));
    };
    let scene = broken(checked).await;
    let run = scene.deploy(&[]).await.expect(0);
    ended(&run, "healed");
    assert!(run.says("waiting for the checks of"), "{}", run.stdout);
    tokio::time::sleep(Duration::from_secs(1)).await;
    scene.expect_history(&[("build_failed", "new_commit"), ("live", "new_commit")]).await;
}

#[tokio::test]
async fn a_commit_whose_checks_do_not_pass_is_left_undeployed() {
    let scene = broken(|settings| {
        settings.auto_deploy = AutoDeploy::ChecksPass;
        // Passed by the time `broken` has seen the failure; longer than the run waits.
        settings.checks = Some(Duration::from_secs(6));
    })
    .await;
    let run = scene.deploy(&["--timeout", "2s"]).await.expect(124);
    let error = run.all("error")[0].to_string();
    for words in ["deploys a commit only when its checks have passed", "see why the commit's checks have not passed"] {
        assert!(error.contains(words), "{words} is not in {error}");
    }
    scene.expect_history(&[("build_failed", "new_commit")]).await;
}

#[tokio::test]
async fn without_any_checks_the_deploy_is_asked_for_once() {
    let scene = unshipped(&json!({}), |settings| settings.auto_deploy = AutoDeploy::ChecksPass).await;
    let run = scene.deploy(&["--adoption-timeout", "1s"]).await.expect(0);
    ended(&run, "deployed");
    assert!(run.says("if there are no checks, the deploy is asked for"), "{}", run.stdout);
    scene.expect_history(&[("live", "api")]).await;
}

#[tokio::test]
async fn a_service_of_a_ready_made_image_has_nothing_to_mend() {
    let scene = unshipped(&json!({}), |settings| settings.runtime = "image".to_owned()).await;
    let run = scene.deploy(&["--service", "shop"]).await.expect(4);
    let error = run.all("error")[0].to_string();
    assert!(error.contains("runs a ready-made image") && error.contains("push a new image instead"), "{error}");
    assert!(scene.deploys().await.is_empty());
}

#[tokio::test]
async fn services_without_a_public_address_are_healed_and_judged_by_their_deploys() {
    for service_type in [ServiceType::PrivateService, ServiceType::BackgroundWorker, ServiceType::CronJob] {
        let name = format!("{service_type:?}");
        let scene = broken(of_type(service_type)).await;
        let run = scene.deploy(&[]).await.expect(0);
        ended(&run, "healed");
        assert!(run.all("verify").is_empty(), "{name} has nothing to visit: {}", run.stdout);
        scene.expect_history(&[("build_failed", "new_commit"), ("live", "new_commit")]).await;
    }
}

#[tokio::test]
async fn a_worker_that_crashes_is_no_success() {
    let script = json!({"run": "exit:1", "until": {"requirements.txt": "beautifulsoup4"}, "app": [
        "Traceback (most recent call last):", "  File \"/app/main.py\", line 1, in <module>",
        "    from bs4 import BeautifulSoup", "ModuleNotFoundError: No module named 'bs4'"]});
    let scene = unshipped(&script, of_type(ServiceType::BackgroundWorker)).await;
    scene.write("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n");
    scene.write("requirements.txt", "requests\n");
    scene.write("main.py", "from bs4 import BeautifulSoup\n");
    scene.commit("A worker");
    scene.push();
    scene.settled().await;
    scene.expect_history(&[("update_failed", "new_commit")]).await;
    ended(&scene.deploy(&[]).await.expect(0), "healed");
    scene.expect_history(&[("update_failed", "new_commit"), ("live", "new_commit")]).await;
}

#[tokio::test]
async fn a_cron_job_is_deployed_by_hand_without_naming_a_commit() {
    let scene = unshipped(&json!({}), |settings| {
        of_type(ServiceType::CronJob)(settings);
        settings.auto_deploy = AutoDeploy::Off;
    })
    .await;
    ended(&scene.deploy(&[]).await.expect(0), "deployed");
    scene.expect_history(&[("live", "api")]).await;
    ended(&scene.deploy(&[]).await.expect(0), "already_healthy");
}

#[tokio::test]
async fn a_static_site_is_deployed_and_visited() {
    let scene = unshipped(&json!({}), of_type(ServiceType::StaticSite)).await;
    let run = scene.deploy(&[]).await.expect(0);
    ended(&run, "deployed");
    assert_eq!(run.all("verify").last().unwrap()["ok"], true);
    assert!(run.says("is no Docker service"), "{}", run.stdout);
}

#[tokio::test]
async fn a_service_that_sleeps_is_woken_and_not_mended() {
    for sleep in [Sleep::Refuses(Duration::from_secs(2)), Sleep::Holds(Duration::from_secs(2))] {
        let scene = Scene::start_with(|settings| settings.sleep = Some(sleep)).await;
        scene.ship(&json!({})).await;
        let run = scene.deploy(&[]).await.expect(0);
        ended(&run, "already_healthy");
        assert_eq!(run.says("it may be asleep"), matches!(sleep, Sleep::Refuses(_)), "{}", run.stdout);
        scene.expect_history(&[("live", "new_commit")]).await;
    }
}

#[tokio::test]
async fn a_health_check_that_redirects_passes() {
    let scene = unshipped(&json!({"health": {"/healthz": 302}}), |_| {}).await;
    ended(&scene.deploy(&[]).await.expect(0), "deployed");
    ended(&scene.deploy(&[]).await.expect(0), "already_healthy");
    scene.expect_history(&[("live", "new_commit")]).await;
}

#[tokio::test]
async fn a_command_before_the_deploy_that_fails_is_found_in_its_own_log() {
    let script = json!({"pre_deploy": 1, "until": {"requirements.txt": "psycopg2"}, "pre_deploy_log": [
        "Traceback (most recent call last):", "  File \"/app/migrate.py\", line 1, in <module>",
        "    import psycopg2", "ModuleNotFoundError: No module named 'psycopg2'"]});
    let scene = unshipped(&script, |settings| {
        settings.plan = "starter".to_owned();
        settings.pre_deploy_command = "python migrate.py".to_owned();
    })
    .await;
    scene.write("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n");
    scene.write("requirements.txt", "requests\n");
    scene.write("migrate.py", "import psycopg2\n");
    scene.commit("A migration");
    scene.push();
    scene.settled().await;
    scene.expect_history(&[("pre_deploy_failed", "new_commit")]).await;
    let run = scene.deploy(&[]).await.expect(0);
    ended(&run, "healed");
    scene.expect_history(&[("pre_deploy_failed", "new_commit"), ("live", "new_commit")]).await;
}

#[tokio::test]
async fn a_command_before_the_deploy_that_nobody_can_explain_is_told_as_it_is() {
    let script = json!({"pre_deploy": 3, "pre_deploy_log": ["the books do not balance"]});
    let scene = unshipped(&script, |settings| settings.pre_deploy_command = "./balance".to_owned()).await;
    let run = scene.deploy(&[]).await.expect(3);
    ended(&run, "gave_up");
    assert!(run.all("deploy.ended").iter().all(|event| event["status"] == "pre_deploy_failed"), "{}", run.stdout);
    assert_eq!(scene.subjects(), ["A shop"], "nothing is shipped on a guess");
}
