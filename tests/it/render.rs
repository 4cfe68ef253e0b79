//! The client of the API against servers that behave as Render does on its worse days.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should fail")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use domain_runner::render::{Direction, LogQuery, Render, RenderError, RetryPolicy, Settings, Triggered};
use domain_runner::service::{Commit, Deploy, DeployStatus, FailureReason, ServiceId};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

const KEY: &str = "rnd_0123456789abcdefghij";

/// A request as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    /// Counted from 1.
    nth: usize,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    authorized: bool,
    body: Value,
}

impl Seen {
    fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn time(&self, name: &str) -> Timestamp {
        self.get(name).unwrap().parse().unwrap()
    }
}

struct Server {
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn count(&self, method: Method) -> usize {
        self.seen().iter().filter(|seen| seen.method == method).count()
    }
}

/// A server on loopback that answers as `answer` says.
async fn serve(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Server {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, answer) = (seen.clone(), Arc::new(answer));
    let handler = move |request: Request| {
        let (log, answer) = (log.clone(), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let url = reqwest::Url::parse(&format!("http://x{}", parts.uri)).unwrap();
            let authorized = parts.headers.get("authorization").is_some_and(|it| it == &format!("Bearer {KEY}"));
            let mut log = log.lock().unwrap();
            let request = Seen {
                nth: log.len() + 1,
                method: parts.method,
                path: parts.uri.path().to_owned(),
                query: url.query_pairs().into_owned().collect(),
                authorized,
                body: serde_json::from_slice(&body).unwrap_or_default(),
            };
            log.push(request.clone());
            drop(log);
            answer(&request)
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    Server { base, seen }
}

/// A server that sends the same pieces on every connection, with a pause after each, and hangs up.
async fn serve_pieces(pieces: Vec<Vec<u8>>, pause_ms: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            for piece in &pieces {
                if stream.write_all(piece).await.is_err() {
                    break;
                }
                sleep(Duration::from_millis(pause_ms)).await;
            }
        }
    });
    base
}

fn settings(base: &str) -> Settings {
    let retry = RetryPolicy { attempts_max: 3, base_ms: 2, cap_ms: 8 };
    Settings { retry, request_timeout_ms: 5_000, ..Settings::new(base, KEY) }
}

fn client(server: &Server) -> Render {
    Render::new(settings(&server.base)).unwrap()
}

fn srv() -> ServiceId {
    "srv-1".into()
}

fn service_json(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "ownerId": "tea-1", "type": "web_service", "autoDeploy": "yes", "suspenders": [],
        "suspended": "not_suspended", "serviceDetails": {"env": "docker", "openPorts": null, "url": null}})
}

fn deploy_json(id: &str, commit: &str, second: u8) -> Value {
    let created = format!("2026-11-22T10:00:{second:02}.54921Z");
    json!({"id": id, "commit": {"id": commit, "message": "m"}, "status": "build_in_progress", "trigger": "api",
        "createdAt": created, "finishedAt": null})
}

fn in_envelopes(thing: &str, items: impl IntoIterator<Item = Value>) -> Response {
    let wrap = |(nth, item): (usize, Value)| json!({thing: item, "cursor": format!("c{nth}")});
    Json(items.into_iter().enumerate().map(wrap).collect::<Vec<_>>()).into_response()
}

/// Hangs up without an answer, and without the noise of a panic.
fn hang_up() -> Response {
    std::panic::resume_unwind(Box::new("hang up"))
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    let server = serve(|seen| match seen.nth {
        1 => (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response(),
        2 => hang_up(),
        _ => Json(service_json("srv-1", "shop")).into_response(),
    })
    .await;
    assert_eq!(client(&server).service(&srv()).await.unwrap().name, "shop");
    assert_eq!(server.seen().len(), 3);
    assert!(server.seen().iter().all(|seen| seen.authorized && seen.path == "/v1/services/srv-1"));
}

#[tokio::test]
async fn trouble_that_stays_is_told_after_the_last_attempt() {
    let server = serve(|_| (StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"maintenance"}"#).into_response()).await;
    let error = client(&server).service(&srv()).await.unwrap_err();
    assert_eq!(error.to_string(), "Render failed on service `srv-1` (HTTP 503): maintenance");
    assert_eq!((server.seen().len(), error.is_transient()), (3, true));
}

#[tokio::test]
async fn too_many_requests_are_followed_by_the_pause_asked_for() {
    let server = serve(|seen| {
        let error = r#"{"error":"rate limit exceeded"}"#;
        match seen.nth {
            1 => (StatusCode::TOO_MANY_REQUESTS, error).into_response(),
            2 => (StatusCode::TOO_MANY_REQUESTS, [("Ratelimit-Reset", "1")], error).into_response(),
            _ => Json(service_json("srv-1", "shop")).into_response(),
        }
    })
    .await;
    let begun = Instant::now();
    client(&server).service(&srv()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_pause_longer_than_a_rate_window_is_told_instead() {
    let header = [("Ratelimit-Reset", "2109")];
    let server = serve(move |_| (StatusCode::TOO_MANY_REQUESTS, header, "").into_response()).await;
    let error = client(&server).service(&srv()).await.unwrap_err();
    assert!(matches!(error, RenderError::RateLimited { wait_s: Some(2109), .. }), "{error}");
    assert_eq!((server.seen().len(), error.hint().as_str()), (1, "try again in 2109 s"));
}

#[tokio::test]
async fn a_used_up_limit_is_not_run_into() {
    let header = [("Ratelimit-Remaining", "0"), ("Ratelimit-Reset", "1")];
    let server = serve(move |_| (header, Json(json!({"logs": []}))).into_response()).await;
    let (render, begun) = (client(&server), Instant::now());
    render.logs(&query(Direction::Backward)).await.unwrap();
    render.services(None).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(900), "other limits are not touched");
    render.logs(&query(Direction::Backward)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(990));
}

#[tokio::test]
async fn a_refused_key_is_told_once_and_never_quoted() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST, StatusCode::CONFLICT] {
        let server = serve(move |_| (status, format!("unauthorized: {KEY}\n")).into_response()).await;
        let error = client(&server).service(&srv()).await.unwrap_err();
        let told = format!("{error} {error:?} {}", error.hint());
        assert!(told.contains("unauthorized: [redacted]") && !told.contains(KEY), "{told}");
        assert_eq!((server.seen().len(), error.is_transient()), (1, false));
    }
    let settings = settings("http://127.0.0.1:1/v1");
    let told = format!("{settings:?} {:?}", Render::new(settings.clone()).unwrap());
    assert!(!told.contains(KEY), "{told}");
}

#[tokio::test]
async fn an_unreachable_server_is_an_unreachable_server() {
    let error = Render::new(settings("http://127.0.0.1:1/v1")).unwrap().service(&srv()).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to reach Render at `http://127.0.0.1:1/v1`");
    assert!(error.is_transient() && !error.may_have_acted());
}

#[tokio::test]
async fn a_deploy_that_must_wait_has_no_id() {
    let server = serve(|seen| match seen.method {
        Method::POST => StatusCode::ACCEPTED.into_response(),
        _ => in_envelopes("deploy", []),
    })
    .await;
    let commit = Commit("abc".to_owned());
    assert_eq!(client(&server).create_deploy(&srv(), Some(&commit)).await.unwrap(), Triggered::Queued);
    assert_eq!(server.seen()[1].body, json!({"commitId": "abc"}));
}

/// Sends one order for `commit` to a server whose answer to the first is lost after, or before, it acted.
async fn order_with_a_lost_answer(acts: bool, commit: Option<&str>) -> (Deploy, usize) {
    let deploys = Arc::new(Mutex::new(vec![deploy_json("dep-old", "abc", 1)]));
    let server = serve(move |seen| {
        let mut deploys = deploys.lock().unwrap();
        let first = seen.nth == 2;
        match seen.method {
            Method::POST => {
                if acts || !first {
                    let mut deploy = deploy_json(if first { "dep-lost" } else { "dep-again" }, "abc", 2);
                    deploy["createdAt"] = json!(domain_runner::world::now());
                    deploys.insert(0, deploy);
                }
                let newest = deploys[0].clone();
                drop(deploys);
                if first { hang_up() } else { (StatusCode::CREATED, Json(newest)).into_response() }
            }
            _ => in_envelopes("deploy", deploys.clone()),
        }
    })
    .await;
    let commit = commit.map(Commit::from);
    let triggered = client(&server).create_deploy(&srv(), commit.as_ref()).await.unwrap();
    let Triggered::Started(deploy) = triggered else { panic!("nothing was started") };
    (deploy, server.count(Method::POST))
}

#[tokio::test]
async fn a_deploy_whose_answer_was_lost_is_found_and_not_ordered_twice() {
    for commit in [Some("abc"), None] {
        let (deploy, orders) = order_with_a_lost_answer(true, commit).await;
        assert_eq!((deploy.id.0.as_str(), orders), ("dep-lost", 1));
    }
}

#[tokio::test]
async fn an_order_that_never_arrived_is_given_again() {
    let (deploy, orders) = order_with_a_lost_answer(false, Some("abc")).await;
    assert_eq!((deploy.id.0.as_str(), orders), ("dep-again", 2));
}

#[tokio::test]
async fn an_ended_deploy_cannot_be_canceled_and_is_given_back() {
    let server = serve(|seen| match seen.method {
        Method::POST => (StatusCode::CONFLICT, r#"{"message":"not in progress"}"#).into_response(),
        _ => {
            let mut deploy = deploy_json("dep-1", "abc", 1);
            deploy["status"] = json!("live");
            Json(deploy).into_response()
        }
    })
    .await;
    let deploy = client(&server).cancel_deploy(&srv(), &"dep-1".into()).await.unwrap();
    assert_eq!(deploy.status, DeployStatus::Live);
    assert_eq!(server.seen()[0].path, "/v1/services/srv-1/deploys/dep-1/cancel");
}

#[tokio::test]
async fn deploys_come_newest_first_whatever_the_server_thinks() {
    let server = serve(|_| {
        let bare = json!({"id": "dep-2", "commit": null, "image": {"ref": "nginx"}, "status": "gone_fishing",
            "createdAt": "2026-11-22T10:00:02Z"});
        in_envelopes("deploy", [deploy_json("dep-1", "abc", 1), deploy_json("dep-3", "abc", 3), bare])
    })
    .await;
    let deploys = client(&server).deploys(&srv(), 2).await.unwrap();
    let ids: Vec<&str> = deploys.iter().map(|deploy| deploy.id.0.as_str()).collect();
    assert_eq!(ids, ["dep-3", "dep-2"]);
    assert_eq!((deploys[1].commit.as_ref(), deploys[1].status.is_terminal()), (None, false));
}

#[tokio::test]
async fn variables_are_read_to_the_last_page_and_their_values_never_quoted() {
    let server = serve(|seen| {
        let from = seen.get("cursor").map_or(0, |cursor| cursor.trim_start_matches('c').parse::<usize>().unwrap() + 1);
        assert_eq!(seen.get("limit"), Some("100"));
        let var = |nth| json!({"envVar": {"key": format!("KEY_{nth}"), "value": format!("value-{nth}")}, "cursor": format!("c{nth}")});
        Json((from..150.min(from + 100)).map(var).collect::<Vec<_>>()).into_response()
    })
    .await;
    let render = client(&server);
    assert_eq!(render.variables(&srv()).await.unwrap().names.len(), 150);
    assert_eq!(server.seen().len(), 2);
    assert!(render.variables(&srv()).await.unwrap().values_to_redact.contains(&"value-149".to_owned()));

    for body in [r#"[{"envVar":{"key":"A","value":"hush"#, r#"[{"envVar":{"name":"hush"}}]"#, r#"["hush"]"#, "hush"] {
        let server = serve(move |_| body.into_response()).await;
        let error = client(&server).variables(&srv()).await.err().unwrap();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

#[tokio::test]
async fn a_service_is_found_by_id_or_by_its_exact_name() {
    let server = serve(|seen| match (seen.path.as_str(), seen.get("name")) {
        ("/v1/services/srv-1", _) => Json(service_json("srv-1", "shop")).into_response(),
        ("/v1/services", Some(_)) => in_envelopes(
            "service",
            [service_json("srv-1", "shop-api"), service_json("srv-2", "twin"), service_json("srv-3", "twin")],
        ),
        ("/v1/services", None) => {
            in_envelopes("service", [service_json("srv-1", "shop-api"), service_json("srv-4", "zoo")])
        }
        _ => (StatusCode::NOT_FOUND, r#"{"message":"not found"}"#).into_response(),
    })
    .await;
    let render = client(&server);
    assert_eq!(render.find_service("srv-1").await.unwrap().name, "shop");
    assert_eq!(render.find_service("shop-api").await.unwrap().id, srv());
    let twins = render.find_service("twin").await.unwrap_err();
    assert_eq!(twins.to_string(), "2 services are called `twin`: srv-2, srv-3");
    let typo = render.find_service("shop-apo").await.unwrap_err();
    assert_eq!(typo.to_string(), "Render could not find service `shop-apo`; similar names: shop-api");
    assert!(matches!(render.find_service("srv-9").await, Err(RenderError::NotFound { .. })));
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again() {
    let whole = json!([{"service": service_json("srv-1", "shop"), "cursor": "c"}]).to_string();
    let cut = whole[..60].to_owned();
    let server = serve(move |seen| if seen.nth == 1 { cut.clone() } else { whole.clone() }.into_response()).await;
    assert_eq!(client(&server).services(None).await.unwrap().len(), 1);

    let server = serve(|_| r#"[{"service":"#.into_response()).await;
    let error = client(&server).services(None).await.unwrap_err();
    assert!(matches!(error, RenderError::Undecodable { truncated: true, .. }), "{error:?}");

    let head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{\"service\":";
    let base = serve_pieces(vec![head.into()], 0).await;
    let error = Render::new(settings(&base)).unwrap().services(None).await.unwrap_err();
    assert!(matches!(error, RenderError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_drips_does_not_hold_us() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n".to_vec();
    let drops = std::iter::repeat_n(b" ".to_vec(), 100);
    let base = serve_pieces(std::iter::once(head).chain(drops).collect(), 50).await;
    let settings = Settings { request_timeout_ms: 150, ..settings(&base) };
    let begun = Instant::now();
    let error = Render::new(settings).unwrap().service(&srv()).await.unwrap_err();
    assert!(matches!(error, RenderError::TimedOut { after_ms: 150, .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let pieces = std::iter::once(head).chain(std::iter::repeat_n(vec![b' '; 1 << 20], 20));
    let base = serve_pieces(pieces.collect(), 0).await;
    let error = Render::new(settings(&base)).unwrap().service(&srv()).await.unwrap_err();
    assert!(matches!(error, RenderError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn the_key_is_not_carried_to_another_host() {
    let other = serve(|_| Json(service_json("srv-1", "trap")).into_response()).await;
    let target = format!("{}/services/srv-1", other.base.replace("127.0.0.1", "localhost"));
    let server =
        serve(move |_| (StatusCode::TEMPORARY_REDIRECT, [("Location", target.clone())], "").into_response()).await;
    let error = client(&server).service(&srv()).await.unwrap_err();
    assert!(matches!(error, RenderError::Redirected { .. }), "{error:?}");
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn the_reason_of_a_failure_is_asked_for_in_a_window() {
    let server = serve(|_| {
        let reason = json!({"failure": {"evicted": false, "nonZeroExit": 3}});
        let ended = json!({"id": "evt-1", "timestamp": "2026-11-22T10:01:00Z", "serviceId": "srv-1",
            "type": "deploy_ended", "details": {"deployId": "dep-1", "deployStatus": "failed", "reason": reason}});
        let odd = json!({"id": "evt-2", "timestamp": "2026-11-22T10:00:00Z", "type": "new_kind", "details": null});
        in_envelopes("event", [ended, odd])
    })
    .await;
    let since: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let reason = client(&server).failure_reason(&srv(), &"dep-1".into(), since).await.unwrap();
    assert_eq!(reason, Some(FailureReason::NonZeroExit(3)));
    let asked = &server.seen()[0];
    assert!(asked.time("startTime") < since && asked.time("endTime") > since);
}

fn query(direction: Direction) -> LogQuery {
    LogQuery {
        owner: "tea-1".into(),
        resources: vec![srv(), "srv-2".into()],
        start: "2026-11-22T10:00:00Z".parse().unwrap(),
        end: "2026-11-22T10:01:00Z".parse().unwrap(),
        direction,
        types: vec!["app".to_owned(), "build".to_owned()],
        instance: None,
        limit_lines: 1_000,
    }
}

/// Lines as (second, number): pages of three, both ends of a window inclusive.
async fn log_server(lines: Vec<(u8, usize)>) -> Server {
    serve(move |seen| {
        let (start, end) = (seen.time("startTime"), seen.time("endTime"));
        let forward = seen.get("direction") == Some("forward");
        let stamp = |second: u8| format!("2026-11-22T10:00:{second:02}.123456789Z");
        let at = |second: u8| stamp(second).parse::<Timestamp>().unwrap();
        let mut found: Vec<_> = lines.iter().filter(|line| start <= at(line.0) && at(line.0) <= end).collect();
        if !forward {
            found.reverse();
        }
        let page = &found[..found.len().min(3)];
        let last = page.last().map_or(0, |line| line.0);
        let [next_start, next_end] =
            if forward { [stamp(last), end.to_string()] } else { [start.to_string(), stamp(last)] };
        let entry = |line: &&(u8, usize)| {
            let labels = json!([{"name": "type", "value": "app"}, {"name": "novelty", "value": null}]);
            json!({"id": format!("id-{}", line.1), "timestamp": stamp(line.0), "labels": labels,
                "message": format!("\u{1b}[32m==>\u{1b}[0m {}\r\n", line.1)})
        };
        let logs: Vec<Value> = page.iter().map(entry).collect();
        let has_more = found.len() > page.len();
        Json(json!({"hasMore": has_more, "nextStartTime": next_start, "nextEndTime": next_end, "logs": logs}))
            .into_response()
    })
    .await
}

async fn read_log(lines: Vec<(u8, usize)>, query: &LogQuery) -> (Vec<String>, Server) {
    let server = log_server(lines).await;
    let entries = client(&server).logs(query).await.unwrap();
    (entries.into_iter().map(|entry| entry.message).collect(), server)
}

fn words(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("==> {number}")).collect()
}

#[tokio::test]
async fn overlapping_log_pages_give_each_line_once_and_in_order() {
    // Two lines a second: every page ends within a moment.
    let lines: Vec<(u8, usize)> = (0..20).map(|n| (n / 2, n.into())).collect();
    for direction in [Direction::Backward, Direction::Forward] {
        let (messages, server) = read_log(lines.clone(), &query(direction)).await;
        assert_eq!(messages, words(0..20), "{direction:?}");
        let asked = &server.seen()[0];
        let repeated = |name: &str| asked.query.iter().filter(|(key, _)| key == name).count();
        assert_eq!((repeated("resource"), repeated("type"), asked.get("ownerId")), (2, 2, Some("tea-1")));
    }
}

#[tokio::test]
async fn a_moment_fuller_than_a_page_does_not_hold_us() {
    let lines = vec![(1, 0), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (3, 6)];
    for (direction, expected) in [(Direction::Backward, vec![0, 3, 4, 5, 6]), (Direction::Forward, vec![0, 1, 2, 3, 6])]
    {
        let (messages, _) = read_log(lines.clone(), &query(direction)).await;
        assert_eq!(messages, words(expected), "{direction:?}");
    }
}

#[tokio::test]
async fn a_capped_log_keeps_the_end_it_was_read_from() {
    let lines: Vec<(u8, usize)> = (0..20).map(|n| (n, n.into())).collect();
    for (direction, expected) in [(Direction::Backward, 15..20), (Direction::Forward, 0..5)] {
        let query = LogQuery { limit_lines: 5, ..query(direction) };
        assert_eq!(read_log(lines.clone(), &query).await.0, words(expected), "{direction:?}");
    }
}

#[tokio::test]
async fn a_build_log_is_cut_to_the_time_of_its_deploy() {
    let server = serve(|seen| match seen.path.as_str() {
        "/v1/services/srv-1" => Json(service_json("srv-1", "shop")).into_response(),
        "/v1/services/srv-1/deploys/dep-1" => {
            let mut deploy = deploy_json("dep-1", "abc", 10);
            deploy["finishedAt"] = json!("2026-11-22T10:05:00Z");
            Json(deploy).into_response()
        }
        _ => Json(json!({"hasMore": null, "logs": null})).into_response(),
    })
    .await;
    let render = client(&server);
    let service = render.service(&srv()).await.unwrap();
    let deploy = render.deploy(&srv(), &"dep-1".into()).await.unwrap();
    assert_eq!(render.build_log(&service, &deploy).await.unwrap(), []);
    let asked = &server.seen()[2];
    assert_eq!((asked.get("type"), asked.get("startTime")), (Some("build"), Some("2026-11-22T10:00:05.54921Z")));
    assert_eq!(asked.get("endTime"), Some("2026-11-22T10:05:15Z"));
}
