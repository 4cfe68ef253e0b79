//! From arguments to a mission: repository, session, lock, platform, service, limits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Global;
use super::counsel::{self, CounselArgs};
use super::duration;
use super::exit::{Exit, Usage};
use super::place::{GoingOnArgs, Place};
use super::run::{Act, Shape};
use super::trial::TrialArgs;
use super::veil;
use crate::choice::Topology;
use crate::git::Repo;
use crate::index::{Index, IndexSettings};
use crate::knowledge::Knowledge;
use crate::learning::LearningState;
use crate::memory::{Found, SessionId, Store, read_versioned, set_aside, write_versioned};
use crate::mission::journal::{self, Begun, Entry, Journal};
use crate::mission::past::Lessons;
use crate::mission::{Mission, Options};
use crate::narration::{Event, Narrator};
use crate::observation::Facts;
use crate::observation::redaction::Redactor;
use crate::operations::{LastGood, Operations, Timing, Trials};
use crate::probe::Probe;
use crate::render::{self, Render, RenderError, Settings};
use crate::sandbox::Sandbox;
use crate::service::{Service, ServiceType};

/// Past sessions that are looked at for lessons not absorbed yet: only the last can have any, unless runs were killed in a row.
const SESSIONS_LOOKED_AT: usize = 5;

/// Which platform and service, and for how long.
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// The service, by id (`srv-…`) or name; found by the repository's address when not given
    #[arg(long, env = "RENDER_SERVICE_ID", value_name = "ID|NAME")]
    pub service: Option<String>,
    /// Render's API, with scheme and `/v1`; RENDER_HOST is read as Render's own CLI does
    #[arg(long, env = "RENDER_API_URL", value_name = "URL")]
    pub api_url: Option<String>,
    /// The git remote to push to
    #[arg(long, value_name = "NAME")]
    pub remote: Option<String>,
    /// Iterations before giving up
    #[arg(short = 'n', long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub max_iterations: u32,
    /// How the swarm works together
    #[arg(long, value_enum, default_value_t = TopologyArg::Auto)]
    pub topology: TopologyArg,
    /// This session's id
    #[arg(long, env = "SESSION_ID", value_name = "ID")]
    pub session_id: Option<String>,
    /// Between two looks at a deploy
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub poll_interval: Option<Duration>,
    /// Between two iterations [default: 5s; 60s for heal --simple; 0 in the sandbox]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub cooldown: Option<Duration>,
    /// How long a live deploy must stay healthy [default: 15s; 2s in the sandbox]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub stabilise: Option<Duration>,
    /// How long a push may take to show up as a deploy
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s", hide_short_help = true)]
    pub adoption_timeout: Duration,
    /// For one answer of Render's API
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30s", hide_short_help = true)]
    pub request_timeout: Duration,
    /// For one deploy; then exit 124, the deploy goes on
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60m")]
    pub timeout: Duration,
    /// For the whole run
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "6h")]
    pub deadline: Duration,
    /// Find out and show what would be done; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Exit 10 when a dry run would change something
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,
    /// Ship uncommitted changes of tracked files as their own commit
    #[arg(long)]
    pub include_changes: bool,
    /// Answer every question with yes
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub trial: TrialArgs,
    #[command(flatten)]
    pub counsel: CounselArgs,
    #[command(flatten)]
    pub going_on: GoingOnArgs,
}

impl TargetArgs {
    /// The session's id; empty, as CI passes an unset variable, is none.
    pub fn session_id(&self) -> anyhow::Result<Option<SessionId>> {
        let Some(text) = self.session_id.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let refused =
            |error| Usage::error(Exit::Usage, format!("{error}"), "letters, digits, `.`, `_`, `-`; 64 at most");
        text.parse().map(Some).map_err(refused)
    }
}

/// `--topology`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TopologyArg {
    /// As the findings suggest
    Auto,
    Mesh,
    Hierarchical,
}

impl TopologyArg {
    fn chosen(self) -> Option<Topology> {
        match self {
            Self::Auto => None,
            Self::Mesh => Some(Topology::Mesh),
            Self::Hierarchical => Some(Topology::Hierarchical),
        }
    }
}

/// The platform a run talks to.
pub struct Platform {
    pub api_url: String,
    pub key: String,
    /// Of a sandbox: its service and where to push.
    pub sandbox: Option<(String, String)>,
}

impl Platform {
    /// A running sandbox.
    pub fn of(sandbox: &Sandbox) -> Self {
        Self {
            api_url: sandbox.api_url(),
            key: sandbox.api_key().to_owned(),
            sandbox: Some((sandbox.service_id().to_string(), sandbox.remote().display().to_string())),
        }
    }

    /// A client of its API, with the usual patience.
    pub fn client(&self) -> anyhow::Result<Render> {
        Ok(Render::new(Settings::new(self.api_url.clone(), self.key.clone()))?)
    }

    /// A client that is as patient as the run: who looks more often than usual also repeats a failed call sooner.
    fn client_of_run(&self, timing: &Timing, request_timeout: Duration) -> anyhow::Result<Render> {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut settings = Settings::new(self.api_url.clone(), self.key.clone());
        settings.request_timeout_ms = ms(request_timeout);
        settings.retry.base_ms = settings.retry.base_ms.min(ms(timing.poll));
        Ok(Render::new(settings)?)
    }
}

/// The platform that the arguments and the environment name.
pub fn platform(api_url: Option<&str>) -> anyhow::Result<Platform> {
    let api_url = render::base_url(api_url, None, crate::world::env("RENDER_HOST"))?;
    let key = render::api_key().ok_or_else(|| {
        Usage::error(
            Exit::NotLoggedIn,
            "no Render API key: RENDER_API_KEY is not set, and Render's CLI has none stored",
            "set RENDER_API_KEY (https://dashboard.render.com/u/settings#api-keys), or try `domain-runner demo`",
        )
    })?;
    Ok(Platform { api_url, key, sandbox: None })
}

/// The learning state; a damaged one is set aside and told of, and what the sessions teach takes its place.
fn learning(store: &Store, narrator: &Narrator) -> anyhow::Result<LearningState> {
    Ok(match read_versioned::<LearningState>(&store.learning_path())? {
        Found::Nothing => LearningState::blank(),
        Found::Read(mut state) => {
            // A run that was killed before it could learn, and that nobody takes up.
            Lessons::of_newest(store, SESSIONS_LOOKED_AT).teach(&mut state);
            state
        }
        Found::Damaged { why } => {
            let aside = set_aside(&store.learning_path())?;
            let (mut state, lessons) = (LearningState::blank(), Lessons::of(store));
            lessons.teach(&mut state);
            narrator.warn(
                format!("the learning state was damaged ({why}); it was set aside as {}", aside.display()),
                format!("it was rebuilt from {} lesson(s) of {} session(s)", lessons.count(), lessons.sessions),
            );
            write_versioned(&store.learning_path(), &state)?;
            state
        }
    })
}

/// Puts a mission together.
pub async fn mission(
    global: &Global,
    target: &TargetArgs,
    platform: &Platform,
    place: &Place,
    narrator: &Narrator,
    shape: &Shape<'_>,
) -> anyhow::Result<Mission> {
    trial_required(&place.trials).await?;
    let sandboxed = platform.sandbox.is_some();
    // A slip in what was asked for is told before anybody is asked anything.
    let counsellor = target.counsel.counsellor(place.taken_up(), narrator)?;
    let here = place.repo.branch()?;
    let timing = timing(target, sandboxed, shape.simple);
    let render = platform.client_of_run(&timing, target.request_timeout)?;
    let service = find_service(&render, target, platform, &place.repo).await;
    let service = service.map_err(|error| explained(error, &platform.api_url))?;
    check(&service, narrator)?;
    let branch = service.branch.clone().unwrap_or_else(|| here.clone());
    if branch != here {
        let words = format!("`{here}` is checked out, but the service is deployed from `{branch}`");
        narrator.warn(words, format!("the head of `{branch}` is what shall be live"));
    }
    let remote = match &platform.sandbox {
        Some((_, remote)) => remote.clone(),
        None => place.repo.remote_for(&branch, target.remote.as_deref())?,
    };
    let (redactor, names) = secrets(&render, &service, &platform.key, narrator).await;
    veil::hide(redactor.clone());
    let facts = facts(&service, names);
    let probe = probe(&service, &facts)?;
    let state = learning(&place.store, narrator)?;
    let cache = place.store.root().join("memory/swarm/index_cache");
    let index = Index::new(IndexSettings { project: global.dir.clone(), cache, timeout_ms: 20_000, offline: false })?;
    narrator.tell(Event::Target {
        service: service.name.clone(),
        service_id: service.id.to_string(),
        branch: branch.clone(),
        commit: place.repo.tip(&branch)?,
        url: service.url.clone(),
    });
    for note in place.repo.notes() {
        narrator.warn(note, "");
    }
    let journal = journal(place, &service, &branch, (target, shape), &redactor, narrator)?;
    let mission = Mission {
        operations: Operations {
            begun: render.now(),
            render,
            repo: place.repo.clone(),
            service,
            remote,
            branch,
            index: Arc::new(index),
            knowledge: Arc::new(Mutex::new(Knowledge::default())),
            probe,
            timing,
            redactor,
            narrator: narrator.clone(),
            facts,
            trials: place.trials.clone(),
            last_good: LastGood::default(),
            counsellor,
        },
        store: place.store.clone(),
        session: place.session.clone(),
        journal,
        past: place.taken_up().to_vec(),
        learning: Arc::new(Mutex::new(state)),
        options: options(target, shape),
    };
    // What a killed run had on paper only.
    mission.learn(&mission.past).await;
    Ok(mission)
}

/// Who visits the service; nobody where it has no address for visitors.
fn probe(service: &Service, facts: &Facts) -> anyhow::Result<Option<Probe>> {
    let has_visitors = matches!(service.service_type, ServiceType::WebService | ServiceType::StaticSite);
    let Some(url) = service.url.as_ref().filter(|_| has_visitors) else { return Ok(None) };
    let health_path = facts.health_path.as_deref().unwrap_or_default();
    Probe::new(url, health_path).context("no HTTP client").map(Some)
}

/// What was asked for.
fn options(target: &TargetArgs, shape: &Shape<'_>) -> Options {
    Options {
        max_iterations: target.max_iterations,
        topology: target.topology.chosen(),
        dry_run: target.dry_run,
        include_changes: target.include_changes,
        with_phases: shape.with_phases,
        simple: shape.simple,
    }
}

/// The journal to go on with.
fn journal(
    place: &Place,
    service: &Service,
    branch: &str,
    (target, shape): (&TargetArgs, &Shape<'_>),
    redactor: &Redactor,
    narrator: &Narrator,
) -> anyhow::Result<Journal> {
    let journal = Journal::after(place.session.clone(), &place.past);
    if place.resumed.is_none() {
        let (service, name, branch) = (service.id.clone(), service.name.clone(), branch.to_owned());
        let (dry_run, roll_back) = (target.dry_run, matches!(shape.act, Act::RollBack { .. }));
        let begun = Begun { format: journal::FORMAT, service, name, branch, dry_run, roll_back };
        if let (_, Err(error)) = journal.write(Entry::Begun(begun), redactor) {
            narrator.warn(error.to_string(), "the run goes on, but could not be resumed");
        }
        return Ok(journal);
    }
    let begun = journal::begun(&place.past);
    if let Some(begun) = begun.filter(|begun| begun.service != service.id || begun.branch != branch) {
        let message = format!(
            "session `{}` is of `{}` on `{}`, not of `{}` on `{branch}`",
            place.session.id(),
            begun.name,
            begun.branch,
            service.name
        );
        return Err(Usage::error(
            Exit::Usage,
            message,
            format!("--service {}, or --fresh to begin anew", begun.service),
        ));
    }
    Ok(journal)
}

/// Where trials are required something has to build, and that is known before anything is done.
async fn trial_required(trials: &Trials) -> anyhow::Result<()> {
    if !trials.are_required() {
        return Ok(());
    }
    let refused =
        |why| Usage::error(Exit::Failure, format!("--trial require: {why}"), "start an engine, or --trial auto");
    trials.builder().await.map(drop).map_err(refused)
}

/// An answer that makes no sense most often comes from another address than was meant.
fn explained(error: anyhow::Error, api_url: &str) -> anyhow::Error {
    match error.downcast_ref::<RenderError>() {
        Some(RenderError::Undecodable { .. }) => {
            error.context(format!("`{api_url}` does not answer as Render's API does"))
        }
        _ => error,
    }
}

/// What must be hidden, and the names of the service's variables where they can be known.
async fn secrets(
    render: &Render,
    service: &Service,
    key: &str,
    narrator: &Narrator,
) -> (Redactor, Option<BTreeSet<String>>) {
    let mut secrets = vec![key.to_owned()];
    secrets.extend(crate::world::env("DOMAIN_RUNNER_GIT_TOKEN"));
    secrets.extend(counsel::keys());
    let names = match render.variables(&service.id).await {
        Ok(variables) => {
            secrets.extend(variables.values_to_redact);
            Some(variables.names)
        }
        Err(error) => {
            narrator.warn(format!("the service's variables could not be read: {error}"), "they are taken as unknown");
            None
        }
    };
    (Redactor::new(secrets), names)
}

/// The waits asked for, or those that suit the platform.
fn timing(target: &TargetArgs, sandboxed: bool, simple: bool) -> Timing {
    let quick = |given: Option<Duration>, sandbox_ms: u64, real: u64| {
        given.unwrap_or(if sandboxed { Duration::from_millis(sandbox_ms) } else { Duration::from_secs(real) })
    };
    Timing {
        poll: quick(target.poll_interval, 250, 5),
        cooldown: quick(target.cooldown, 0, if simple { 60 } else { 5 }),
        stabilise: quick(target.stabilise, 2_000, 15),
        adoption: target.adoption_timeout,
        deploy_timeout: target.timeout,
        deadline: Instant::now() + target.deadline,
    }
}

/// By id or name when one is given, else the one service of this repository.
pub async fn find_service(
    render: &Render,
    target: &TargetArgs,
    platform: &Platform,
    repo: &Repo,
) -> anyhow::Result<Service> {
    if let Some((id, _)) = &platform.sandbox {
        return Ok(render.find_service(id).await?);
    }
    if let Some(wanted) = target.service.as_deref().filter(|wanted| !wanted.is_empty()) {
        return Ok(render.find_service(wanted).await?);
    }
    service_of(render, repo, target.remote.as_deref()).await
}

/// The one service that is connected to the repository's remote.
pub async fn service_of(render: &Render, repo: &Repo, remote: Option<&str>) -> anyhow::Result<Service> {
    let services = render.services(None).await?;
    let remote = repo.branch().ok().and_then(|branch| repo.remote_for(&branch, remote).ok());
    let address = remote.and_then(|remote| repo.remote_url(&remote)).map(|url| plain_address(&url));
    let ours: Vec<&Service> = services
        .iter()
        .filter(|service| service.repo.as_deref().map(plain_address) == address && address.is_some())
        .collect();
    let list = |of: &[&Service]| of.iter().map(|service| service.name.clone()).collect::<Vec<_>>().join(", ");
    match (ours.as_slice(), services.as_slice()) {
        ([one], _) => Ok((*one).clone()),
        ([], []) => {
            Err(Usage::error(Exit::NotFound, "this key reaches no service", "create one on Render, or use another key"))
        }
        ([], all) => Err(Usage::error(
            Exit::NotFound,
            "no service of this key is connected to this repository",
            format!("name one with --service: {}", list(&all.iter().collect::<Vec<_>>())),
        )),
        (many, _) => Err(Usage::error(
            Exit::NotFound,
            format!("{} services are connected to this repository", many.len()),
            format!("name one with --service: {}", list(many)),
        )),
    }
}

/// `github.com/acme/app`, whatever the scheme.
fn plain_address(url: &str) -> String {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let url = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    url.replace(':', "/").trim_end_matches('/').trim_end_matches(".git").to_ascii_lowercase()
}

/// Refuses services that a push cannot heal, with the reason.
fn check(service: &Service, narrator: &Narrator) -> anyhow::Result<()> {
    let refuse = |message: String, hint: &str| Err(Usage::error(Exit::NeedsPerson, message, hint));
    if service.suspended {
        return refuse(format!("`{}` is suspended", service.name), "resume it on the dashboard first");
    }
    if service.runtime == "image" {
        return refuse(
            format!("`{}` runs a ready-made image", service.name),
            "there is no source to mend: push a new image instead",
        );
    }
    if service.runtime != "docker" {
        narrator.warn(
            format!("`{}` is no Docker service but `{}`", service.name, service.runtime),
            "failures of its build are diagnosed, Dockerfile rules do not apply",
        );
    }
    Ok(())
}

/// Paths as the repository has them: `rootDir` and `./` resolved.
fn facts(service: &Service, env_names: Option<BTreeSet<String>>) -> Facts {
    let join = |path: &str| {
        let path = format!("{}/{path}", service.root_dir);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        parts.join("/")
    };
    let dockerfile = if service.dockerfile_path.is_empty() { "Dockerfile" } else { &service.dockerfile_path };
    Facts {
        health_path: service.health_check_path.clone().filter(|path| !path.is_empty()),
        env_names,
        dockerfile_path: join(dockerfile),
        context: join(&service.docker_context),
        docker_command: Some(service.docker_command.trim().to_owned()).filter(|command| !command.is_empty()),
        build_timeout_s: None,
        memory_limit: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_repository_are_equal_whatever_their_scheme() {
        for url in ["https://github.com/acme/app", "git@github.com:acme/app.git", "ssh://git@github.com/acme/App.git/"]
        {
            assert_eq!(plain_address(url), "github.com/acme/app");
        }
    }
}
