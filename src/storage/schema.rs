//! Tables and how they come to be: migrations in the binary, numbered, each carried out once.
//!
//! A migration only adds. While a deploy goes on, and after a rollback, an older program works with newer tables.

use sqlx::{AnyPool, Row as _};

use super::{Dialect, StorageError};
use crate::world;

/// In order; the number is the place in this list, from one. None is ever changed or taken out.
const MIGRATIONS: &[&[&str]] =
    &[&[include_str!("migrations/0001_answers.sql"), include_str!("migrations/0001_answers_by_time.sql")]];

/// Whoever holds it in PostgreSQL is the one who migrates: the letters `domrun`.
const LOCK: i64 = 0x64_6f_6d_72_75_6e;

/// Carries out what is missing; one instance at a time, all or nothing. The version the tables have afterwards.
pub(super) async fn bring_up_to_date(pool: &AnyPool, dialect: Dialect) -> Result<i64, StorageError> {
    if dialect == Dialect::Sqlite {
        // Stays with the file. Readers and the writer no longer wait for each other.
        sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await?;
    }
    let begin = match dialect {
        // A lock taken at once can be waited for; one that a reader asks for later cannot.
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    };
    let mut turn = pool.begin_with(begin).await?;
    if dialect == Dialect::Postgres {
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *turn).await?;
    }
    sqlx::query(include_str!("migrations/schema.sql")).execute(&mut *turn).await?;
    let newest = "SELECT COALESCE(MAX(version), 0) AS newest FROM domain_runner_schema";
    let have: i64 = sqlx::query(newest).fetch_one(&mut *turn).await?.try_get("newest")?;
    let mut version = 0;
    for statements in MIGRATIONS {
        version += 1;
        if version <= have {
            continue;
        }
        for statement in *statements {
            sqlx::query(*statement).execute(&mut *turn).await?;
        }
        let insert = "INSERT INTO domain_runner_schema (version, applied_ms) VALUES ($1, $2)";
        sqlx::query(insert).bind(version).bind(world::now().as_millisecond()).execute(&mut *turn).await?;
    }
    turn.commit().await?;
    Ok(version.max(have))
}
