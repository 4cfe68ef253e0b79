//! The sandbox over real HTTP and real git pushes; its builds are scripted by the commits.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]

mod conformance;
mod deploys;
mod real;
mod rig;
mod socket;

use std::time::Duration;

use domain_runner::sandbox::Faults;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use self::rig::Rig;
use self::socket::Socket;

#[tokio::test]
async fn every_list_and_object_has_renders_shape() {
    let rig = Rig::start(|settings| settings.env = [("A".to_owned(), "b".to_owned())].into()).await;
    rig.push(&json!({"app": ["hello"]}), "First\n\nwith a body\n");
    rig.expect_statuses(&["live"]).await;
    let (service, owner) = (rig.sandbox.service_id().clone(), rig.sandbox.owner_id());
    for path in [
        "/services".to_owned(),
        "/services?name=shop&type=web_service,private_service&suspended=not_suspended&env=docker".to_owned(),
        rig.service(""),
        rig.service("/deploys?status=live&status=queued"),
        rig.service("/env-vars"),
        rig.service("/env-vars/A"),
        rig.service("/events"),
        rig.service("/instances"),
        rig.log_path(""),
        "/owners".to_owned(),
        format!("/owners/{owner}"),
        "/users".to_owned(),
        format!("/logs/values?ownerId={owner}&resource={service}&label=type"),
    ] {
        let body = rig.get(&path).await;
        assert!(body.as_array().is_none_or(|items| !items.is_empty()), "{path} is empty");
    }
    assert_eq!(rig.get("/services?name=other").await, json!([]));
    assert_eq!(rig.deploys().await[0]["commit"]["message"], "First\n\nwith a body\n");
    let event = rig.events("deploy_ended").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(rig.get(&format!("/events/{event}")).await["type"], "deploy_ended");
    rig.sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_answered_as_render_answers() {
    let rig = Rig::start(|_| {}).await;
    for path in ["/services/srv-1", "/services/srv-1/deploys", "/owners/tea-1", "/events/evt-1"] {
        let answer = rig.call(Method::GET, path, None).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body["message"].as_str().unwrap().starts_with("not found: "), "{path}");
    }
    assert_eq!(rig.call(Method::GET, "/logs", None).await.status, 400);
    assert_eq!(rig.call(Method::GET, &rig.log_path("&limit=101"), None).await.status, 400);
    assert_eq!(rig.call(Method::GET, &rig.service("/deploys?cursor=nonsense"), None).await.status, 400);
    assert_eq!(rig.deploy().await.status, 404, "nothing has been pushed");
    assert_eq!(rig.visit("/healthz").await.0, 404);
}

#[tokio::test]
async fn a_wrong_key_is_refused_in_json_or_in_plain_text() {
    for (plain, body) in [(false, "{\"message\":\"unauthorized\"}\n"), (true, "unauthorized\n")] {
        let rig = Rig::start(|settings| settings.faults.plain_unauthorized = plain).await;
        let call = rig.client.get(format!("{}/users", rig.sandbox.api_url())).bearer_auth("wrong");
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.text().await.unwrap(), body);
    }
}

#[tokio::test]
async fn faults_strike_when_asked_to() {
    let rig = Rig::start(|settings| {
        settings.faults = Faults::parse("5xx=every3,429=every4", 0).unwrap();
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(rig.call(Method::GET, "/users", None).await);
    }
    assert_eq!(statuses.iter().map(|a| a.status).collect::<Vec<_>>(), [200, 200, 503, 429, 200, 500, 200, 429]);
    assert_eq!(statuses[3].body, json!({"error": "rate limit exceeded"}));
}

/// A GET of the deploys, as a plain client sees it: `None` when the connection or the answer breaks.
async fn plainly(rig: &Rig, truth: bool) -> Option<(u16, Value)> {
    let url = format!("{}{}", rig.sandbox.api_url(), rig.service("/deploys"));
    let mut call = rig.client.get(url).bearer_auth(rig.sandbox.api_key()).timeout(Duration::from_secs(3));
    if truth {
        call = call.header("x-sandbox-truth", "1");
    }
    let answer = call.send().await.ok()?;
    let status = answer.status().as_u16();
    let text = answer.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

#[tokio::test]
async fn a_running_sandbox_takes_other_faults_and_truth_sees_none() {
    let rig = Rig::start(|_| {}).await;
    rig.push(&json!({}), "First");
    rig.expect_statuses(&["live"]).await;
    let control = format!("{}/sandbox/faults?seed=3", rig.sandbox.api_url().trim_end_matches("/v1"));
    for (spec, expected) in [
        ("drop", None),
        ("half", None),
        ("silence", None),
        ("401", Some((401, 0))),
        ("unlisted", Some((200, 0))),
        ("429-bare@deploys", Some((429, 0))),
        ("5xx@POST", Some((200, 1))),
        ("drip", Some((200, 1))),
        ("", Some((200, 1))),
    ] {
        let call = rig.client.put(&control).bearer_auth(rig.sandbox.api_key()).body(spec);
        assert_eq!(call.send().await.unwrap().status(), StatusCode::NO_CONTENT, "{spec}");
        let seen = plainly(&rig, false).await.map(|(status, body)| (status, body.as_array().map_or(0, Vec::len)));
        assert_eq!(seen, expected, "{spec}");
        assert_eq!(plainly(&rig, true).await.unwrap().1.as_array().unwrap().len(), 1, "{spec}");
    }
    let call = rig.client.put(&control).bearer_auth(rig.sandbox.api_key()).body("6xx");
    assert_eq!(call.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_clock_that_is_off_is_off_everywhere() {
    let rig = Rig::start(|settings| settings.faults = Faults::parse("skew=-5h", 0).unwrap()).await;
    rig.push(&json!({"log": ["hello"]}), "First");
    rig.expect_statuses(&["live"]).await;
    assert!(rig.log("").await.contains(&"hello".to_owned()), "the default window goes by the same clock");
    let created: jiff::Timestamp = rig.deploys().await[0]["createdAt"].as_str().unwrap().parse().unwrap();
    let call = rig.client.get(format!("{}/users", rig.sandbox.api_url())).bearer_auth(rig.sandbox.api_key());
    let answer = call.send().await.unwrap();
    let date = jiff::fmt::rfc2822::parse(answer.headers()["date"].to_str().unwrap()).unwrap().timestamp();
    for time in [created, date] {
        let behind = domain_runner::world::now().duration_since(time).as_secs_f64() / 3_600.0;
        assert!((behind - 5.0).abs() < 0.1, "{behind} h");
    }
}

#[tokio::test]
async fn events_can_be_late() {
    let rig = Rig::start(|settings| settings.faults = Faults::parse("events-late=1h", 0).unwrap()).await;
    rig.push(&json!({}), "First");
    rig.expect_statuses(&["live"]).await;
    assert!(rig.events("deploy_started").await.is_empty());
}

#[tokio::test]
async fn an_enforced_limit_refuses_the_eleventh_deploy() {
    let rig = Rig::start(|settings| settings.faults.enforce_limits = true).await;
    let mut last = 0;
    for _ in 0..11 {
        last = rig.deploy().await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn a_dropped_answer_still_begins_its_deploy() {
    let rig = Rig::start(|settings| {
        settings.auto_deploy = domain_runner::service::AutoDeploy::Off;
        settings.faults = Faults::parse("lost=first1", 0).unwrap();
    })
    .await;
    rig.push(&json!({}), "First");
    let url = format!("{}{}", rig.sandbox.api_url(), rig.service("/deploys"));
    let call = rig.client.post(url).bearer_auth(rig.sandbox.api_key()).json(&json!({}));
    assert!(call.send().await.is_err());
    rig.expect_statuses(&["live"]).await;
}

#[tokio::test]
async fn nulls_stand_where_optional_fields_are_missing() {
    let rig = Rig::start(|settings| settings.faults.nulls = true).await;
    rig.push(&json!({"build_ms": 2_000}), "First");
    rig.expect_statuses(&["build_in_progress"]).await;
    let deploy = &rig.deploys().await[0];
    assert_eq!((&deploy["finishedAt"], &deploy["image"]), (&Value::Null, &Value::Null));
    assert!(deploy.as_object().unwrap().contains_key("finishedAt"));
    // Seen on never-live services, though Render's document does not allow it: not checked against that.
    let service = rig.client.get(format!("{}{}", rig.sandbox.api_url(), rig.service("")));
    let service = service.bearer_auth(rig.sandbox.api_key()).send().await.unwrap().json::<Value>().await.unwrap();
    assert!(service["serviceDetails"]["openPorts"].is_null());
}

#[tokio::test]
async fn logs_page_both_ways_with_their_labels() {
    let rig = Rig::start(|_| {}).await;
    let lines: Vec<String> = (0..30).map(|line| format!("#7 \u{1b}[32mline {line}\u{1b}[0m")).collect();
    rig.push(&json!({"log": lines, "app": ["hello"]}), "First");
    rig.expect_statuses(&["live"]).await;
    let (mut pages, mut window) = (Vec::new(), String::new());
    loop {
        let page = rig.get(&rig.log_path(&format!("&limit=10{window}"))).await;
        pages.extend(page["logs"].as_array().unwrap().clone());
        if page["hasMore"] == json!(false) {
            break;
        }
        let time = |name: &str| page[name].as_str().unwrap().to_owned();
        window = format!("&startTime={}&endTime={}", time("nextStartTime"), time("nextEndTime"));
    }
    let mut backward: Vec<String> = pages.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    backward.reverse();
    assert_eq!(backward, rig.log("").await);
    assert!(backward.contains(&lines[29]), "ANSI stays");

    let labels = |text: &str| {
        let line = pages.iter().find(|line| line["message"].as_str().unwrap().contains(text)).unwrap();
        let labels = line["labels"].as_array().unwrap();
        labels.iter().map(|label| label["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels("line 7"), ["resource", "level", "type"]);
    assert_eq!(labels("live 🎉"), ["resource", "type"]);
    assert_eq!(labels("hello"), ["resource", "instance", "level", "type"]);
    assert_eq!(rig.log("&level=info&type=app").await, ["hello"]);
    assert_eq!(rig.log("&text=line%202*&type=build").await.len(), 11);
}

#[tokio::test]
async fn the_log_socket_sends_new_lines_and_dies_on_request() {
    let rig = Rig::start(|settings| settings.faults.socket_frames_max = Some(2)).await;
    let query = format!("ownerId={}&resource={}&type=build", rig.sandbox.owner_id(), rig.sandbox.service_id());
    let (status, mut socket) = Socket::open(&rig.sandbox, &query).await;
    assert_eq!(status, "HTTP/1.1 101 Switching Protocols");
    rig.push(&json!({}), "First");
    let first = socket.next().await.unwrap();
    assert!(first["message"].as_str().unwrap().starts_with("==> Cloning from "), "{first}");
    assert!(socket.next().await.is_some());
    let end = tokio::time::timeout(Duration::from_secs(5), socket.next()).await;
    assert_eq!(end.unwrap(), None);
    let (status, _) = Socket::open(&rig.sandbox, "ownerId=tea-1").await;
    assert_eq!(status, "HTTP/1.1 404 Not Found");
}

#[tokio::test]
async fn variables_are_replaced_as_a_set_and_deploy_nothing() {
    let rig = Rig::start(|settings| settings.env = [("OLD".to_owned(), "1".to_owned())].into()).await;
    let path = rig.service("/env-vars");
    let set = json!([{"key": "A", "value": "1"}, {"key": "S", "generateValue": true}]);
    assert_eq!(rig.call(Method::PUT, &path, Some(set)).await.status, 200);
    assert_eq!(rig.call(Method::PUT, &format!("{path}/B"), Some(json!({"value": "2"}))).await.status, 200);
    assert_eq!(rig.call(Method::DELETE, &format!("{path}/A"), None).await.status, 204);
    assert_eq!(rig.call(Method::GET, &format!("{path}/OLD"), None).await.status, 404);
    let keys: Vec<Value> =
        rig.get(&path).await.as_array().unwrap().iter().map(|item| item["envVar"]["key"].clone()).collect();
    assert_eq!(keys, ["B", "S"]);
    assert!(rig.deploys().await.is_empty());
}

#[tokio::test]
async fn a_patched_service_changes_its_settings_and_deploys_nothing() {
    let rig = Rig::start(|_| {}).await;
    let patch = json!({"autoDeployTrigger": "off", "rootDir": "api", "serviceDetails": {
        "healthCheckPath": "/up", "envSpecificDetails": {"dockerfilePath": "./docker/Dockerfile"}}});
    let service = rig.call(Method::PATCH, &rig.service(""), Some(patch)).await.body;
    assert_eq!((&service["autoDeploy"], &service["autoDeployTrigger"]), (&json!("no"), &json!("off")));
    assert_eq!(service["serviceDetails"]["healthCheckPath"], "/up");
    assert_eq!(service["serviceDetails"]["envSpecificDetails"]["dockerfilePath"], "./docker/Dockerfile");
    assert_eq!(rig.events("auto_deploy_disabled").await[0]["details"]["reason"], "setting_change");
    let both = json!({"autoDeployTrigger": "off", "autoDeploy": "no"});
    assert_eq!(rig.call(Method::PATCH, &rig.service(""), Some(both)).await.status, 400);
    rig.push(&json!({}), "First");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(rig.deploys().await.is_empty());
}
