//! Who is let in, and what is refused at the door: tokens, sizes, numbers, garbage.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use super::rig::{Answer, Rig, models};
use super::upstream::Upstream;

/// What answers whatever token is or is not sent.
const OPEN: [&str; 8] =
    ["/healthz", "/readyz", "/status", "/metrics", "/docs", "/redoc", "/openapi.json", "/api/providers"];

/// What costs money or shows answers.
const GUARDED: [(&str, &str); 5] = [
    ("POST", "/api/run"),
    ("POST", "/api/batch"),
    ("GET", "/api/runs/run-none"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
];

async fn call(rig: &Rig, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = rig.request(method.parse().unwrap(), path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if method == "POST" {
        request = request.json(&json!({}));
    }
    Answer::of(request.send().await.unwrap()).await
}

async fn serving(adjust: impl FnOnce(&mut Command)) -> Rig {
    let rig = Rig::start_with(adjust).await;
    rig.ready().await;
    rig
}

#[tokio::test]
async fn reachable_from_outside_without_a_token_it_is_healthy_and_asks_models_for_nobody() {
    for adjust in [&[][..], &["--host", "0.0.0.0"]] {
        let rig = serving(|command| {
            command.args(adjust);
        })
        .await;
        for path in OPEN {
            assert_eq!(rig.get(path).await.status, 200, "{path}");
        }
        assert_eq!(rig.get("/status").await.json()["access"], "closed");
        for (method, path) in GUARDED {
            for headers in [&[][..], &[("authorization", "Bearer anything")]] {
                let problem = call(&rig, method, path, headers).await.expect_problem(403, "no-token-set");
                let detail = problem["detail"].as_str().unwrap();
                for help in ["SERVE_TOKEN", "SERVE_NO_AUTH=1", "--host 127.0.0.1"] {
                    assert!(detail.contains(help), "{detail}");
                }
            }
        }
        let over = rig.stop().await;
        let warned = over.log.iter().any(|line| line["level"] == "WARN" && line.to_string().contains("SERVE_TOKEN"));
        assert!(warned, "{:?}", over.log);
    }
}

#[tokio::test]
async fn with_a_token_only_that_token_opens_on_every_address() {
    for host in ["127.0.0.1", "0.0.0.0"] {
        let rig = serving(|command| {
            command.args(["--host", host]).env("SERVE_TOKEN", "open-sesame-42\n");
        })
        .await;
        for path in OPEN {
            assert_eq!(rig.get(path).await.status, 200, "{path}");
        }
        for (method, path) in GUARDED {
            for headers in [
                &[][..],
                &[("authorization", "Bearer open-sesame-43")],
                &[("authorization", "Bearer open-sesame-4")],
                &[("authorization", "Bearer ")],
                &[("authorization", "open-sesame-42")],
                &[("authorization", "Basic open-sesame-42")],
                &[("x-api-key", "open-sesame-42")],
            ] {
                let answer = call(&rig, method, path, headers).await;
                answer.expect_problem(401, "unauthorized");
                assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
            }
            for header in ["Bearer open-sesame-42", "bearer open-sesame-42"] {
                let answer = call(&rig, method, path, &[("authorization", header)]).await;
                assert!(![401, 403].contains(&answer.status), "{method} {path}: {answer:?}");
            }
        }
        let over = rig.stop().await;
        assert!(!format!("{:?}", over.log).contains("open-sesame"), "{:?}", over.log);
    }
}

#[tokio::test]
async fn the_operators_word_lets_anyone_in() {
    let by_flag = |command: &mut Command| {
        command.args(["--host", "0.0.0.0", "--no-auth"]);
    };
    let by_variable = |command: &mut Command| {
        command.env("SERVE_NO_AUTH", "1");
    };
    for rig in [serving(by_flag).await, serving(by_variable).await] {
        assert_eq!(rig.get("/v1/models").await.status, 200);
        rig.get("/api/runs/run-none").await.expect_problem(404, "no-such-run");
    }
    // An empty or a doubtful word opens nothing.
    for word in ["", "0", "false", "maybe"] {
        let rig = serving(|command| {
            command.env("SERVE_NO_AUTH", word);
        })
        .await;
        rig.get("/v1/models").await.expect_problem(403, "no-token-set");
    }
}

#[tokio::test]
async fn on_loopback_a_page_of_the_web_gets_nowhere() {
    let rig = Rig::start().await;
    assert_eq!(rig.get("/v1/models").await.status, 200);
    let rebound = call(&rig, "GET", "/v1/models", &[("host", "evil.example:8080")]).await;
    rebound.expect_problem(403, "not-this-machine");
    // Without CORS a browser keeps the answer from the page, and does not even send JSON.
    let asked = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let preflight = call(&rig, "OPTIONS", "/api/run", &asked).await;
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_call() {
    let rig = serving(|command| {
        command.args(["--host", "127.0.0.1", "--cors-origin", "https://app.example.com"]);
    })
    .await;
    let asked = |origin| [("origin", origin), ("access-control-request-method", "POST")];
    let preflight = call(&rig, "OPTIONS", "/api/run", &asked("https://app.example.com")).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, "https://app.example.com"));
    let other = call(&rig, "OPTIONS", "/api/run", &asked("https://evil.example")).await;
    assert_eq!(other.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn garbage_is_answered_with_a_problem_document() {
    let rig = Rig::start().await;
    let send = async |path: &str, kind: &str, body: &str| {
        let request = rig.request(Method::POST, path).header("content-type", kind).body(body.to_owned());
        Answer::of(request.send().await.unwrap()).await
    };
    for path in ["/api/run", "/api/batch", "/v1/chat/completions"] {
        let json = "application/json";
        send(path, json, "{").await.expect_problem(400, "not-json");
        send(path, json, "").await.expect_problem(400, "not-json");
        send(path, "text/plain", "{}").await.expect_problem(415, "not-json");
        send(path, json, "{}").await.expect_problem(422, "invalid-body");
        send(path, json, "[]").await.expect_problem(422, "invalid-body");
        send(path, json, "{\"surprise\": 1}").await.expect_problem(422, "invalid-body");
        let answer = call(&rig, "PUT", path, &[]).await;
        answer.expect_problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "POST");
        let problem = send(path, json, "{").await.json();
        assert_eq!(problem["error"].is_object(), path.starts_with("/v1/"), "{problem}");
    }
    let none: Vec<Value> = Vec::new();
    for (path, body, told) in [
        ("/api/run", json!({"prompt": ""}), "`prompt` is empty"),
        ("/api/run", json!({"prompt": "a", "provider": "nobody"}), "nobody"),
        ("/api/run", json!({"prompt": "a", "max_tokens": 0}), "max_tokens"),
        ("/api/run", json!({"prompt": "a", "max_tokens": -1}), "max_tokens"),
        ("/api/run", json!({"prompt": "a", "temperature": 2.5}), "temperature"),
        ("/api/run", json!({"prompt": "a", "provider": "openai", "model": "../../etc"}), "model"),
        ("/api/batch", json!({"prompts": none}), "`prompts` has 0 entries"),
        ("/api/batch", json!({"prompts": vec!["a"; 101]}), "`prompts` has 101 entries"),
        ("/api/batch", json!({"prompts": ["a"], "providers": vec!["openai"; 23]}), "`providers` has 23 entries"),
        ("/api/batch", json!({"prompts": ["a"], "providers": ["nobody"]}), "nobody"),
        ("/v1/chat/completions", json!({"model": "openai", "messages": []}), "messages"),
        (
            "/v1/chat/completions",
            json!({"model": "openai", "messages": [{"role": "user", "content": "a"}], "n": 2}),
            "n",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "openai", "messages": [{"role": "user", "content": "a"}], "tools": []}),
            "tools",
        ),
    ] {
        let problem = rig.post(path, &body).await.expect_problem(422, "invalid-body");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
    let rig = serving(|command| {
        command.args(["--host", "127.0.0.1", "--body-max", "1000"]);
    })
    .await;
    let body = json!({"prompt": "x".repeat(2_000)}).to_string();
    let request = || rig.request(Method::POST, "/api/run").header("content-type", "application/json");
    let told = Answer::of(request().body(body.clone()).send().await.unwrap()).await;
    assert!(told.expect_problem(413, "body-too-large")["detail"].as_str().unwrap().contains("1000 bytes"));
    // In chunks, so that nothing says how much will come.
    let mut line = tokio::net::TcpStream::connect(rig.url.trim_start_matches("http://")).await.unwrap();
    let chunked = format!(
        "POST /api/run HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let mut answer = String::new();
    tokio::io::AsyncWriteExt::write_all(&mut line, chunked.as_bytes()).await.unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut line, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"code\":\"body-too-large\""), "{answer}");
}

#[tokio::test]
async fn more_requests_than_are_taken_are_told_to_come_back() {
    let upstream = Upstream::start().await;
    let rig = serving(|command| {
        command.args(["--host", "127.0.0.1", "--concurrency", "2"]);
        models(command, &upstream, &["openai"]);
    })
    .await;
    let body = json!({"prompt": "wait", "provider": "openai"});
    let ask = || rig.post("/api/run", &body);
    let third = async {
        upstream.has_seen(2).await;
        assert_eq!(rig.get("/status").await.json()["queue"], json!({"running": 2, "capacity": 2}));
        let refused = ask().await;
        refused.expect_problem(429, "too-many-requests");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(rig.get("/healthz").await.status, 200);
        upstream.release(3);
    };
    let (first, second, ()) = tokio::join!(ask(), ask(), third);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(ask().await.status, 200, "there is room again");
}

#[tokio::test]
async fn a_request_is_known_by_one_id_from_its_answer_to_its_log() {
    let rig = Rig::start().await;
    let given = call(&rig, "GET", "/status", &[("x-request-id", "trace-7.a")]).await;
    assert_eq!(given.header("x-request-id"), "trace-7.a");
    let made = rig.get("/status").await.header("x-request-id").to_owned();
    assert!(made.starts_with("req-"), "{made}");
    let long = "x".repeat(200);
    for hostile in ["a b", "a\"b", long.as_str()] {
        let answer = call(&rig, "GET", "/nothing", &[("x-request-id", hostile)]).await;
        assert!(answer.expect_problem(404, "not-found")["request_id"].as_str().unwrap().starts_with("req-"));
    }
    let over = rig.stop().await;
    for id in ["trace-7.a", &made] {
        let line =
            over.log.iter().find(|line| line["span"]["request_id"] == id).unwrap_or_else(|| panic!("{:?}", over.log));
        assert_eq!(
            (&line["message"], &line["status"], &line["span"]["route"]),
            (&json!("answered"), &json!(200), &json!("/status"))
        );
    }
    let sessions: std::collections::BTreeSet<String> =
        over.log.iter().map(|line| line["span"]["session_id"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(sessions.len(), 1, "every line has the same session: {:?}", over.log);
    assert!(over.log.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
}

#[tokio::test]
async fn the_log_is_as_loud_as_the_operator_wants() {
    for (level, seen) in [("warn", false), ("info", true)] {
        let rig = Rig::start_with(|command| {
            command.args(["--host", "127.0.0.1"]).env("DOMAIN_RUNNER_LOG", level);
        })
        .await;
        rig.get("/status").await;
        let over = rig.stop().await;
        assert_eq!(over.log.iter().any(|line| line["message"] == "answered"), seen, "{level}: {:?}", over.log);
    }
}
