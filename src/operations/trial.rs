//! Trials: the mended files are built and started on this machine before they are pushed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell, mpsc};
use tokio::time::Instant;

use super::Operations;
use crate::builder::{BuildEnd, BuildSpec, Builder, BuilderChoice, Image, LogSink};
use crate::diagnosis::Log;
use crate::narration::Event;
use crate::observation::Observation;
use crate::sandbox::SCRIPT_FILE;
use crate::service::{Commit, Deploy, DeployStatus, FailureReason};
use crate::validation::trial::{TrialEnd, TrialReport};
use crate::workspace::{Content, Workspace};
use crate::world;

mod start;

/// What a build may use on Render's starter pipeline (contract §8).
const BUILD_MEMORY_BYTES: u64 = 8 << 30;
/// Of a trial's log so many lines are kept, the newest: the cause is nearly always near the end.
const LOG_LINES_MAX: usize = 20_000;
/// Trials whose result is remembered: a proposal that is made again is not built again.
const REMEMBERED_MAX: usize = 16;

/// Whether fixes are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrialChoice {
    /// Where something can build.
    #[default]
    Auto,
    Off,
    /// What no trial has proved is not pushed.
    Require,
}

/// How trials are carried out.
#[derive(Debug, Clone)]
pub struct TrialSettings {
    pub choice: TrialChoice,
    pub builder: BuilderChoice,
    /// Let plain processes build where nothing else can.
    pub allow_unisolated: bool,
    /// For the build, and again for the start.
    pub timeout: Duration,
    /// Variables of a trial, as a person gave them. The service's own values stay on the platform: a rehearsal must not write
    /// into a real database.
    pub env: BTreeMap<String, String>,
}

/// The bench on which trials are carried out, one at a time.
#[derive(Debug, Clone)]
pub struct Trials {
    settings: Arc<TrialSettings>,
    builder: Arc<OnceCell<Result<Builder, String>>>,
    bench: Arc<Mutex<Bench>>,
}

#[derive(Debug, Default)]
struct Bench {
    /// Named before they are built, so that none is forgotten. Their layers serve the next trial.
    images: Vec<Image>,
    remembered: Vec<(Commit, Workspace, TrialReport)>,
}

impl Trials {
    pub fn new(settings: TrialSettings) -> Self {
        Self { settings: Arc::new(settings), builder: Arc::default(), bench: Arc::default() }
    }

    /// Whether a fix needs the proof of a trial.
    pub fn are_required(&self) -> bool {
        self.settings.choice == TrialChoice::Require
    }

    /// How long one trial may take, build and start together.
    pub fn limit(&self) -> Duration {
        self.settings.timeout * 2
    }

    /// What builds here, or why nothing does.
    ///
    /// # Errors
    /// In words, when there is to be no trial.
    pub async fn builder(&self) -> Result<&Builder, String> {
        if self.settings.choice == TrialChoice::Off {
            return Err("trials are off".into());
        }
        let detect = || async {
            let found = Builder::detect(self.settings.builder, self.settings.allow_unisolated).await;
            found.map_err(|error| error.to_string())
        };
        self.builder.get_or_init(detect).await.as_ref().map_err(Clone::clone)
    }

    /// Removes what trials have built. Waits for one that is being broken off.
    pub async fn clean_up(&self) {
        let mut bench = self.bench.lock().await;
        let Some(Ok(builder)) = self.builder.get() else { return };
        for image in bench.images.drain(..) {
            builder.discard(&image).await;
        }
    }
}

/// What a trial knows of its service.
struct Subject<'a> {
    operations: &'a Operations,
    builder: &'a Builder,
    folder: &'a Path,
}

impl Operations {
    /// Why no trial can be carried out of `files`, if none can.
    pub async fn no_trial(&self, files: &Workspace) -> Option<String> {
        let context = &self.facts.context;
        let script = if context.is_empty() { SCRIPT_FILE.to_owned() } else { format!("{context}/{SCRIPT_FILE}") };
        if self.trials.settings.choice == TrialChoice::Auto && files.contains(&script) {
            return Some(format!("`{SCRIPT_FILE}` scripts the builds of this service"));
        }
        self.trials.builder().await.err()
    }

    /// Builds and starts `after`, which are the files of `commit` with some edits.
    pub async fn try_out(&self, commit: &Commit, after: &Workspace) -> TrialReport {
        let mut bench = self.trials.bench.lock().await;
        let known = bench.remembered.iter().find(|(of, files, _)| of == commit && files == after);
        if let Some((.., report)) = known {
            return report.clone();
        }
        let builder = match self.trials.builder().await {
            Ok(builder) => builder,
            Err(why) => return TrialReport { by: String::new(), is_stand_in: false, end: TrialEnd::Unable { why } },
        };
        let by = builder.describe();
        self.narrator.tell(Event::TrialStart { by: by.clone() });
        let began = Instant::now();
        let end = match self.carry_out(builder, &mut bench.images, commit, after).await {
            Ok(end) => end,
            Err(error) => TrialEnd::Unable { why: self.redactor.redact(&format!("{error:#}")) },
        };
        let report = TrialReport { by, is_stand_in: builder.kind() != BuilderChoice::Engine, end };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (result, detail) = told(&report.end);
        self.narrator.tell(Event::TrialEnd { result, detail, duration_ms });
        if bench.remembered.len() >= REMEMBERED_MAX {
            bench.remembered.remove(0);
        }
        bench.remembered.push((commit.clone(), after.clone(), report.clone()));
        report
    }

    async fn carry_out(
        &self,
        builder: &Builder,
        images: &mut Vec<Image>,
        commit: &Commit,
        after: &Workspace,
    ) -> anyhow::Result<TrialEnd> {
        let folder = tempfile::Builder::new().prefix("domain-runner-trial-").tempdir()?;
        let source = folder.path().join("src");
        self.lay_out(commit, after, &source)?;
        let subject = Subject { operations: self, builder, folder: folder.path() };
        subject.build_and_start(images, &source).await
    }

    /// The files of `commit`, then those that differ in `after`.
    fn lay_out(&self, commit: &Commit, after: &Workspace, source: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(source)?;
        self.repo.lay_out(commit, source)?;
        let before = self.repo.workspace(commit)?;
        for path in before.changed(after) {
            let at = source.join(&path);
            match after.file(&path) {
                None => std::fs::remove_file(&at)?,
                Some(file) => {
                    let Content::Bytes(bytes) = &file.content else { continue };
                    if let Some(parent) = at.parent() {
                        std::fs::create_dir_all(parent)?;
                    }
                    // Never through a link.
                    let _ = std::fs::remove_file(&at);
                    std::fs::write(&at, bytes)?;
                    use std::os::unix::fs::PermissionsExt as _;
                    let mode = if file.executable { 0o755 } else { 0o644 };
                    std::fs::set_permissions(&at, std::fs::Permissions::from_mode(mode))?;
                }
            }
        }
        Ok(())
    }
}

impl Subject<'_> {
    async fn build_and_start(&self, images: &mut Vec<Image>, source: &Path) -> anyhow::Result<TrialEnd> {
        let operations = self.operations;
        let settings = &operations.trials.settings;
        let left = operations.timing.deadline.saturating_duration_since(Instant::now());
        let limit = settings.timeout.min(left);
        let scratch = self.folder.join("scratch");
        std::fs::create_dir_all(&scratch)?;
        let spec = BuildSpec {
            context: source.join(&operations.facts.context),
            dockerfile: source.join(&operations.facts.dockerfile_path),
            build_args: settings.env.clone(),
            tag: format!("domain-runner-trial-{}", world::random_word(12)),
            timeout: limit,
            memory_bytes: BUILD_MEMORY_BYTES,
            scratch,
        };
        images.push(Image { tag: spec.tag.clone() });
        let (end, lines) = self.listen(async |sink| self.builder.build(&spec, &sink).await).await;
        let failed = |reason: FailureReason| {
            let observation = self.observation(DeployStatus::BuildFailed, reason, lines.clone(), vec![]);
            Ok(TrialEnd::Failed { observation: Box::new(observation), built: false })
        };
        match end? {
            BuildEnd::Built(image) => self.start(&image, limit).await,
            BuildEnd::Failed { exit_code } => failed(FailureReason::NonZeroExit(exit_code)),
            BuildEnd::OutOfMemory => failed(FailureReason::OomKilled { memory_limit: "8GB".into() }),
            BuildEnd::TimedOut => Ok(TrialEnd::TimedOut { built: false }),
        }
    }

    async fn start(&self, image: &Image, limit: Duration) -> anyhow::Result<TrialEnd> {
        let launch = start::Launch::of(self.operations, limit);
        let (unfit, lines) = self.listen(async |sink| launch.bring_up(self.builder, image, sink).await).await;
        Ok(match unfit? {
            start::Seen::Healthy => TrialEnd::Healthy,
            start::Seen::Slow => TrialEnd::TimedOut { built: true },
            start::Seen::Failed(reason) => {
                let observation = self.observation(DeployStatus::UpdateFailed, reason, vec![], lines);
                TrialEnd::Failed { observation: Box::new(observation), built: true }
            }
        })
    }

    /// Does `act`, and gathers what it prints.
    async fn listen<T>(&self, act: impl AsyncFnOnce(LogSink) -> T) -> (T, Vec<String>) {
        let (sink, mut lines) = mpsc::unbounded_channel::<String>();
        let result = act(sink).await;
        lines.close();
        let mut kept: Vec<String> = Vec::new();
        while let Some(line) = lines.recv().await {
            kept.push(self.operations.redactor.redact(&line));
        }
        kept.drain(..kept.len().saturating_sub(LOG_LINES_MAX));
        (result, kept)
    }

    /// What a deploy that failed like this would show.
    fn observation(
        &self,
        status: DeployStatus,
        reason: FailureReason,
        build_log: Vec<String>,
        app_log: Vec<String>,
    ) -> Observation {
        let deploy = Deploy {
            id: "trial".into(),
            commit: None,
            commit_message: None,
            status,
            trigger: None,
            created_at: world::now(),
            started_at: None,
            finished_at: None,
        };
        let facts = self.operations.facts.clone();
        Observation { deploy: Some(deploy), reason: Some(reason), build_log, app_log, facts, ..Observation::default() }
    }
}

/// A trial's end, for whoever watches.
fn told(end: &TrialEnd) -> (&'static str, String) {
    match end {
        TrialEnd::Healthy => ("passed", "built, started, answered".into()),
        TrialEnd::Failed { built: true, observation } => ("failed", last_word(observation, "built, but did not start")),
        TrialEnd::Failed { built: false, observation } => ("failed", last_word(observation, "the build failed")),
        TrialEnd::TimedOut { .. } => ("timed_out", "it was not done in the time allowed".into()),
        TrialEnd::Unable { why } => ("unable", why.clone()),
    }
}

fn last_word(observation: &Observation, what: &str) -> String {
    let step = Log::of(observation).failing.map(|step| step.command).filter(|command| !command.is_empty());
    step.map_or_else(|| what.to_owned(), |command| format!("{what}: {}", command.chars().take(80).collect::<String>()))
}
