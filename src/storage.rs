//! Storage: what outlives a process. One SQLite file by default, PostgreSQL by `DATABASE_URL`; the same SQL on both.
//!
//! So that it is: columns are TEXT and BIGINT only (times are milliseconds since 1970, money is millionths of a dollar,
//! documents are JSON as TEXT), placeholders are `$1`, and what differs stands in [`Dialect`].

mod answers;
mod schema;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use tokio::sync::watch;

pub use self::answers::{AnswerRecord, Asked, Ended, RunKind};

/// Small PostgreSQL plans allow some hundred connections for all instances together.
const CONNECTIONS_MAX: u32 = 8;
/// How long a request waits for a free connection; a database that answers needs none of it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two attempts to reach the database and to bring it up to date.
const RETRY_WAITS: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// What may differ between the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// Which database to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    url: String,
    /// A file's folder, which is made when missing.
    folder: Option<PathBuf>,
    dialect: Dialect,
}

impl Location {
    /// As `DATABASE_URL` says: `postgres://…`, `postgresql://…`, or `sqlite:…`.
    ///
    /// # Errors
    /// It is an address of something else.
    pub fn parse(url: &str) -> Result<Self, StorageError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self { url: url.to_owned(), folder: None, dialect: Dialect::Postgres });
        }
        let Some(rest) = url.strip_prefix("sqlite:") else { return Err(StorageError::Unknown) };
        let path = Path::new(rest.trim_start_matches("//").split('?').next().unwrap_or_default());
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).map(Path::to_owned);
        let url = match (rest.contains("mode="), rest.contains('?')) {
            (true, _) => url.to_owned(),
            (false, true) => format!("{url}&mode=rwc"),
            (false, false) => format!("{url}?mode=rwc"),
        };
        Ok(Self { url, folder, dialect: Dialect::Sqlite })
    }

    /// A SQLite file, made when missing.
    pub fn file(path: &Path) -> Self {
        // A path may hold what an address gives a meaning.
        let spelled = path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        let folder = path.parent().map(Path::to_owned);
        Self { url: format!("sqlite://{spelled}?mode=rwc"), folder, dialect: Dialect::Sqlite }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

/// Why something could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("DATABASE_URL is no address of a database that can be used here")]
    Unknown,
    #[error("failed to make the folder `{}` of the database", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("the database did not answer in {} s", ACQUIRE_TIMEOUT.as_secs())]
    Silent,
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
}

/// How far the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Not reached yet, or not up to date; why the last attempt failed.
    Preparing { why: String },
    /// Its tables are of this version, or of a newer one.
    Ready { schema: i64 },
}

/// The database. Cheap to clone; connects when it is first used.
#[derive(Debug, Clone)]
pub struct Storage {
    pool: AnyPool,
    location: Location,
    readiness: watch::Sender<Readiness>,
}

impl Storage {
    /// Opens nothing yet: [`Storage::prepare`] does.
    ///
    /// # Errors
    /// The address cannot be read.
    pub fn new(location: Location) -> Result<Self, StorageError> {
        sqlx::any::install_default_drivers();
        let connections = match location.dialect {
            // Writers take turns in any case; those of one process do so in order.
            Dialect::Sqlite => 1,
            Dialect::Postgres => CONNECTIONS_MAX,
        };
        let options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = options.connect_lazy(&location.url)?;
        let readiness = watch::Sender::new(Readiness::Preparing { why: "not reached yet".into() });
        Ok(Self { pool, location, readiness })
    }

    /// Makes the database ready, and tries until it is: it may start later than we do.
    pub async fn prepare(&self) {
        let mut waits = RETRY_WAITS.iter().copied();
        loop {
            match self.migrate().await {
                Ok(schema) => {
                    tracing::info!(schema, database = self.dialect().name(), "the database is ready");
                    self.readiness.send_replace(Readiness::Ready { schema });
                    return;
                }
                Err(error) => {
                    let why = causes(&error);
                    tracing::warn!(why, database = self.dialect().name(), "the database is not ready");
                    self.readiness.send_replace(Readiness::Preparing { why });
                }
            }
            tokio::time::sleep(waits.next().unwrap_or(RETRY_WAITS[RETRY_WAITS.len() - 1])).await;
        }
    }

    async fn migrate(&self) -> Result<i64, StorageError> {
        if let Some(folder) = &self.location.folder {
            let failed = |source| StorageError::Folder { path: folder.clone(), source };
            tokio::fs::create_dir_all(folder).await.map_err(failed)?;
        }
        schema::bring_up_to_date(&self.pool, self.dialect()).await
    }

    /// How far it is, and whether it answers now.
    pub async fn readiness(&self) -> Readiness {
        let known = self.readiness.borrow().clone();
        if let Readiness::Preparing { .. } = known {
            return known;
        }
        match tokio::time::timeout(ACQUIRE_TIMEOUT, sqlx::query("SELECT 1").execute(&self.pool)).await {
            Ok(Ok(_)) => known,
            Ok(Err(error)) => Readiness::Preparing { why: causes(&StorageError::from(error)) },
            Err(_) => Readiness::Preparing { why: causes(&StorageError::Silent) },
        }
    }

    pub fn dialect(&self) -> Dialect {
        self.location.dialect
    }

    /// Connections in use at this moment.
    pub fn connections_active(&self) -> usize {
        (self.pool.size() as usize).saturating_sub(self.pool.num_idle())
    }

    /// Ends all connections: a SQLite file is whole afterwards, without its side files.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// An error with its causes, in one line. Addresses and passwords are in none of them.
fn causes(error: &StorageError) -> String {
    let mut out = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        // Many errors repeat their cause.
        if !out.ends_with(&text) {
            out = format!("{out}: {text}");
        }
        source = cause.source();
    }
    out
}

/// PostgreSQL has no place for a NUL in a text.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_database() {
        let read = |url: &str| Location::parse(url).map(|found| (found.url, found.folder, found.dialect)).ok();
        let postgres = "postgresql://me:secret@db.internal/app";
        assert_eq!(read(postgres), Some((postgres.into(), None, Dialect::Postgres)));
        let made = Some(("sqlite:///var/lib/a.db?mode=rwc".into(), Some("/var/lib".into()), Dialect::Sqlite));
        assert_eq!(read("sqlite:///var/lib/a.db"), made);
        assert_eq!(read("sqlite://a.db?mode=ro"), Some(("sqlite://a.db?mode=ro".into(), None, Dialect::Sqlite)));
        assert_eq!(read("mysql://db/app"), None);
    }

    #[tokio::test]
    async fn a_file_with_odd_letters_in_its_path_is_that_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("not yet there?").join("50% #1.sqlite3");
        let storage = Storage::new(Location::file(&path)).expect("an address");
        storage.prepare().await;
        assert_eq!(storage.readiness().await, Readiness::Ready { schema: 1 });
        storage.close().await;
        assert!(path.is_file());
    }
}
