//! What becomes of pushes and calls.

use std::time::Duration;

use domain_runner::sandbox::Overlap;
use domain_runner::service::AutoDeploy;
use reqwest::Method;
use serde_json::{Value, json};

use super::rig::Rig;

#[tokio::test]
async fn a_pushed_commit_goes_live_and_answers() {
    let rig = Rig::start(|_| {}).await;
    let commit = rig.push(&json!({"log": ["#1 building"], "app": ["listening"]}), "First");
    rig.expect_statuses(&["live"]).await;
    let deploy = &rig.deploys().await[0];
    assert_eq!((&deploy["commit"]["id"], &deploy["trigger"]), (&json!(commit), &json!("new_commit")));
    assert_eq!(rig.visit("/healthz").await, (200, commit.clone()));
    let log = rig.log("").await.join("\n");
    for line in [
        &format!("==> Checking out commit {commit} in branch main"),
        "#1 building",
        "Upload succeeded\n==> Deploying...",
        "listening",
        "==> Your service is live 🎉",
    ] {
        assert!(log.contains(line), "{line} is not in:\n{log}");
    }
    let kinds: Vec<String> = rig
        .get(&rig.service("/events"))
        .await
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|item| item["event"]["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["deploy_started", "build_started", "build_ended", "deploy_ended"]);
    assert_eq!(rig.events("build_started").await[0]["details"]["trigger"]["firstBuild"], true);
}

#[tokio::test]
async fn a_second_success_deactivates_the_first() {
    let rig = Rig::start(|_| {}).await;
    rig.push(&json!({}), "First");
    rig.expect_statuses(&["live"]).await;
    let second = rig.push(&json!({"app": []}), "Second");
    rig.expect_statuses(&["live", "deactivated"]).await;
    assert_eq!(rig.visit("/").await, (200, second));
}

#[tokio::test]
async fn a_failed_build_tells_its_reason_and_ends_its_log() {
    for (script, reason) in [
        (json!({"build": "fail", "log": ["ERROR: no"]}), json!({"evicted": false, "nonZeroExit": 1})),
        (json!({"build": "oom"}), json!({"evicted": false, "oomKilled": {"memoryLimit": "8GB"}})),
        (json!({"build": "timeout"}), json!({"evicted": false, "timedOutSeconds": 1200})),
    ] {
        let rig = Rig::start(|_| {}).await;
        rig.push(&script, "First");
        rig.expect_statuses(&["build_failed"]).await;
        assert_eq!(rig.log("&type=build").await.last().unwrap(), "error: exit status 1");
        let build = &rig.events("build_ended").await[0]["details"];
        assert_eq!((&build["buildStatus"], &build["reason"]["failure"]), (&json!("failed"), &reason));
        let deploy = &rig.events("deploy_ended").await[0]["details"];
        assert_eq!(deploy["reason"]["buildFailed"]["id"], build["buildId"]);
    }
}

#[tokio::test]
async fn a_failed_update_leaves_the_old_version_answering() {
    for (run, line, failure) in [
        ("exit:3", "==> Exited with status 3", json!({"evicted": false, "nonZeroExit": 3})),
        ("exit:0", "==> Application exited early", json!({"evicted": false, "earlyExit": true})),
        (
            "oom",
            "==> Out of memory (used over 512Mi)",
            json!({"evicted": false, "oomKilled": {"memoryLimit": "512Mi"}}),
        ),
        (
            "loopback",
            "==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
            json!({"evicted": false, "timedOutSeconds": 1,
                   "timedOutReason": "Port scan timeout reached, no open ports detected"}),
        ),
        (
            "unhealthy",
            "==> Timed out after waiting for internal health check to return a successful response code at: shop-",
            json!({"evicted": false, "unhealthy": "HTTP health check failed (status 503)"}),
        ),
    ] {
        let rig = Rig::start(|_| {}).await;
        let good = rig.push(&json!({}), "Good");
        rig.expect_statuses(&["live"]).await;
        rig.push(&json!({"run": run}), "Bad");
        rig.expect_statuses(&["update_failed", "live"]).await;
        let log = rig.log("&type=app").await;
        assert!(log.iter().any(|seen| seen.starts_with(line)), "{line} is not in {log:#?}");
        let end = &rig.events("deploy_ended").await[0]["details"];
        assert_eq!(end["reason"]["failure"], failure, "{run}");
        assert_eq!(rig.visit("/healthz").await, (200, good), "the zero-downtime trap, {run}");
    }
}

#[tokio::test]
async fn a_missing_health_path_fails_and_without_one_an_open_port_is_enough() {
    let script = json!({"health": {"/": 200}});
    for (path, status) in [(Some("/healthz".to_owned()), "update_failed"), (None, "live")] {
        let rig = Rig::start(|settings| settings.health_check_path = path).await;
        rig.push(&script, "First");
        rig.expect_statuses(&[status]).await;
    }
}

#[tokio::test]
async fn under_wait_an_overlapping_deploy_is_answered_202_and_queued() {
    let rig = Rig::start(|_| {}).await;
    rig.push(&json!({"build_ms": 1_000}), "First");
    rig.expect_statuses(&["build_in_progress"]).await;
    let answer = rig.deploy().await;
    assert_eq!((answer.status, answer.body), (202, Value::Null));
    rig.expect_statuses(&["queued", "build_in_progress"]).await;
    assert_eq!(rig.deploy().await.status, 202);
    rig.expect_statuses(&["queued", "canceled", "build_in_progress"]).await;
    let queued = rig.get(&rig.service("/deploys?status=queued&limit=1")).await;
    assert_eq!(queued.as_array().unwrap().len(), 1);
    assert!(queued[0]["deploy"].get("startedAt").is_none());
    rig.expect_statuses(&["live", "canceled", "deactivated"]).await;
}

#[tokio::test]
async fn under_override_the_newer_deploy_cancels_the_older() {
    let rig = Rig::start(|settings| settings.overlap = Overlap::Override).await;
    rig.push(&json!({"build_ms": 1_000}), "First");
    rig.expect_statuses(&["build_in_progress"]).await;
    let answer = rig.deploy().await;
    assert_eq!(answer.status, 201);
    rig.expect_statuses(&["live", "canceled"]).await;
    let ends = rig.events("deploy_ended").await;
    assert_eq!(ends[1]["details"]["reason"]["newDeploy"]["id"], answer.body["id"]);
}

#[tokio::test]
async fn a_skipped_commit_is_ignored_but_can_be_deployed_by_hand() {
    let rig = Rig::start(|_| {}).await;
    let commit = rig.push(&json!({}), "Docs [skip render]");
    rig.expect_event("commit_ignored").await;
    assert_eq!(rig.events("commit_ignored").await[0]["details"]["id"], commit);
    assert!(rig.deploys().await.is_empty());
    let answer = rig.post(&rig.service("/deploys"), json!({"commitId": commit, "clearCache": "clear"})).await;
    assert_eq!(answer.status, 201);
    rig.expect_statuses(&["live"]).await;
}

#[tokio::test]
async fn a_push_waits_the_auto_deploy_delay() {
    let rig = Rig::start(|settings| settings.auto_deploy_delay = Duration::from_millis(1_500)).await;
    rig.push(&json!({}), "First");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert!(rig.deploys().await.is_empty());
    rig.expect_statuses(&["live"]).await;
}

#[tokio::test]
async fn a_canceled_deploy_stops_and_cannot_be_canceled_again() {
    let rig = Rig::start(|_| {}).await;
    rig.push(&json!({"build_ms": 20_000}), "First");
    rig.expect_statuses(&["build_in_progress"]).await;
    let id = rig.deploys().await[0]["id"].as_str().unwrap().to_owned();
    let path = rig.service(&format!("/deploys/{id}/cancel"));
    let answer = rig.post(&path, json!({})).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("canceled")));
    assert!(answer.body["finishedAt"].is_string());
    assert_eq!(rig.post(&path, json!({})).await.status, 400);
    rig.push(&json!({}), "Second");
    rig.expect_statuses(&["live", "canceled"]).await;
}

#[tokio::test]
async fn a_rollback_runs_the_older_version_again_without_a_build() {
    let rig = Rig::start(|_| {}).await;
    let first = rig.push(&json!({}), "First");
    rig.expect_statuses(&["live"]).await;
    let id = rig.deploys().await[0]["id"].clone();
    rig.push(&json!({"app": []}), "Second");
    rig.expect_statuses(&["live", "deactivated"]).await;
    let answer = rig.post(&rig.service("/rollback"), json!({"deployId": id})).await;
    assert_eq!((answer.status, &answer.body["trigger"]), (201, &json!("rollback")));
    rig.expect_statuses(&["live", "deactivated", "deactivated"]).await;
    assert_eq!(rig.visit("/").await, (200, first));
    assert_eq!(rig.events("build_started").await.len(), 2);
}

#[tokio::test]
async fn restart_suspend_and_resume_do_what_they_say() {
    let rig = Rig::start(|_| {}).await;
    let commit = rig.push(&json!({}), "First");
    rig.expect_statuses(&["live"]).await;
    let before = rig.get(&rig.service("/instances")).await[0]["id"].clone();
    assert_eq!(rig.post(&rig.service("/restart"), json!({})).await.status, 200);
    rig.expect_event("server_restarted").await;
    assert_ne!(rig.get(&rig.service("/instances")).await[0]["id"], before);
    assert_eq!(rig.post(&rig.service("/suspend"), json!({})).await.status, 202);
    assert_eq!(rig.get(&rig.service("")).await["suspended"], "suspended");
    while rig.visit("/").await.0 != 503 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rig.call(Method::POST, &rig.service("/deploys"), None).await.status, 409);
    assert_eq!(rig.post(&rig.service("/resume"), json!({})).await.status, 202);
    rig.expect_statuses(&["live", "deactivated"]).await;
    assert_eq!(rig.visit("/").await, (200, commit));
}

#[tokio::test]
async fn a_crashed_service_is_reported_and_comes_back() {
    let rig = Rig::start(|_| {}).await;
    rig.push(&json!({"crash_after_ms": 1_000}), "First");
    rig.expect_statuses(&["live"]).await;
    rig.expect_event("server_available").await;
    let failed = &rig.events("server_failed").await[0]["details"];
    assert_eq!(failed["reason"], json!({"evicted": false, "nonZeroExit": 1}));
    assert_eq!(failed["instanceID"], rig.get(&rig.service("/instances")).await[0]["id"]);
    assert_eq!(rig.visit("/healthz").await.0, 200);
    assert_eq!(rig.statuses().await, ["live"]);
}

#[tokio::test]
async fn the_deploy_hook_needs_its_key_and_no_other() {
    let rig = Rig::start(|settings| settings.auto_deploy = AutoDeploy::Off).await;
    rig.push(&json!({}), "First");
    let hook = rig.sandbox.deploy_hook();
    let wrong = rig.client.get(format!("{hook}x")).send().await.unwrap();
    assert_eq!(wrong.status().as_u16(), 401);
    let right = rig.client.get(&hook).send().await.unwrap();
    assert_eq!(right.status().as_u16(), 200);
    assert!(right.text().await.unwrap().starts_with("{\"deploy\":{\"id\":\"dep-"));
    rig.expect_statuses(&["live"]).await;
}

#[tokio::test]
async fn a_fix_in_a_file_heals_a_scripted_failure() {
    let rig = Rig::start(|_| {}).await;
    let script = json!({"build": "fail", "until": {"Dockerfile": "RUN apk add gcc"}}).to_string();
    rig.push_files(&[("fake-build.json", &script), ("Dockerfile", "FROM alpine\n")], "Broken");
    rig.expect_statuses(&["build_failed"]).await;
    rig.push_files(&[("Dockerfile", "FROM alpine\nRUN apk add gcc\n")], "Fixed");
    rig.expect_statuses(&["live", "build_failed"]).await;
}
