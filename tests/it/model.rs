//! The model room against providers on the loopback interface.
#![allow(clippy::unwrap_used, reason = "a test may panic; clippy knows only the annotated functions")]

pub mod dialects;
mod refusals;
mod streams;
pub mod upstream;

use domain_runner::model::{Answer, Message, ModelError, Models, Provider, Request, Target, Usage};
use serde_json::{Value, json};

use dialects::Dialect;
use upstream::{KEY, Scene, Upstream};

/// A question for the model `m-1`, with a system message and a prompt.
fn question(provider: Provider) -> Request {
    let target = Target { provider, model: Some("m-1".to_owned()) };
    let mut request = Request::new(target, "What is example.com?", 300);
    request.messages.insert(0, Message::system("Be brief."));
    request.temperature = Some(0.2);
    request
}

fn schema() -> Value {
    json!({"type": "object", "required": ["known"], "additionalProperties": false,
        "properties": {"known": {"type": "boolean"}}})
}

async fn ask(models: &Models, provider: Provider) -> Result<Answer, ModelError> {
    models.ask(&question(provider)).await
}

#[tokio::test]
async fn every_provider_is_asked_in_its_own_dialect_and_understood() {
    let dialects = dialects::all();
    assert_eq!(dialects.len(), Provider::ALL.len());
    for Dialect { provider, path, key, max_tokens, prompt, whole, served, .. } in dialects {
        let upstream = Upstream::start([Scene::json(200, &whole("A domain."))]).await;
        let answer = ask(&upstream.models(&[provider], &[]), provider).await.unwrap();
        let sent = upstream.sent();
        assert_eq!(sent.len(), 1, "{provider}");
        assert_eq!(sent[0].path, format!("/some/v1/{path}"), "{provider}: nothing of the base URL is lost");
        assert_eq!(sent[0].header(key.0), Some(format!("{}{KEY}", key.1).as_str()), "{provider}");
        let body = &sent[0].body;
        assert_eq!(body.pointer(max_tokens), Some(&json!(300)), "{provider}: {body}");
        assert!(
            body.pointer(prompt).unwrap_or(body).to_string().contains("What is example.com?"),
            "{provider}: {body}"
        );
        assert!(body.to_string().contains("Be brief."), "{provider}");
        assert!(body.to_string().contains("0.2"), "{provider}");
        assert_eq!((answer.text.as_str(), answer.provider), ("A domain.", provider));
        assert_eq!(answer.usage, Some(Usage { input_tokens: 11, output_tokens: 7 }), "{provider}");
        assert_eq!((answer.model.as_str(), answer.finish.as_str(), answer.attempts), (served, "stop", 1), "{provider}");
        assert_eq!(answer.raw, Some(whole("A domain.")), "{provider}: the body is kept as it came");
    }
}

#[tokio::test]
async fn every_provider_is_asked_for_a_document_and_the_document_is_checked() {
    for Dialect { provider, json: (place, value), whole, .. } in dialects::all() {
        let scenes = [
            Scene::json(200, &whole("{\"known\": \"hunter2\"}")),
            Scene::json(200, &whole("```json\n{\"known\": true}\n```")),
        ];
        let upstream = Upstream::start(scenes).await;
        let request = Request { schema: Some(schema()), ..question(provider) };
        let answer = upstream.models(&[provider], &[]).ask(&request).await.unwrap();
        assert_eq!(answer.json(), Some(json!({"known": true})), "{provider}");
        let sent = upstream.sent();
        assert_eq!(sent[0].body.pointer(place), Some(&json!(value)), "{provider}: {}", sent[0].body);
        assert!(sent[0].body.to_string().contains("JSON Schema"), "{provider}: told in words, too");
        assert_eq!(answer.attempts, 2, "{provider}");
        let both = Usage { input_tokens: 22, output_tokens: 14 };
        assert_eq!(answer.usage, Some(both), "{provider}: what did not fit was paid for");
    }
}

#[tokio::test]
async fn a_document_that_never_fits_is_asked_for_twice_and_refused_without_being_quoted() {
    let scene = Scene::json(200, &dialects::openai("{\"known\": \"hunter2\"}"));
    let upstream = Upstream::start(vec![scene; 4]).await;
    let request = Request { schema: Some(schema()), ..question(Provider::OpenAi) };
    let error = upstream.models(&[Provider::OpenAi], &[]).ask(&request).await.unwrap_err();
    assert_eq!((error.kind.name(), error.attempts, upstream.sent().len()), ("bad_answer", 2, 2));
    assert_eq!(error.usage, Some(Usage { input_tokens: 22, output_tokens: 14 }));
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn names_of_models_arrive_as_they_were_given_even_where_they_end_with_an_effort() {
    for name in ["m-high", "m-low", "m-none", "my::m"] {
        for Dialect { provider, whole, .. } in dialects::all() {
            let upstream = Upstream::start([Scene::json(200, &whole("yes"))]).await;
            let mut request = question(provider);
            request.target.model = Some(name.to_owned());
            let answer = upstream.models(&[provider], &[]).ask(&request).await.unwrap();
            let sent = upstream.sent().remove(0);
            let named = match provider {
                Provider::Google => sent.path.contains(&format!("/models/{name}:generateContent")),
                _ => sent.body["model"] == name,
            };
            assert!(named, "{provider}: {} {}", sent.path, sent.body);
            let text = sent.body.to_string();
            assert!(!text.contains("effort") && !text.contains("think"), "{provider}: {text}");
            assert_eq!(answer.text, "yes");
            assert_eq!(
                sent.header(if provider == Provider::Google { "x-goog-api-key" } else { "x-none" }).is_some(),
                provider == Provider::Google
            );
        }
    }
}

#[tokio::test]
async fn a_name_that_no_model_has_is_not_sent_anywhere() {
    let upstream = Upstream::start([]).await;
    let models = upstream.models(&[Provider::Google], &[]);
    for name in ["../../admin", "m?key=x", "m\nx", "", "m m"] {
        let mut request = question(Provider::Google);
        request.target.model = Some(name.to_owned());
        assert_eq!(models.ask(&request).await.unwrap_err().kind.name(), "bad_request", "{name}");
    }
    assert!(upstream.sent().is_empty());
}

#[tokio::test]
async fn perplexity_pins_the_model_beside_the_preset_and_its_sources_and_costs_are_read() {
    let upstream = Upstream::start([Scene::json(200, &dialects::responses("yes"))]).await;
    let answer = ask(&upstream.models(&[Provider::Perplexity], &[]), Provider::Perplexity).await.unwrap();
    let body = upstream.sent().remove(0).body;
    assert_eq!((&body["preset"], &body["model"], &body["store"]), (&json!("fast"), &json!("m-1"), &json!(false)));
    assert_eq!(answer.citations, ["https://example.com/a", "https://example.com/b"]);
    assert_eq!(answer.cost_usd_micros, Some(5_200));
}

#[tokio::test]
async fn a_cost_is_the_usage_by_the_table_and_unknown_where_the_price_is() {
    let upstream = Upstream::start(vec![Scene::json(200, &dialects::openai("yes")); 2]).await;
    let models = upstream.models(&[Provider::OpenAi], &[("OPENAI_MODEL", "gpt-4.1")]);
    let usual = models.ask(&Request::new(Provider::OpenAi, "?", 9)).await.unwrap();
    assert_eq!(usual.cost_usd_micros, Some(11 * 2 + 7 * 8), "2 and 8 dollars a million");
    assert_eq!(ask(&models, Provider::OpenAi).await.unwrap().cost_usd_micros, None, "nobody knows what `m-1` costs");
}

#[tokio::test]
async fn newer_openai_models_get_the_limit_under_the_name_they_know() {
    let upstream = Upstream::start([Scene::json(200, &dialects::openai("yes"))]).await;
    let models = upstream.models(&[Provider::OpenAi], &[]);
    models.ask(&Request::new(Provider::OpenAi, "?", 9)).await.unwrap();
    let body = upstream.sent().remove(0).body;
    assert_eq!((&body["model"], &body["max_completion_tokens"]), (&json!("gpt-5.4-mini"), &json!(9)));
}

#[tokio::test]
async fn without_a_key_nothing_is_sent_and_the_providers_are_told() {
    let upstream = Upstream::start([]).await;
    let models = upstream.models(&[Provider::Groq], &[("GROQ_API_KEY", " ")]);
    let error = ask(&models, Provider::Groq).await.unwrap_err();
    assert_eq!(error.to_string(), "Groq gave no answer (not_configured): GROQ_API_KEY is not set");
    let models = upstream.models(&[Provider::Groq, Provider::Xai], &[]);
    let configured: Vec<Provider> =
        models.providers().into_iter().filter(|status| status.configured).map(|status| status.provider).collect();
    assert_eq!((configured, models.providers().len()), (vec![Provider::Groq, Provider::Xai], 11));
    assert!(!serde_json::to_string(&models.providers()).unwrap().contains(KEY));
    assert!(upstream.sent().is_empty());
}
