//! The table of answers: one row a question, written before it is asked and once more when it is answered.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Storage, StorageError, storable};
use crate::world;

/// Rows in one statement: far below what either database takes as parameters.
const ROWS_A_STATEMENT: usize = 100;

/// What asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    Run,
    Batch,
}

impl RunKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Batch => "batch",
        }
    }
}

/// A question that is about to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `openai`, or `openai/gpt-5-mini`.
    pub target: String,
    pub prompt: String,
}

/// How a question ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Who answered, or was asked last.
    pub provider: Option<String>,
    pub model: Option<String>,
    pub text: Option<String>,
    pub finish: Option<String>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cost_usd_micros: Option<u64>,
    pub latency_ms: Option<u64>,
    pub attempts: u32,
    /// A JSON array.
    pub citations: Option<String>,
    /// A JSON document.
    pub raw: Option<String>,
    /// The class of the failure; with one, there is no answer.
    pub error: Option<String>,
    pub error_detail: Option<String>,
}

/// A question and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRecord {
    pub kind: String,
    pub request_id: String,
    pub position: i64,
    pub created_ms: i64,
    pub finished_ms: Option<i64>,
    pub asked: Asked,
    /// `None` while it runs, and for ever if the process died.
    pub ended: Option<Ended>,
}

impl Storage {
    /// Writes down what is about to be asked; nothing is asked that is not.
    ///
    /// # Errors
    /// The database does not take it; then none of it is there.
    pub async fn begin_run(
        &self,
        run: &str,
        kind: RunKind,
        request_id: &str,
        asked: &[Asked],
    ) -> Result<(), StorageError> {
        let mut turn = self.pool.begin().await?;
        let now = world::now().as_millisecond();
        for (chunk, rows) in asked.chunks(ROWS_A_STATEMENT).enumerate() {
            let places: Vec<String> = (0..rows.len()).map(|row| placeholders(row * 8, 8)).collect();
            let statement = format!(
                "INSERT INTO answers (run, position, kind, request_id, created_ms, state, target, prompt) VALUES {}",
                places.join(", ")
            );
            // Made of numbers alone.
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for (row, question) in rows.iter().enumerate() {
                query = query
                    .bind(run.to_owned())
                    .bind(count(chunk * ROWS_A_STATEMENT + row))
                    .bind(kind.name())
                    .bind(storable(request_id).into_owned())
                    .bind(now)
                    .bind("running")
                    .bind(storable(&question.target).into_owned())
                    .bind(storable(&question.prompt).into_owned());
            }
            query.execute(&mut *turn).await?;
        }
        turn.commit().await?;
        Ok(())
    }

    /// Writes down how the question at `position` ended, once.
    ///
    /// # Errors
    /// The database does not take it.
    pub async fn end_answer(&self, run: &str, position: usize, ended: &Ended) -> Result<(), StorageError> {
        let statement = "UPDATE answers SET state = $1, finished_ms = $2, provider = $3, model = $4, text = $5, \
                         finish = $6, input_tokens = $7, output_tokens = $8, cost_usd_micros = $9, latency_ms = $10, \
                         attempts = $11, citations = $12, raw = $13, error = $14, error_detail = $15 \
                         WHERE run = $16 AND position = $17 AND state = 'running'";
        let text = |text: &Option<String>| text.as_deref().map(|text| storable(text).into_owned());
        let number = |number: Option<u64>| number.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        sqlx::query(statement)
            .bind(if ended.error.is_some() { "failed" } else { "ok" })
            .bind(world::now().as_millisecond())
            .bind(text(&ended.provider))
            .bind(text(&ended.model))
            .bind(text(&ended.text))
            .bind(text(&ended.finish))
            .bind(number(ended.input_tokens))
            .bind(number(ended.output_tokens))
            .bind(number(ended.cost_usd_micros))
            .bind(number(ended.latency_ms))
            .bind(i64::from(ended.attempts))
            .bind(text(&ended.citations))
            .bind(text(&ended.raw))
            .bind(text(&ended.error))
            .bind(text(&ended.error_detail))
            .bind(run.to_owned())
            .bind(count(position))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// All questions of a run, in order; none when there is no such run.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn run(&self, run: &str) -> Result<Vec<AnswerRecord>, StorageError> {
        let rows = sqlx::query("SELECT * FROM answers WHERE run = $1 ORDER BY position")
            .bind(storable(run).into_owned())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| record(row).map_err(StorageError::from)).collect()
    }
}

fn record(row: &AnyRow) -> Result<AnswerRecord, sqlx::Error> {
    let number = |name: &str| {
        row.try_get::<Option<i64>, _>(name).map(|found| found.and_then(|number| u64::try_from(number).ok()))
    };
    let state: String = row.try_get("state")?;
    let ended = Ended {
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        text: row.try_get("text")?,
        finish: row.try_get("finish")?,
        input_tokens: number("input_tokens")?,
        output_tokens: number("output_tokens")?,
        cost_usd_micros: number("cost_usd_micros")?,
        latency_ms: number("latency_ms")?,
        attempts: number("attempts")?.and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or(0),
        citations: row.try_get("citations")?,
        raw: row.try_get("raw")?,
        error: row.try_get("error")?,
        error_detail: row.try_get("error_detail")?,
    };
    Ok(AnswerRecord {
        kind: row.try_get("kind")?,
        request_id: row.try_get("request_id")?,
        position: row.try_get("position")?,
        created_ms: row.try_get("created_ms")?,
        finished_ms: row.try_get("finished_ms")?,
        asked: Asked { target: row.try_get("target")?, prompt: row.try_get("prompt")? },
        ended: (state != "running").then_some(ended),
    })
}

/// `($9, $10, …)`: `width` of them, after the first `from`.
fn placeholders(from: usize, width: usize) -> String {
    let places: Vec<String> = (from + 1..=from + width).map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
