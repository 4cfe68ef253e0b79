//! Runs and batches: what is asked, what comes back, and what is kept.

use serde_json::{Value, json};

use super::rig::{Rig, models};
use super::upstream::Upstream;

#[tokio::test]
async fn a_prompt_has_its_answer_and_both_are_kept() {
    let upstream = Upstream::start().await;
    let rig = Rig::with_models(&upstream, &["openai"]).await;
    let body = json!({"prompt": "Who is example.com?", "provider": "openai", "model": "gpt-test", "system": "Be short.",
        "max_tokens": 50, "temperature": 0.5});
    let answer = rig.post("/api/run", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(
        (&answer["text"], &answer["provider"], &answer["finish"], &answer["attempts"]),
        (&json!("echo: Who is example.com?"), &json!("openai"), &json!("stop"), &json!(1))
    );
    assert_eq!(answer["usage"], json!({"input_tokens": 7, "output_tokens": 3}));
    let seen = &upstream.seen()[0];
    assert_eq!((&seen["model"], &seen["temperature"]), (&json!("gpt-test"), &json!(0.5)));
    let roles: Vec<&str> =
        seen["messages"].as_array().unwrap().iter().filter_map(|turn| turn["role"].as_str()).collect();
    assert_eq!(roles, ["system", "user"]);

    let kept = rig.get(&format!("/api/runs/{}", answer["id"].as_str().unwrap())).await.json();
    assert_eq!(
        (&kept["kind"], &kept["ok"], &kept["failed"], &kept["running"]),
        (&json!("run"), &json!(1), &json!(0), &json!(0))
    );
    let question = &kept["answers"][0];
    assert_eq!(
        (&question["prompt"], &question["target"], &question["state"]),
        (&body["prompt"], &json!("openai/gpt-test"), &json!("ok"))
    );
    for field in ["text", "provider", "model", "usage", "cost_usd_micros", "latency_ms"] {
        assert_eq!(question["answer"][field], answer[field], "{field}");
    }
    assert_eq!(question["raw"]["object"], "chat.completion");
    assert_eq!(rig.measure("llm_requests_total{provider=\"openai\"}").await, Some(1.0));
    rig.get("/api/runs/run-of-nobody").await.expect_problem(404, "no-such-run");
}

#[tokio::test]
async fn answers_outlive_the_process() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::with_models(&upstream, &["openai"]).await;
    let id = rig.post("/api/run", &json!({"prompt": "Stay \u{0}.", "provider": "openai"})).await.json()["id"].clone();
    let folder = std::mem::replace(&mut rig.folder, tempfile::tempdir().unwrap());
    rig.stop().await;
    let rig = Rig::start_in(folder, |command| {
        command.args(["--host", "127.0.0.1"]);
    })
    .await;
    rig.ready().await;
    let kept = rig.get(&format!("/api/runs/{}", id.as_str().unwrap())).await.json();
    assert_eq!(kept["answers"][0]["prompt"], "Stay \u{fffd}.", "a NUL is no text everywhere");
    assert_eq!(kept["answers"][0]["state"], "ok");
}

#[tokio::test]
async fn instances_on_one_machine_share_one_file() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start().await);
    let place = format!("sqlite://{}", folder.path().join("shared.sqlite3").display());
    let start = || {
        Rig::start_with(|command| {
            command.args(["--host", "127.0.0.1"]).env("DATABASE_URL", &place);
            models(command, &upstream, &["openai", "mistral"]);
        })
    };
    let (one, two) = tokio::join!(start(), start());
    one.ready().await;
    two.ready().await;
    let body = json!({"prompts": vec!["again"; 100]});
    let (here, there) = tokio::join!(one.post("/api/batch", &body), two.post("/api/batch", &body));
    for (batch, other) in [(here.json(), &two), (there.json(), &one)] {
        assert_eq!((&batch["ok"], &batch["failed"]), (&json!(200), &json!(0)), "{batch}");
        assert_eq!(other.get(&format!("/api/runs/{}", batch["id"].as_str().unwrap())).await.json(), batch);
    }
}

#[tokio::test]
async fn whoever_names_no_provider_gets_the_first_that_answers() {
    let upstream = Upstream::start().await;
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1"]).env("MODEL_ATTEMPTS", "3");
        models(command, &upstream, &["mistral"]);
        // Nobody listens there.
        command.env("OPENAI_API_KEY", "sk-test").env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    })
    .await;
    rig.ready().await;
    let answer = rig.post("/api/run", &json!({"prompt": "hello"})).await;
    assert_eq!((answer.status, &answer.json()["provider"]), (200, &json!("mistral")), "{}", answer.text);
    let named = json!({"prompt": "hello", "provider": "openai", "fallbacks": ["mistral"]});
    let answer = rig.post("/api/run", &named).await;
    assert_eq!((answer.status, &answer.json()["provider"]), (200, &json!("mistral")), "{}", answer.text);
}

#[tokio::test]
async fn a_refusal_of_the_provider_keeps_its_class() {
    let upstream = Upstream::start().await;
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1"]).env("MODEL_ATTEMPTS", "1");
        models(command, &upstream, &["openai", "mistral", "together"]);
        command.env("GROQ_API_KEY", "sk-wrong").env("GROQ_BASE_URL", &upstream.address);
    })
    .await;
    rig.ready().await;
    // Each its own provider: one whose quota is used up is left alone for a while.
    for (provider, prompt, status, code, kind) in [
        ("openai", "quota", 402, "provider-quota-exhausted", "quota_exhausted"),
        ("mistral", "too long", 400, "context-length-exceeded", "context_length"),
        ("together", "break", 502, "provider-failed", "transient"),
        ("groq", "hello", 502, "provider-refused-key", "auth"),
    ] {
        let problem =
            rig.post("/api/run", &json!({"prompt": prompt, "provider": provider})).await.expect_problem(status, code);
        let kept = rig.get(&format!("/api/runs/{}", problem["run"].as_str().unwrap())).await.json();
        assert_eq!((&kept["failed"], &kept["answers"][0]["error"]["kind"]), (&json!(1), &json!(kind)));
        let series = format!("llm_request_errors_total{{provider=\"{provider}\",error=\"{kind}\"}}");
        assert_eq!(rig.measure(&series).await, Some(1.0), "{series}");
    }
    for body in [
        json!({"prompt": "hello", "provider": "xai"}),
        json!({"prompt": "hello", "provider": "xai", "fallbacks": ["cohere"]}),
    ] {
        let problem = rig.post("/api/run", &body).await.expect_problem(409, "provider-not-configured");
        assert!(problem["detail"].as_str().unwrap().contains("XAI_API_KEY"), "{problem}");
    }
}

#[tokio::test]
async fn an_answer_with_a_schema_is_one_or_the_request_fails() {
    let upstream = Upstream::start().await;
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1"]).env("MODEL_ATTEMPTS", "1");
        models(command, &upstream, &["openai"]);
    })
    .await;
    rig.ready().await;
    let schema = json!({"type": "object", "properties": {"known": {"type": "boolean"}}, "required": ["known"], "additionalProperties": false});
    let ask = |prompt: &str| json!({"prompt": prompt, "provider": "openai", "schema": schema});
    let good = rig.post("/api/run", &ask("say json")).await;
    assert_eq!((good.status, &good.json()["text"]), (200, &json!("{\"known\":true}")), "{}", good.text);
    rig.post("/api/run", &ask("say something else")).await.expect_problem(502, "provider-answered-badly");
}

#[tokio::test]
async fn a_batch_is_every_prompt_to_every_provider_and_one_failure_spoils_no_other_answer() {
    let upstream = Upstream::start().await;
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1"]).env("MODEL_ATTEMPTS", "1");
        models(command, &upstream, &["openai", "mistral"]);
    })
    .await;
    rig.ready().await;
    let body = json!({"prompts": ["one", "break", "three"], "providers": ["openai", "mistral/small", "xai", "openai"]});
    let batch = rig.post("/api/batch", &body).await;
    assert_eq!(batch.status, 200, "{}", batch.text);
    let batch = batch.json();
    assert_eq!(
        (&batch["kind"], &batch["ok"], &batch["failed"], &batch["running"]),
        (&json!("batch"), &json!(4), &json!(5), &json!(0))
    );
    let answers = batch["answers"].as_array().unwrap();
    let rows: Vec<(&str, &str, &str)> = answers
        .iter()
        .map(|answer| {
            (answer["prompt"].as_str().unwrap(), answer["target"].as_str().unwrap(), answer["state"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("one", "openai", "ok"),
            ("one", "mistral/small", "ok"),
            ("one", "xai", "failed"),
            ("break", "openai", "failed"),
            ("break", "mistral/small", "failed"),
            ("break", "xai", "failed"),
            ("three", "openai", "ok"),
            ("three", "mistral/small", "ok"),
            ("three", "xai", "failed"),
        ]
    );
    assert_eq!(answers[2]["error"]["kind"], "not_configured");
    assert_eq!(rig.get(&format!("/api/runs/{}", batch["id"].as_str().unwrap())).await.json(), batch);
    let all = rig.post("/api/batch", &json!({"prompts": ["for all"]})).await.json();
    assert_eq!(all["ok"], 2, "{all}");
}

#[tokio::test]
async fn the_largest_batch_is_answered_whole() {
    let upstream = Upstream::start().await;
    let rig = Rig::with_models(&upstream, &["openai", "mistral", "groq"]).await;
    let prompts: Vec<String> = (0..100).map(|number| format!("prompt {number}")).collect();
    let batch = rig.post("/api/batch", &json!({"prompts": prompts})).await.json();
    assert_eq!((&batch["ok"], &batch["failed"]), (&json!(300), &json!(0)));
    for (position, answer) in batch["answers"].as_array().unwrap().iter().enumerate() {
        assert_eq!(answer["position"], position);
        assert_eq!(answer["answer"]["text"], format!("echo: {}", prompts[position / 3]));
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_for_its_caller_is_kept() {
    let upstream = Upstream::start().await;
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1", "--timeout", "1s"]);
        models(command, &upstream, &["openai"]);
    })
    .await;
    rig.ready().await;
    let late = rig.post("/api/run", &json!({"prompt": "wait", "provider": "openai"})).await;
    let run = late.expect_problem(504, "too-slow")["run"].as_str().unwrap().to_owned();
    let state = async || rig.get(&format!("/api/runs/{run}")).await.json()["answers"][0]["state"].clone();
    let before: Value = state().await;
    assert!(["running", "lost"].contains(&before.as_str().unwrap()), "{before}");
    upstream.release(1);
    while state().await != "ok" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
