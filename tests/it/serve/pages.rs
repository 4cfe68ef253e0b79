//! Health, state, measures, and the API's description.

use reqwest::Method;
use serde_json::{Value, json};

use super::rig::Rig;

/// Every route of the API, as requests reach it.
const ROUTES: [(&str, &str); 13] = [
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/status"),
    ("get", "/metrics"),
    ("get", "/docs"),
    ("get", "/redoc"),
    ("get", "/openapi.json"),
    ("get", "/api/providers"),
    ("post", "/api/run"),
    ("post", "/api/batch"),
    ("get", "/api/runs/{id}"),
    ("post", "/v1/chat/completions"),
    ("get", "/v1/models"),
];

#[tokio::test]
async fn with_nothing_set_it_is_healthy_and_says_what_it_has() {
    let rig = Rig::start().await;
    assert_eq!(rig.get("/healthz").await.json(), json!({"status": "ok"}));
    let ready = rig.get("/readyz").await;
    let database = json!({"kind": "sqlite", "connected": true, "schema": 1});
    assert_eq!((ready.status, ready.json()), (200, json!({"status": "ready", "database": database})));
    let status = rig.get("/status").await.json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["commit"], &status["access"]), (&Value::Null, &json!("loopback")));
    assert_eq!(status["queue"], json!({"running": 0, "capacity": 64}));
    let providers = rig.get("/api/providers").await.json();
    assert_eq!(status["providers"], providers["providers"]);
    let listed = providers["providers"].as_array().unwrap();
    assert_eq!(listed.len(), 11);
    assert!(listed.iter().all(|provider| provider["configured"] == false && provider["available"] == false));
    assert_eq!(listed[0]["key_variable"], "OPENAI_API_KEY");
    assert_eq!(rig.get("/v1/models").await.json(), json!({"object": "list", "data": []}));
}

#[tokio::test]
async fn the_state_names_the_commit_that_was_deployed() {
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1"]).env("RENDER_GIT_COMMIT", "0a1b2c3d");
    })
    .await;
    assert_eq!(rig.get("/status").await.json()["commit"], "0a1b2c3d");
}

#[tokio::test]
async fn a_database_that_does_not_answer_makes_it_not_ready_and_leaves_it_alive() {
    let rig = Rig::start_with(|command| {
        // Nobody listens there.
        command.args(["--host", "127.0.0.1"]).env("DATABASE_URL", "postgresql://me:hunter2hunter2@127.0.0.1:9/app");
        command.env("OPENAI_API_KEY", "sk-test").env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    })
    .await;
    assert_eq!(rig.get("/healthz").await.status, 200);
    let ready = rig.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("not_ready")));
    assert_eq!(ready.json()["database"]["connected"], false);
    let status = rig.get("/status").await;
    assert_eq!((status.status, &status.json()["database"]["kind"]), (200, &json!("postgresql")));
    let refused = rig.post("/api/run", &json!({"prompt": "hello", "provider": "openai"})).await;
    refused.expect_problem(503, "database-not-ready");
    let over = rig.stop().await;
    let told = format!("{:?}{}{}", over.log, ready.text, status.text);
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn the_description_is_complete_and_refusals_are_described_for_every_route() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json").await.json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let count: usize = api["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(count, ROUTES.len());
    let schema = &api["components"]["schemas"]["Problem"];
    assert_eq!(schema["type"], "object");
    for (method, path) in ROUTES {
        let operation = &api["paths"][path][method];
        let guarded = operation["security"].is_array();
        let mut wanted = vec!["200", "404", "405", "500", "503"];
        if guarded {
            wanted.extend(["400", "401", "403"]);
        }
        if method == "post" {
            wanted.extend(["413", "415", "422", "429", "502", "504"]);
        }
        for status in wanted {
            let response = &operation["responses"][status];
            assert!(response["description"].is_string(), "{method} {path} {status}");
            let own = status == "200" || (path, status) == ("/readyz", "503");
            let reference = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert!(own || reference == "#/components/schemas/Problem", "{method} {path} {status}: {response}");
        }
        assert_eq!(
            guarded,
            path.starts_with("/v1/") || path.starts_with("/api/") && path != "/api/providers",
            "{path}"
        );
    }
}

#[tokio::test]
async fn both_pages_come_from_the_binary_alone() {
    let rig = Rig::start().await;
    for path in ["/docs", "/docs/", "/redoc"] {
        let page = rig.get(path).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'self'"), "{path}");
        // Everything the page loads is here, and is what its name says.
        let sources = page.text.split("src=\"").skip(1).chain(
            page.text.split("<link").skip(1).filter_map(|link| link.split_once("href=\"").map(|(_, rest)| rest)),
        );
        let mut loaded = 0;
        for source in sources.map(|rest| rest.split('"').next().unwrap()) {
            assert!(!source.contains("//"), "{path} loads {source}");
            let source = source.trim_start_matches("./");
            let file =
                rig.get(&if source.starts_with('/') { source.to_owned() } else { format!("/docs/{source}") }).await;
            assert_eq!(file.status, 200, "{path} loads {source}");
            assert!(!file.text.is_empty() && !file.header("content-type").contains("html"), "{source}");
            loaded += 1;
        }
        assert!(loaded > 0, "{path}");
    }
    assert!(rig.get("/docs/swagger-initializer.js").await.text.contains("/openapi.json"));
    assert!(
        rig.get("/redoc.js").await.text.contains("Version: \"2.5.4\"")
            || rig.get("/redoc.js").await.text.len() > 1_000_000
    );
    rig.get("/docs/none.js").await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn measures_have_the_names_that_dashboards_ask_for_before_anything_happened() {
    let rig = Rig::start().await;
    let learning = json!({"format": 1, "total_attempts": 8, "successful": 6});
    std::fs::create_dir_all(rig.folder.path().join("artifacts")).unwrap();
    std::fs::write(rig.folder.path().join("artifacts/deploy_learning_state.json"), learning.to_string()).unwrap();
    let metrics = rig.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for (name, kind) in [
        ("http_requests_total", "counter"),
        ("http_request_duration_seconds", "histogram"),
        ("llm_requests_total", "counter"),
        ("llm_request_errors_total", "counter"),
        ("database_connections_active", "gauge"),
        ("deployment_attempts_total", "counter"),
        ("deployment_success_rate", "gauge"),
    ] {
        assert!(metrics.text.contains(&format!("# TYPE {name} {kind}\n")), "{name}: {}", metrics.text);
    }
    assert_eq!(rig.measure("deployment_attempts_total ").await, Some(8.0));
    assert_eq!(rig.measure("deployment_success_rate ").await, Some(0.75));
    assert_eq!(rig.measure("llm_requests_total{provider=\"xai\"}").await, Some(0.0));
    // Paths somebody made up are one series, not thousands.
    let before =
        rig.measure("http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}").await.unwrap_or(0.0);
    for path in ["/a", "/b", "/wp-login.php"] {
        rig.get(path).await.expect_problem(404, "not-found");
    }
    let after = rig.measure("http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}").await;
    assert_eq!(after, Some(before + 3.0));
    let odd = rig.request(Method::from_bytes(b"BREW").unwrap(), "/status").send().await.unwrap();
    assert_eq!(odd.status(), 405);
    assert_eq!(rig.measure("http_requests_total{method=\"other\",route=\"/status\",status=\"405\"}").await, Some(1.0));
}
