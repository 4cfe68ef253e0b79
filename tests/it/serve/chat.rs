//! OpenAI's API in front of all providers.

use reqwest::Method;
use serde_json::{Value, json};

use super::rig::{Answer, Rig};
use super::upstream::Upstream;

/// The events of a stream, and whether it said that it was whole.
async fn events(rig: &Rig, body: &Value) -> (Vec<Value>, bool) {
    let answer = Answer::of(rig.request(Method::POST, "/v1/chat/completions").json(body).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{}", answer.text);
    let data: Vec<&str> = answer.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let whole = data.last() == Some(&"[DONE]");
    (data.iter().filter(|text| **text != "[DONE]").map(|text| serde_json::from_str(text).unwrap()).collect(), whole)
}

fn said(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

#[tokio::test]
async fn a_completion_has_openais_shape_and_says_who_served() {
    let upstream = Upstream::start().await;
    let rig = Rig::with_models(&upstream, &["mistral"]).await;
    let body = json!({"model": "mistral/small", "max_completion_tokens": 9, "user": "me", "messages": [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "yes?"},
        {"role": "user", "content": [{"type": "text", "text": "sec"}, {"type": "text", "text": "ond"}]},
    ]});
    let answer = rig.post("/v1/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let completion = answer.json();
    assert_eq!((&completion["object"], &completion["model"]), (&json!("chat.completion"), &json!("mistral/small")));
    let choice = &completion["choices"][0];
    assert_eq!(choice["message"]["content"], "echo: second");
    assert_eq!((&choice["message"]["role"], &choice["finish_reason"]), (&json!("assistant"), &json!("stop")));
    assert_eq!(completion["usage"], json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}));
    let seen = &upstream.seen()[0];
    assert_eq!(seen["messages"].as_array().unwrap().len(), 4, "{seen}");
    let list = rig.get("/v1/models").await.json();
    assert!(list["data"][0]["id"].as_str().unwrap().starts_with("mistral/"), "{list}");
}

#[tokio::test]
async fn a_stream_is_the_answer_in_pieces_and_ends_with_its_tokens() {
    let upstream = Upstream::start().await;
    let rig = Rig::with_models(&upstream, &["openai"]).await;
    let mut body = json!({"model": "openai/gpt-test", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "one two three"}]});
    let (with_usage, whole) = events(&rig, &body).await;
    assert!(whole);
    assert_eq!(said(&with_usage), "echo: one two three");
    assert_eq!(with_usage[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(with_usage.len() > 4, "in pieces: {with_usage:?}");
    let id = &with_usage[0]["id"];
    assert!(with_usage.iter().all(|event| event["object"] == "chat.completion.chunk" && event["id"] == *id));
    let last = with_usage.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(10)));
    assert_eq!(with_usage[with_usage.len() - 2]["choices"][0]["finish_reason"], "stop");
    body["stream_options"] = Value::Null;
    let (without, whole) = events(&rig, &body).await;
    assert!(whole && without.iter().all(|event| event.get("usage").is_none()));
}

#[tokio::test]
async fn a_stream_that_fails_at_once_has_a_status_and_one_that_breaks_never_looks_whole() {
    let upstream = Upstream::start().await;
    let rig = Rig::start_with(|command| {
        command.args(["--host", "127.0.0.1"]).env("MODEL_ATTEMPTS", "1");
        super::rig::models(command, &upstream, &["openai", "mistral"]);
    })
    .await;
    let ask = |model: &str, prompt: &str| json!({"model": model, "stream": true, "messages": [{"role": "user", "content": prompt}]});
    let refused = rig
        .post("/v1/chat/completions", &ask("mistral/m", "quota"))
        .await
        .expect_problem(402, "provider-quota-exhausted");
    assert_eq!(refused["error"]["code"], "provider_quota_exhausted");
    assert!(!refused["error"]["message"].as_str().unwrap().is_empty());
    let (broken, whole) = events(&rig, &ask("openai/m", "only halfway")).await;
    assert!(!whole);
    assert_eq!(said(&broken), "echo: only halfway");
    assert!(broken.last().unwrap()["error"]["message"].is_string(), "{broken:?}");
}

#[tokio::test]
async fn a_reader_who_leaves_frees_his_turn() {
    let upstream = Upstream::start().await;
    let rig = Rig::with_models(&upstream, &["openai"]).await;
    let body = json!({"model": "openai/m", "stream": true, "messages": [{"role": "user", "content": "wait for me"}]});
    let request = rig.request(Method::POST, "/v1/chat/completions").json(&body).send();
    tokio::select! {
        _ = request => panic!("the model has not answered"),
        () = upstream.has_seen(1) => {}
    }
    while rig.get("/status").await.json()["queue"]["running"] != 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_model_nobody_has_is_told_as_openai_tells_it() {
    let rig = Rig::start().await;
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    let unknown = rig.post("/v1/chat/completions", &ask("gpt-4o")).await.expect_problem(404, "model-not-found");
    assert_eq!(
        (&unknown["error"]["code"], &unknown["error"]["type"]),
        (&json!("model_not_found"), &json!("invalid_request_error"))
    );
    let closed =
        rig.post("/v1/chat/completions", &ask("openai/gpt-4o")).await.expect_problem(409, "provider-not-configured");
    assert!(closed["error"]["message"].as_str().unwrap().contains("OPENAI_API_KEY"));
}
