//! How the service ends and how it does not begin.

use serde_json::json;

use super::rig::{Rig, models, program};
use super::upstream::Upstream;

#[tokio::test]
async fn at_sigterm_what_is_under_way_is_finished_and_nothing_new_begins() {
    let upstream = Upstream::start().await;
    let rig = Rig::with_models(&upstream, &["openai"]).await;
    let ask = json!({"prompt": "wait", "provider": "openai"});
    let under_way = rig.post("/api/run", &ask);
    let meanwhile = async {
        upstream.has_seen(1).await;
        rig.terminate();
        while rig.request(reqwest::Method::GET, "/healthz").send().await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        upstream.release(1);
    };
    let (answer, ()) = tokio::join!(under_way, meanwhile);
    assert_eq!((answer.status, &answer.json()["text"]), (200, &json!("echo: wait")), "{}", answer.text);
    let over = rig.over().await;
    assert_eq!(over.code, Some(0), "{:?}", over.log);
}

#[tokio::test]
async fn an_answer_whose_caller_has_left_is_kept_before_the_end() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::with_models(&upstream, &["openai"]).await;
    let ask = rig.request(reqwest::Method::POST, "/api/run").json(&json!({"prompt": "wait", "provider": "openai"}));
    tokio::select! {
        _ = ask.send() => panic!("the model has not answered"),
        () = upstream.has_seen(1) => {}
    }
    let folder = std::mem::replace(&mut rig.folder, tempfile::tempdir().unwrap());
    rig.terminate();
    upstream.release(1);
    assert_eq!(rig.over().await.code, Some(0));
    let place = format!("sqlite://{}", folder.path().join("artifacts/serve.sqlite3").display());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&place).await.unwrap();
    let states: Vec<String> = sqlx::query_scalar("SELECT state FROM answers").fetch_all(&pool).await.unwrap();
    assert_eq!(states, ["ok"]);
}

#[tokio::test]
async fn when_the_grace_is_over_it_ends_all_the_same_and_says_so() {
    let upstream = Upstream::start().await;
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1", "--grace", "300ms"]);
        models(command, &upstream, &["openai"]);
    })
    .await;
    rig.ready().await;
    let ask = rig.request(reqwest::Method::POST, "/api/run").json(&json!({"prompt": "wait", "provider": "openai"}));
    let under_way = tokio::spawn(ask.send());
    upstream.has_seen(1).await;
    rig.terminate();
    let over = rig.over().await;
    assert_eq!(over.code, Some(143));
    assert!(under_way.await.unwrap().is_err());
    assert!(over.log.iter().any(|line| line["requests"] == 1 && line["level"] == "WARN"), "{:?}", over.log);
}

#[tokio::test]
async fn a_setting_that_cannot_be_is_refused_at_the_start_without_its_value() {
    for (variable, value, code) in [
        ("DATABASE_URL", "mysql://me:hunter2hunter2@db/app", 2),
        ("OPENAI_BASE_URL", "https://me:hunter2hunter2@api.example", 2),
        ("PORT", "hunter2hunter2", 2),
        ("SERVE_CORS_ORIGINS", "*", 2),
        ("SERVE_HOST", "no-such-host.invalid", 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program(&folder);
        // `--port` would be heard before `PORT`.
        command.env(variable, value);
        if variable == "PORT" {
            command = domain_runner::world::command(env!("CARGO_BIN_EXE_domain-runner"));
            command.env_clear().current_dir(folder.path()).args(["serve", "--json"]).env(variable, value);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        }
        let output = command.output().await.unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{variable}: {told}");
        assert!(told.contains(variable) || code == 1, "{variable}: {told}");
        assert!(!told.contains("hunter2hunter2"), "{told}");
    }
}
