//! Providers that refuse, fail, are slow or full: what is repeated, what is not, and who is asked instead.

use std::time::{Duration, Instant};

use domain_runner::model::{Models, Provider, Request, Target};
use serde_json::{Value, json};

use super::dialects::{anthropic, openai};
use super::upstream::{KEY, Scene, Upstream};
use super::{ask, question};

fn busy() -> Scene {
    Scene::json(503, &json!({"error": {"message": "hold on"}}))
}

fn good() -> Scene {
    Scene::json(200, &openai("yes"))
}

fn error(code: &str) -> Value {
    json!({"error": {"message": format!("words about {KEY} and What is example.com?"), "code": code}})
}

#[tokio::test]
async fn hiccups_are_waited_out_within_one_budget_of_attempts() {
    let upstream = Upstream::start([busy(), Scene::text(502, "<html>"), good().cut_after(0), good()]).await;
    let answer = ask(&upstream.models(&[Provider::OpenAi], &[]), Provider::OpenAi).await.unwrap();
    assert_eq!((answer.attempts, upstream.sent().len()), (4, 4));
    let upstream = Upstream::start(vec![busy(); 9]).await;
    let models = upstream.models(&[Provider::OpenAi], &[("MODEL_ATTEMPTS", "3")]);
    let error = ask(&models, Provider::OpenAi).await.unwrap_err();
    assert_eq!(
        (error.kind.name(), error.attempts, error.status, upstream.sent().len()),
        ("transient", 3, Some(503), 3)
    );
}

#[tokio::test]
async fn who_asks_to_wait_is_waited_for_and_so_does_everybody_else() {
    let limited = Scene::json(429, &error("rate_limit_exceeded")).with("retry-after-ms", "300");
    let upstream = Upstream::start([limited, good(), good()]).await;
    let models = upstream.models(&[Provider::OpenAi], &[]);
    let started = Instant::now();
    let second = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ask(&models, Provider::OpenAi).await
    };
    let (first, second) = tokio::join!(ask(&models, Provider::OpenAi), second);
    assert_eq!((first.unwrap().attempts, second.unwrap().attempts), (2, 1));
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(upstream.sent().len(), 3, "the second question waited without being refused");
}

#[tokio::test]
async fn who_asks_to_wait_too_long_is_left_for_another_or_told_of() {
    let limited = Scene::json(429, &error("rate_limit_exceeded")).with("retry-after", "600");
    let upstream = Upstream::start([limited.clone(), good(), limited]).await;
    let models = upstream.models(&[Provider::OpenAi, Provider::Mistral], &[]);
    let answer = models.ask_any(&question(Provider::OpenAi), &[Provider::Mistral.into()]).await.unwrap();
    assert_eq!((answer.provider, answer.attempts), (Provider::Mistral, 2));
    let upstream = Upstream::start([Scene::json(429, &error("x")).with("retry-after", "600")]).await;
    let error = ask(&upstream.models(&[Provider::OpenAi], &[]), Provider::OpenAi).await.unwrap_err();
    assert_eq!((error.kind.name(), error.retry_after), ("rate_limit", Some(Duration::from_secs(600))));
}

#[tokio::test]
async fn what_waiting_does_not_mend_is_asked_once() {
    for (status, code, kind) in [
        (429, "insufficient_quota", "quota_exhausted"),
        (401, "invalid_api_key", "auth"),
        (400, "context_length_exceeded", "context_length"),
        (400, "content_policy_violation", "content_policy"),
        (404, "model_not_found", "bad_request"),
    ] {
        let upstream = Upstream::start([Scene::json(status, &error(code)), good()]).await;
        let error = ask(&upstream.models(&[Provider::OpenAi], &[]), Provider::OpenAi).await.unwrap_err();
        assert_eq!((error.kind.name(), error.attempts, upstream.sent().len()), (kind, 1, 1));
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(code) && !shown.contains("hunter2") && !shown.contains("example.com"), "{shown}");
    }
}

#[tokio::test]
async fn retries_and_fallbacks_share_the_budget_and_each_target_keeps_one() {
    let upstream = Upstream::start([busy(), busy(), busy(), good()]).await;
    let three = [Provider::OpenAi, Provider::Together, Provider::Mistral];
    let models = upstream.models(&three, &[]);
    let rest: Vec<Target> =
        three[1..].iter().map(|provider| Target { provider: *provider, model: Some("m-1".to_owned()) }).collect();
    let answer = models.ask_any(&question(Provider::OpenAi), &rest).await.unwrap();
    assert_eq!((answer.provider, answer.attempts), (Provider::Mistral, 4));
    let upstream = Upstream::start(vec![busy(); 20]).await;
    let error = upstream.models(&three, &[]).ask_any(&question(Provider::OpenAi), &rest).await.unwrap_err();
    assert_eq!((error.attempts, upstream.sent().len()), (4, 4), "not four times three");
}

#[tokio::test]
async fn each_fallback_is_asked_for_its_own_model_in_its_own_dialect() {
    let upstream =
        Upstream::start([Scene::json(400, &error("context_length_exceeded")), Scene::json(200, &anthropic("yes"))])
            .await;
    let models = upstream.models(&[Provider::OpenAi, Provider::Anthropic], &[]);
    let answer = models.ask_any(&question(Provider::OpenAi), &["anthropic/claude-x".parse().unwrap()]).await.unwrap();
    let sent = upstream.sent();
    assert_eq!((sent[1].path.as_str(), &sent[1].body["model"]), ("/some/v1/messages", &json!("claude-x")));
    assert_eq!((answer.provider, answer.attempts), (Provider::Anthropic, 2));
}

#[tokio::test]
async fn a_request_that_is_wrong_in_itself_is_not_carried_to_others() {
    let upstream = Upstream::start([Scene::json(422, &json!({"detail": [{"msg": "no"}]})), good()]).await;
    let models = upstream.models(&[Provider::OpenAi, Provider::Mistral], &[]);
    let error = models.ask_any(&question(Provider::OpenAi), &[Provider::Mistral.into()]).await.unwrap_err();
    assert_eq!((error.kind.name(), upstream.sent().len()), ("bad_request", 1));
}

fn impatient(upstream: &Upstream, providers: &[Provider]) -> Models {
    let mut settings = upstream.settings(providers, &[("MODEL_ATTEMPTS", "1")]);
    settings.circuit_rest = Duration::from_millis(200);
    settings.circuit_failures = 2;
    settings.request_timeout = Duration::from_millis(150);
    Models::new(settings).unwrap()
}

#[tokio::test]
async fn who_fails_again_and_again_is_left_alone_and_tried_again_later() {
    let upstream = Upstream::start([busy(), busy(), good(), good()]).await;
    let models = impatient(&upstream, &[Provider::OpenAi]);
    for kind in ["transient", "transient", "circuit_open", "circuit_open"] {
        assert_eq!(ask(&models, Provider::OpenAi).await.unwrap_err().kind.name(), kind);
    }
    assert_eq!(upstream.sent().len(), 2, "nothing is sent while it rests");
    assert!(models.providers()[0].circuit_open && !models.providers()[1].circuit_open);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(ask(&models, Provider::OpenAi).await.unwrap().text, "yes");
    assert!(!models.providers()[0].circuit_open);
}

#[tokio::test]
async fn an_exhausted_quota_is_remembered_as_what_it_is() {
    let upstream = Upstream::start([Scene::json(429, &error("insufficient_quota")), good()]).await;
    let models = impatient(&upstream, &[Provider::OpenAi, Provider::Mistral]);
    for _ in 0..3 {
        assert_eq!(ask(&models, Provider::OpenAi).await.unwrap_err().kind.name(), "quota_exhausted");
    }
    assert_eq!(upstream.sent().len(), 1);
    assert_eq!(ask(&models, Provider::Mistral).await.unwrap().provider, Provider::Mistral, "others are not concerned");
}

#[tokio::test]
async fn silence_ends_after_the_time_for_one_request() {
    let upstream = Upstream::start([good().after(Duration::from_secs(5))]).await;
    let started = Instant::now();
    let error = ask(&impatient(&upstream, &[Provider::OpenAi]), Provider::OpenAi).await.unwrap_err();
    assert_eq!((error.kind.name(), error.message.as_str()), ("transient", "no answer in time"));
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn an_answer_without_words_says_why() {
    let mut withheld = openai("");
    withheld["choices"][0]["finish_reason"] = json!("content_filter");
    let mut cut = openai("");
    cut["choices"][0]["finish_reason"] = json!("length");
    let page = Scene::text(200, "<html>hunter2</html>");
    for (scene, kind, attempts) in [
        (Scene::json(200, &withheld), "content_policy", 1),
        (Scene::json(200, &cut), "bad_answer", 1),
        (Scene::json(200, &openai(" ")), "bad_answer", 2),
        (page, "bad_answer", 2),
    ] {
        let upstream = Upstream::start(vec![scene; 4]).await;
        let error = ask(&upstream.models(&[Provider::OpenAi], &[]), Provider::OpenAi).await.unwrap_err();
        assert_eq!((error.kind.name(), error.attempts), (kind, attempts), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let blocked = Scene::json(200, &json!({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m"}));
    let upstream = Upstream::start([blocked]).await;
    let error = ask(&upstream.models(&[Provider::Google], &[]), Provider::Google).await.unwrap_err();
    assert_eq!(error.kind.name(), "content_policy");
}

#[tokio::test]
async fn limits_set_here_hold_requests_back_and_end_in_a_fallback_where_the_wait_is_too_long() {
    let upstream = Upstream::start(vec![good(); 30]).await;
    let mut settings = upstream.settings(&[Provider::OpenAi, Provider::Mistral], &[("OPENAI_RPM", "6")]);
    settings.wait_max = Duration::from_millis(100);
    let models = Models::new(settings).unwrap();
    assert_eq!(ask(&models, Provider::OpenAi).await.unwrap().provider, Provider::OpenAi);
    let error = ask(&models, Provider::OpenAi).await.unwrap_err();
    assert_eq!((error.kind.name(), error.attempts), ("rate_limit", 0));
    let answer = models.ask_any(&question(Provider::OpenAi), &[Provider::Mistral.into()]).await.unwrap();
    assert_eq!((answer.provider, answer.attempts), (Provider::Mistral, 1));
}

/// What is logged, into memory.
#[derive(Clone, Default)]
struct Notes(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn not_even_the_most_talkative_log_holds_prompts_answers_or_keys() {
    let notes = Notes::default();
    let writer = notes.clone();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(log.finish());
    let odd = json!({"type": "no_such_event", "text": "hunter2"});
    for (provider, scene) in [
        (Provider::OpenAi, Scene::json(400, &error("x"))),
        (Provider::OpenAi, Scene::json(200, &json!({"hunter2": 1}))),
        (Provider::OpenAi, Scene::json(200, &openai("hunter2"))),
        (Provider::Anthropic, Scene::events(std::slice::from_ref(&odd))),
        (Provider::Perplexity, Scene::events(&[json!({"type": "response.created", "hunter2": odd})])),
        (Provider::Google, Scene::events(&[json!({"error": {"message": "hunter2"}})])),
    ] {
        let upstream = Upstream::start([scene]).await;
        let models = upstream.models(&[provider], &[("MODEL_ATTEMPTS", "1")]);
        let _ = ask(&models, provider).await;
        if let Ok(mut deltas) = models.stream(&question(provider)).await {
            while futures_util::StreamExt::next(&mut deltas).await.is_some() {}
        }
    }
    let text = String::from_utf8(notes.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("no answer from"), "our own log is heard: {text}");
    for secret in ["hunter2", "What is example.com?", "Be brief."] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn no_more_questions_are_out_at_a_time_than_allowed() {
    let slow = good().after(Duration::from_millis(60));
    let upstream = Upstream::start(vec![slow; 6]).await;
    let models = upstream.models(&[Provider::OpenAi], &[("OPENAI_CONCURRENCY", "2")]);
    let started = Instant::now();
    let request: Request = question(Provider::OpenAi);
    let all = (0..6).map(|_| models.ask(&request));
    let answers = futures_util::future::join_all(all).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert!(started.elapsed() >= Duration::from_millis(180), "three rounds of two");
}
