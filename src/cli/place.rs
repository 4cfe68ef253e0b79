//! The place a run works in: repository, store, lock and session. One run at a time; one that was cut short is taken up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Global;
use super::busy::{self, Entered};
use super::connect::{self, TargetArgs};
use super::exit::{Exit, Usage};
use super::screen;
use crate::git::Repo;
use crate::memory::{Lock, Session, SessionId, Store};
use crate::mission::journal::Line;
use crate::mission::past::{self, PastRun};
use crate::operations::Trials;

/// A run that was cut short longer ago than this is not taken up by itself: its service has moved on.
const RESUMED_UNASKED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Past runs among which one that was cut short is looked for unasked: what is older has been overtaken.
const RUNS_LOOKED_AT: usize = 50;

/// What a run is for, as far as it decides which one that was cut short it may go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Heal,
    RollBack,
    /// Ends with its sandbox; there is nothing to go on with.
    Rehearsal,
}

impl Purpose {
    fn fits(self, run: &PastRun) -> bool {
        run.is_unfinished() && run.rolls_back() == (self == Self::RollBack)
    }
}

/// What to do with a run that was cut short, and about one that is at work.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct GoingOnArgs {
    /// Go on with a session that was cut short: the newest, or SESSION
    ///
    /// Without this a run takes up the newest unfinished session of its service by itself, and asks first on a terminal.
    #[arg(long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["fresh", "dry_run"])]
    pub resume: Option<String>,
    /// Begin anew, even if a session was cut short
    #[arg(long)]
    pub fresh: bool,
    /// When another run is at work here [default: leave with exit code 7; asks on a terminal]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub if_busy: Option<IfBusy>,
}

/// `--if-busy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IfBusy {
    /// Begin when it has ended
    Wait,
    /// Show what it does, and end with its exit code
    Watch,
    /// End with exit code 7
    Leave,
}

/// The place a run works in, held for it alone.
pub struct Place {
    pub repo: Repo,
    pub store: Store,
    pub session: Session,
    pub trials: Trials,
    /// What stands in the journal already; of another run, unless this one is `resumed`.
    pub past: Vec<Line>,
    /// Of a run that is taken up: what it had done, in a few words.
    pub resumed: Option<String>,
    _lock: Lock,
}

impl Place {
    /// What stands in the journal of the run that is taken up; nothing for one that begins.
    pub fn taken_up(&self) -> &[Line] {
        if self.resumed.is_some() { &self.past } else { &[] }
    }
}

/// What came of looking for a place.
pub enum Opened {
    Place(Box<Place>),
    /// Another run was watched to its end.
    Watched(Exit),
}

/// Opens repository and store, takes the lock, and chooses the session.
pub async fn open(global: &Global, target: &TargetArgs, purpose: Purpose) -> anyhow::Result<Opened> {
    let named = target.session_id()?;
    // A name of its own: a token that CI holds for another host must not be sent to this remote.
    let repo = Repo::open(&global.dir)?.authorised(crate::world::env("DOMAIN_RUNNER_GIT_TOKEN"));
    let store = Store::open(&global.dir)?;
    let mut lock = match busy::enter(global, target, &store).await? {
        Entered::Lock(lock) => lock,
        Entered::Watched(exit) => return Ok(Opened::Watched(exit)),
    };
    store.sweep();
    let now = crate::world::now();
    let unfinished = unfinished(global, target, named.as_ref(), &repo, &store, purpose).await?;
    let (session, past, resumed) = match unfinished {
        Some(run) => {
            let words = words(&run, now);
            (store.session(&run.id)?, run.lines, Some(words))
        }
        None => {
            let session = match &named {
                Some(id) => store.session(id)?,
                None => store.begin(now)?,
            };
            let past = session.journal::<Line>();
            session.reopen(past.is_ok())?;
            (session, past.unwrap_or_default(), None)
        }
    };
    lock.announce(session.id(), now)?;
    let prefix = repo.prefix();
    let at = |path: &str| if prefix.is_empty() { format!("/{path}") } else { format!("/{prefix}/{path}") };
    let own =
        [at("memory/swarm/"), at("memory/sessions/"), at("memory/.lock"), at("artifacts/deploy_learning_state.json*")];
    repo.exclude(&own.iter().map(String::as_str).collect::<Vec<_>>())?;
    Ok(Opened::Place(Box::new(Place {
        repo,
        store,
        session,
        trials: target.trial.bench(),
        past,
        resumed,
        _lock: lock,
    })))
}

/// The run to go on with, if there is one and it is wanted.
async fn unfinished(
    global: &Global,
    target: &TargetArgs,
    named: Option<&SessionId>,
    repo: &Repo,
    store: &Store,
    purpose: Purpose,
) -> anyhow::Result<Option<PastRun>> {
    let asked = target.going_on.resume.as_deref();
    if purpose == Purpose::Rehearsal {
        return match asked {
            None => Ok(None),
            Some(_) => Err(Usage::error(Exit::Usage, "a rehearsal ends with its sandbox", "begin a new one")),
        };
    }
    if target.going_on.fresh || target.dry_run {
        return Ok(None);
    }
    match (asked, named) {
        (Some(""), None) => match past::runs(store).find(|run| purpose.fits(run)) {
            Some(run) => Ok(Some(run)),
            None => Err(Usage::error(Exit::NotFound, "no session here is unfinished", "domain-runner deploy")),
        },
        (Some(""), Some(id)) => by_name(store, id, purpose).map(Some),
        (Some(text), _) => {
            let id = text
                .parse()
                .map_err(|error| Usage::error(Exit::Usage, format!("{error}"), "domain-runner sessions list"))?;
            by_name(store, &id, purpose).map(Some)
        }
        (None, Some(id)) => {
            let run = store.past_session(id).and_then(|session| PastRun::read(&session).ok());
            Ok(run.filter(|run| purpose.fits(run)))
        }
        (None, None) => unasked(global, target, repo, store, purpose).await,
    }
}

/// The run that was asked for by its session's name.
fn by_name(store: &Store, id: &SessionId, purpose: Purpose) -> anyhow::Result<PastRun> {
    let list = "domain-runner sessions list";
    let Some(session) = store.past_session(id) else {
        return Err(Usage::error(Exit::NotFound, format!("there is no session `{id}`"), list));
    };
    let run = PastRun::read(&session)?;
    match (&run.outcome, run.is_unfinished()) {
        (_, true) if purpose.fits(&run) => Ok(run),
        (_, true) => {
            let (does, command) = if run.rolls_back() { ("goes back", "rollback") } else { ("heals", "deploy") };
            let message = format!("session `{id}` {does}, and was begun by another command");
            Err(Usage::error(Exit::Usage, message, format!("domain-runner {command} --resume {id}")))
        }
        (Some(outcome), _) => {
            let message = format!("session `{id}` has ended: {outcome}");
            Err(Usage::error(Exit::Usage, message, "domain-runner deploy   begins a new one"))
        }
        (None, _) => {
            let message = format!("session `{id}` had not begun to act: there is nothing to go on with");
            Err(Usage::error(Exit::Usage, message, "domain-runner deploy   begins a new one"))
        }
    }
}

/// The newest run of the same service, when it was cut short not long ago and nobody objects.
async fn unasked(
    global: &Global,
    target: &TargetArgs,
    repo: &Repo,
    store: &Store,
    purpose: Purpose,
) -> anyhow::Result<Option<PastRun>> {
    // Most often there is none, and nobody need be asked about the service.
    if !past::runs(store).take(RUNS_LOOKED_AT).any(|run| purpose.fits(&run)) {
        return Ok(None);
    }
    let Ok(platform) = connect::platform(target.api_url.as_deref()) else { return Ok(None) };
    let service = match platform.client() {
        Ok(render) => connect::find_service(&render, target, &platform, repo).await,
        Err(error) => Err(error),
    };
    // The run itself will tell what is wrong.
    let Ok(service) = service else { return Ok(None) };
    let now = crate::world::now();
    let recent = |run: &PastRun| run.last_seen().is_some_and(|at| now.duration_since(at) < RESUMED_UNASKED_FOR);
    let run = past::newest_of(store, &service.id).filter(|run| purpose.fits(run) && recent(run));
    let Some(run) = run else { return Ok(None) };
    if !target.yes && screen::may_ask(global) {
        let question = format!("Session {} was cut short ({}). Go on with it?", run.id, words(&run, now));
        if !dialoguer::Confirm::new().with_prompt(question).default(true).interact()? {
            return Ok(None);
        }
    }
    Ok(Some(run))
}

/// What a run had done, and when.
fn words(run: &PastRun, now: Timestamp) -> String {
    let ago = run.last_seen().map(|at| now.duration_since(at).unsigned_abs()).unwrap_or_default();
    let ago_ms = u64::try_from(ago.max(Duration::ZERO).as_millis()).unwrap_or(u64::MAX);
    format!("{}, cut short {} ago", run.words(), super::duration::show(ago_ms))
}
