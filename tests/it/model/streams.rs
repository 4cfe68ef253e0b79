//! Answers piece by piece: of every dialect, and half-sent ones.

use domain_runner::model::{Answer, Delta, ModelError, Models, Provider, Request, Usage};
use futures_util::StreamExt as _;
use serde_json::json;

use super::dialects::{self, Dialect};
use super::upstream::{Scene, Upstream};
use super::{question, schema};

/// The pieces of text, and how it ended.
async fn read(models: &Models, request: &Request) -> (Vec<String>, Result<Answer, ModelError>) {
    let mut deltas = match models.stream(request).await {
        Ok(deltas) => deltas,
        Err(error) => return (vec![], Err(error)),
    };
    let mut texts = Vec::new();
    while let Some(delta) = deltas.next().await {
        match delta {
            Ok(Delta::Text(text)) => texts.push(text),
            Ok(Delta::Done(answer)) => {
                assert!(deltas.next().await.is_none(), "nothing follows the end");
                return (texts, Ok(*answer));
            }
            Err(error) => return (texts, Err(error)),
        }
    }
    panic!("a stream ends with its answer or with an error")
}

#[tokio::test]
async fn every_provider_streams_its_answer_with_usage_and_the_model_that_served() {
    for Dialect { provider, stream_path, pieces, served, .. } in dialects::all() {
        let upstream = Upstream::start([pieces("A do", "main.")]).await;
        let (texts, answer) = read(&upstream.models(&[provider], &[]), &question(provider)).await;
        let answer = answer.unwrap();
        assert_eq!(texts, ["A do", "main."], "{provider}");
        assert_eq!(upstream.sent()[0].path, format!("/some/v1/{stream_path}"), "{provider}");
        assert_eq!(answer.text, "A domain.", "{provider}");
        assert_eq!(answer.usage, Some(Usage { input_tokens: 11, output_tokens: 7 }), "{provider}");
        assert_eq!((answer.model.as_str(), answer.finish.as_str()), (served, "stop"), "{provider}");
        if provider == Provider::Perplexity {
            assert_eq!(answer.citations, ["https://example.com/a", "https://example.com/b"]);
            assert_eq!(answer.cost_usd_micros, Some(5_200));
        }
    }
}

#[tokio::test]
async fn half_an_answer_is_an_error_after_its_pieces_and_is_not_asked_for_again() {
    for Dialect { provider, pieces, .. } in dialects::all() {
        // Anthropic and Cohere send more before the text begins.
        let chunks = match provider {
            Provider::Anthropic => 4,
            Provider::Cohere => 3,
            Provider::Perplexity => 2,
            _ => 1,
        };
        for scene in [pieces("A do", "main.").cut_after(chunks), pieces("A do", "main.").ended_after(chunks)] {
            let upstream = Upstream::start([scene, pieces("A do", "main.")]).await;
            let (texts, answer) = read(&upstream.models(&[provider], &[]), &question(provider)).await;
            let error = answer.expect_err(provider.name());
            assert_eq!((texts, error.kind.name()), (vec!["A do".to_owned()], "transient"), "{provider}");
            assert_eq!((upstream.sent().len(), error.attempts), (1, 1), "{provider}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_first_piece_is_asked_for_again() {
    for Dialect { provider, pieces, .. } in dialects::all() {
        let busy = Scene::json(503, &json!({"error": {"message": "hold on"}}));
        let upstream = Upstream::start([busy, pieces("A", "B").cut_after(0), pieces("A do", "main.")]).await;
        let (texts, answer) = read(&upstream.models(&[provider], &[]), &question(provider)).await;
        assert_eq!((texts.concat().as_str(), answer.unwrap().attempts), ("A domain.", 3), "{provider}");
    }
}

#[tokio::test]
async fn an_error_within_a_stream_has_its_class() {
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let anthropic = Upstream::start(vec![Scene::events(&[overloaded]); 4]).await;
    let (_, answer) = read(&anthropic.models(&[Provider::Anthropic], &[]), &question(Provider::Anthropic)).await;
    assert_eq!(answer.unwrap_err().kind.name(), "transient");
    let quota = json!({"error": {"message": "hunter2", "type": "insufficient_quota", "code": "insufficient_quota"}});
    let openai = Upstream::start([Scene::events(&[quota])]).await;
    let (_, answer) = read(&openai.models(&[Provider::OpenAi], &[]), &question(Provider::OpenAi)).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind.name(), error.attempts), ("quota_exhausted", 1));
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_streamed_document_is_checked_when_it_is_whole() {
    let pieces = dialects::openai_pieces;
    let upstream = Upstream::start([pieces("{\"known\":", " true}"), pieces("{\"known\":", " 3}")]).await;
    let models = upstream.models(&[Provider::OpenAi], &[]);
    let request = Request { schema: Some(schema()), ..question(Provider::OpenAi) };
    assert_eq!(read(&models, &request).await.1.unwrap().json(), Some(json!({"known": true})));
    let error = read(&models, &request).await.1.unwrap_err();
    assert_eq!(error.kind.name(), "bad_answer");
    assert_eq!(error.usage, Some(Usage { input_tokens: 11, output_tokens: 7 }), "it was paid for");
}

#[tokio::test]
async fn a_stream_that_is_dropped_gives_its_place_back() {
    let upstream = Upstream::start(vec![dialects::openai_pieces("A", "B"); 3]).await;
    let models = upstream.models(&[Provider::OpenAi], &[("OPENAI_CONCURRENCY", "1")]);
    for _ in 0..2 {
        let mut deltas = models.stream(&question(Provider::OpenAi)).await.unwrap();
        assert!(matches!(deltas.next().await, Some(Ok(Delta::Text(_)))));
        let in_flight = |models: &Models| models.providers()[0].in_flight;
        assert_eq!(in_flight(&models), 1);
        drop(deltas);
        assert_eq!(in_flight(&models), 0);
    }
    assert!(read(&models, &question(Provider::OpenAi)).await.1.is_ok());
}
