//! The index room: answers the flow's questions about packages from PyPI, npm and crates.io.
//!
//! It asks where the user's own pip, uv and npm would ask ([`Sources`]), keeps answers for a day, and never guesses:
//! what it cannot learn is recorded as unanswered, with why.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use pep440_rs::Version;
use tokio::task::JoinSet;

use crate::diagnosis::Diagnosis;
use crate::knowledge::{Knowledge, Question, Registry, Release, Resolution};

mod cache;
mod crates;
mod npm;
mod pypi;
mod resolve;
mod sources;
mod web;

use self::cache::Cache;
use self::crates::Crates;
use self::npm::Npm;
use self::pypi::client::Pypi;
pub use self::sources::Sources;
use self::web::Web;
pub use self::web::{ClientError, WebError};

/// Rounds of questions to the package index per diagnosis: an answer may raise one more question, rarely two.
const QUESTION_ROUNDS_MAX: usize = 4;

/// Patience with all questions of a look at the files before a deploy: a service that works is not held up for longer. What is
/// fetched meanwhile is kept, so that the next look has it.
pub const AHEAD_PATIENCE: Duration = Duration::from_secs(20);

/// Patience with the questions of a failure: whatever a resolver may take.
pub const FAILURE_PATIENCE: Duration = Duration::from_secs(300);

/// How this room behaves.
#[derive(Debug, Clone)]
pub struct IndexSettings {
    /// The project under repair. Its own registry settings are not followed, only noticed.
    pub project: PathBuf,
    /// Folder for answers; made when needed.
    pub cache: PathBuf,
    /// Patience with one request.
    pub timeout_ms: u64,
    /// Answer from the cache alone.
    pub offline: bool,
}

/// Why a question stays open.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("failed to read an index page")]
    Page(#[from] pypi::PageError),
    #[error("failed to read the registry's answer about `{name}`")]
    Document { name: String, source: serde_json::Error },
    #[error("`{name}` is not a package name")]
    Name { name: String },
    #[error("`{name}` is not at the index, but may be at a private one")]
    Elsewhere { name: String },
    #[error("the index has no version {version} of `{name}`")]
    NoSuchVersion { name: String, version: String },
    #[error("`{name}` {version} does not publish what it depends on")]
    Undeclared { name: String, version: String },
    #[error("`{python}` is not a version of Python 3")]
    Python { python: String },
    #[error("`{line}` is not a requirement the resolver understands")]
    Line { line: String },
    #[error("the resolver gave up after {limit} {what}")]
    Limit { what: &'static str, limit: usize },
    #[error("the resolver broke off")]
    Solver { source: tokio::task::JoinError },
}

/// The registries, ready to be asked.
#[derive(Clone)]
pub struct Index {
    pypi: Arc<Pypi>,
    npm: Arc<Npm>,
    crates: Arc<Crates>,
}

/// What was learnt from one question.
enum Answer {
    Releases(Vec<Release>),
    Dependencies(Vec<String>),
    Resolution(Resolution),
}

impl Index {
    /// An index that asks where the user's configuration says.
    pub fn new(settings: IndexSettings) -> Result<Self, ClientError> {
        Self::with_sources(settings, &Sources::of_user())
    }

    pub fn with_sources(settings: IndexSettings, sources: &Sources) -> Result<Self, ClientError> {
        let timeout = Duration::from_millis(settings.timeout_ms);
        let web = Arc::new(Web::new(timeout, settings.offline, &sources.ca_files)?);
        let cache = Arc::new(Cache::new(settings.cache));
        Ok(Self {
            pypi: Arc::new(Pypi::new(Arc::clone(&web), Arc::clone(&cache), sources, &settings.project)),
            npm: Arc::new(Npm::new(Arc::clone(&web), Arc::clone(&cache), sources, &settings.project)),
            crates: Arc::new(Crates::new(web, cache, sources)),
        })
    }

    /// What `think` comes to when its questions have been answered, and those that the answers raised, or `patience` is over.
    pub async fn consult(
        &self,
        knowledge: &mut Knowledge,
        patience: Duration,
        think: impl Fn(&Knowledge) -> Diagnosis,
    ) -> Diagnosis {
        let end = tokio::time::Instant::now() + patience;
        let mut diagnosis = think(knowledge);
        for _ in 0..QUESTION_ROUNDS_MAX {
            if diagnosis.questions.is_empty() || tokio::time::Instant::now() >= end {
                break;
            }
            self.answer_until(&diagnosis.questions, knowledge, Some(end)).await;
            diagnosis = think(knowledge);
        }
        diagnosis
    }

    /// Answers what `knowledge` does not hold yet. What fails goes to `knowledge.unanswered`, with why.
    pub async fn answer(&self, questions: &[Question], knowledge: &mut Knowledge) {
        self.answer_until(questions, knowledge, None).await;
    }

    /// The same, as far as it goes until `end`. What has no answer by then stays a question.
    async fn answer_until(&self, questions: &[Question], knowledge: &mut Knowledge, end: Option<tokio::time::Instant>) {
        let mut open: Vec<&Question> = questions.iter().filter(|question| !knowledge.was_asked(question)).collect();
        open.sort();
        open.dedup();
        let mut lookups = JoinSet::new();
        for question in open.into_iter().cloned() {
            let index = self.clone();
            lookups.spawn(async move { (index.look_up(&question).await, question) });
        }
        let mut answers = Vec::new();
        loop {
            let next = lookups.join_next();
            let joined = match end {
                Some(end) => tokio::time::timeout_at(end, next).await.ok().flatten(),
                None => next.await,
            };
            let Some(joined) = joined else { break };
            match joined {
                Ok(answer) => answers.push(answer),
                Err(error) => tracing::warn!("a look-up broke off: {error}"),
            }
        }
        // Answers arrive in any order; documents made from them must not differ.
        answers.sort_by(|(_, left), (_, right)| left.cmp(right));
        for (answer, question) in answers {
            record(answer, question, knowledge);
        }
    }

    async fn look_up(&self, question: &Question) -> Result<Answer, LookupError> {
        match question {
            Question::Package { registry, name } => self.releases(*registry, name).await.map(Answer::Releases),
            Question::Dependencies { registry, name, version } => {
                self.dependencies(*registry, name, version).await.map(Answer::Dependencies)
            }
            Question::PythonResolution { python, requirements, free } => {
                resolve::resolve(&self.pypi, python, requirements, free).await.map(Answer::Resolution)
            }
        }
    }

    async fn releases(&self, registry: Registry, name: &str) -> Result<Vec<Release>, LookupError> {
        match registry {
            Registry::Pypi => Ok(self.pypi.page(&resolve::package_name(name)?).await?.releases()),
            Registry::Npm => self.npm.releases(name).await,
            Registry::Crates => self.crates.releases(name).await,
        }
    }

    async fn dependencies(&self, registry: Registry, name: &str, version: &str) -> Result<Vec<String>, LookupError> {
        match registry {
            Registry::Pypi => {
                let package = resolve::package_name(name)?;
                let no_version = |_| LookupError::NoSuchVersion { name: name.to_owned(), version: version.to_owned() };
                let version = Version::from_str(version).map_err(no_version)?;
                let page = self.pypi.page(&package).await?;
                self.pypi.requires(&package, &version, &page, None).await
            }
            Registry::Npm => self.npm.dependencies(name, version).await,
            Registry::Crates => self.crates.dependencies(name, version).await,
        }
    }
}

fn record(answer: Result<Answer, LookupError>, question: Question, knowledge: &mut Knowledge) {
    match (answer, question) {
        (Ok(Answer::Releases(releases)), Question::Package { registry, name }) => {
            knowledge.packages.push(((registry, name), releases));
        }
        (Ok(Answer::Dependencies(list)), Question::Dependencies { registry, name, version }) => {
            knowledge.dependencies.push(((registry, name, version), list));
        }
        (Ok(Answer::Resolution(resolution)), question) => knowledge.resolutions.push((question, resolution)),
        // `look_up` answers in kind; were it not to, the question would simply stay open.
        (Ok(_), question) => knowledge.unanswered.push((question, "the answer was of another kind".to_owned())),
        (Err(error), question) => knowledge.unanswered.push((question, sentence(&error))),
    }
}

/// An error with its causes, in one line.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
