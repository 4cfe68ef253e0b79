//! An answer piece by piece, as server-sent events in OpenAI's shape.
//!
//! No comments are sent to keep the line busy: several clients take them for data.

use std::convert::Infallible;

use axum::response::Sse;
use axum::response::sse::Event;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::Instrument as _;

use super::super::asking;
use super::super::problem::{self, Problem};
use super::super::request_id::RequestId;
use super::request::Manner;
use super::{CompletionUsage, served};
use crate::model::{Answer, Delta, Deltas, ModelError, Target};
use crate::world;

/// Events that wait for a slow reader; then the model waits.
const EVENTS_WAITING: usize = 16;

/// What all events of one answer say.
struct Head {
    id: String,
    created: i64,
    model: String,
    manner: Manner,
}

impl Head {
    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": null});
        self.event(&json!([choice]), None)
    }

    fn event(&self, choices: &Value, usage: Option<CompletionUsage>) -> Value {
        let mut event = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": choices,
        });
        if self.manner.include_usage {
            event["usage"] = json!(usage);
        }
        event
    }
}

/// The events of `deltas`. Its first piece is waited for, so that an early failure still has a status of its own.
///
/// # Errors
/// There is no first piece.
pub async fn events(
    mut deltas: Deltas,
    target: &Target,
    manner: Manner,
    turn: OwnedSemaphorePermit,
    request_id: RequestId,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Problem> {
    let first = match deltas.next().await {
        Some(Err(error)) => {
            asking::unanswered(&error);
            return Err(asking::of_model(&error));
        }
        first => first,
    };
    let id = format!("chatcmpl-{}", world::random_word(24));
    let head = Head { id, created: world::now().as_second(), model: target.to_string(), manner };
    let (sender, mut receiver) = mpsc::channel(EVENTS_WAITING);
    let pieces = stream::iter(first).chain(deltas);
    // The reader that leaves takes the model's answer with it: sending fails, and the stream is dropped.
    tokio::spawn(
        async move {
            let _turn = turn;
            if let Err(Unsent) = tell(&head, pieces, &sender).await {
                tracing::info!(request_id = request_id.0, "the reader of a stream left before its end");
            }
        }
        .in_current_span(),
    );
    let events = stream::poll_fn(move |context| receiver.poll_recv(context));
    Ok(Sse::new(events.map(|text: String| Ok(Event::default().data(text)))))
}

/// The reader is gone.
struct Unsent;

async fn tell(
    head: &Head,
    pieces: impl Stream<Item = Result<Delta, ModelError>>,
    sender: &mpsc::Sender<String>,
) -> Result<(), Unsent> {
    let send = async |event: String| sender.send(event).await.map_err(|_| Unsent);
    send(head.chunk(&json!({"role": "assistant", "content": ""}), None).to_string()).await?;
    let mut pieces = std::pin::pin!(pieces);
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(Delta::Text(text)) => send(head.chunk(&json!({"content": text}), None).to_string()).await?,
            Ok(Delta::Done(answer)) => {
                for event in last(head, &answer) {
                    send(event).await?;
                }
                return Ok(());
            }
            Err(error) => {
                asking::unanswered(&error);
                // Without `[DONE]`: half an answer must not look like a whole one.
                return send(problem::streamed(&asking::of_model(&error))).await;
            }
        }
    }
    Ok(())
}

/// How a whole answer ends.
fn last(head: &Head, answer: &Answer) -> Vec<String> {
    tracing::info!(served = served(answer), attempts = answer.attempts, ms = answer.latency_ms, "a model answered");
    let mut events = vec![head.chunk(&json!({}), Some(&answer.finish)).to_string()];
    if head.manner.include_usage {
        events.push(head.event(&json!([]), answer.usage.map(CompletionUsage::from)).to_string());
    }
    events.push("[DONE]".to_owned());
    events
}
