//! The same on a real PostgreSQL, shared by several instances.

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::rig::{Rig, models};
use super::upstream::Upstream;

/// A database of its own in the PostgreSQL of `TEST_POSTGRES_URL`, which may make databases.
async fn database() -> String {
    let server = domain_runner::world::env("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL=postgresql://user:password@host/postgres");
    let name = format!("test_{}", domain_runner::world::random_word(12));
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&server).await.expect("a PostgreSQL that answers");
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&pool)
        .await
        .expect("leave to make one");
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

#[tokio::test]
#[ignore = "needs a PostgreSQL: TEST_POSTGRES_URL"]
async fn instances_that_begin_at_once_share_one_database() {
    let (url, upstream) = (database().await, Upstream::start().await);
    let start = || {
        Rig::start_in(TempDir::new().unwrap(), |command: &mut Command| {
            command.args(["--host", "127.0.0.1"]).env("DATABASE_URL", &url);
            models(command, &upstream, &["openai", "mistral"]);
        })
    };
    let (one, two, three) = tokio::join!(start(), start(), start());
    for rig in [&one, &two, &three] {
        rig.ready().await;
        let database = json!({"kind": "postgresql", "connected": true, "schema": 1});
        assert_eq!(rig.get("/readyz").await.json()["database"], database);
    }
    let run = one.post("/api/run", &json!({"prompt": "Stay \u{0}.", "provider": "openai"})).await.json();
    let batch = two.post("/api/batch", &json!({"prompts": vec!["again"; 100]})).await.json();
    assert_eq!((&batch["ok"], &batch["failed"]), (&json!(200), &json!(0)), "{batch}");
    let kept = three.get(&format!("/api/runs/{}", run["id"].as_str().unwrap())).await.json();
    assert_eq!((&kept["answers"][0]["state"], &kept["answers"][0]["prompt"]), (&json!("ok"), &json!("Stay \u{fffd}.")));
    assert_eq!(
        (&kept["answers"][0]["answer"]["text"], &run["text"]),
        (&json!("echo: Stay \u{fffd}."), &json!("echo: Stay \u{0}."))
    );
    assert_eq!(three.get(&format!("/api/runs/{}", batch["id"].as_str().unwrap())).await.json(), batch);
    for rig in [one, two, three] {
        assert_eq!(rig.stop().await.code, Some(0));
    }
}
