//! An answer piece by piece: repeated like any other until the first piece has come, and then no more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jsonschema::Validator;
use tokio::time::timeout;

use super::asking::{Account, Way, checked};
use super::error::{ModelError, ModelErrorKind};
use super::exchange::Delta;
use super::gate::Pass;
use super::wire::{Call, Piece, Pieces};
use super::{Deltas, Shared, refusal, schema};

/// Between two pieces; models that think for long do so before the first.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// The longest answers of any model are a tenth of this.
const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The answer in pieces.
pub(super) struct InPieces;

/// A stream whose first piece has come.
pub(super) struct Begun {
    pass: Pass,
    first: Piece,
    rest: Pieces,
}

impl Way for InPieces {
    type Out = Begun;

    async fn go(
        shared: &Shared,
        call: &Call<'_>,
        _: Option<&Validator>,
        pass: Pass,
    ) -> Result<Begun, (Pass, ModelError)> {
        let first = async {
            let mut rest = shared.wire.stream(call).await?;
            match rest.next().await {
                Some(first) => Ok((first?, rest)),
                None => Err(refusal::lost(call.provider, "the answer ended before it began")),
            }
        };
        let begun = timeout(shared.settings.request_timeout, first).await;
        match begun.unwrap_or_else(|_| Err(refusal::lost(call.provider, "no answer in time"))) {
            Ok((first, rest)) => Ok(Begun { pass, first, rest }),
            Err(error) => Err((pass, error)),
        }
    }
}

/// What is needed until the end.
struct Going {
    shared: Arc<Shared>,
    account: Account,
    pass: Pass,
    first: Option<Piece>,
    rest: Pieces,
    text: String,
    validator: Option<Validator>,
}

pub(super) fn deltas(
    shared: Arc<Shared>,
    begun: Begun,
    account: Account,
    schema: Option<&serde_json::Value>,
) -> Deltas {
    let Begun { pass, first, rest } = begun;
    let validator = schema.and_then(|schema| schema::validator(schema).ok());
    let going = Going { shared, account, pass, first: Some(first), rest, text: String::new(), validator };
    Box::pin(stream::unfold(Some(going), |going| async move {
        let mut going = going?;
        let piece = going.next().await;
        match piece {
            Ok(Piece::Text(text)) => {
                going.text.push_str(&text);
                Some((Ok(Delta::Text(text)), Some(going)))
            }
            Ok(Piece::End(mut reply)) => {
                let Going { shared, mut account, pass, text, validator, .. } = going;
                reply.text = text;
                let last = match checked(account.provider, reply, validator.as_ref()) {
                    Ok(reply) => {
                        pass.answered(reply.usage);
                        Ok(Delta::Done(Box::new(account.answer(&shared, reply))))
                    }
                    Err(error) => {
                        account.failed(&shared, pass, &error);
                        Err(account.close(error))
                    }
                };
                Some((last, None))
            }
            Err(error) => {
                let Going { shared, mut account, pass, .. } = going;
                account.failed(&shared, pass, &error);
                Some((Err(account.close(error)), None))
            }
        }
    }))
}

impl Going {
    async fn next(&mut self) -> Result<Piece, ModelError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let provider = self.account.provider;
        if self.text.len() > TEXT_BYTES_MAX {
            return Err(ModelError::new(ModelErrorKind::BadAnswer, provider, "the answer does not end"));
        }
        match timeout(SILENCE_MAX, self.rest.next()).await {
            Ok(Some(piece)) => piece,
            Ok(None) => Err(refusal::lost(provider, "the answer broke off")),
            Err(_) => Err(refusal::lost(provider, "the answer stopped arriving")),
        }
    }
}
