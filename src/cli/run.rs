//! One run from its first event to its last, whoever asked for it.

use std::sync::OnceLock;
use std::time::Instant;

use serde_json::json;
use tokio::sync::watch;

use super::Global;
use super::connect::{self, Platform, TargetArgs};
use super::exit::{Exit, Usage};
use super::interrupt::{self, Signals, Wish};
use super::place::{self, Opened, Place, Purpose};
use super::sandbox::{self, Rehearsal, RehearsalArgs};
use super::screen::{self, Surroundings};
use super::veil;
use crate::agents::conductor;
use crate::mission::RunEnd;
use crate::narration::{Event, Narrator};
use crate::operations::Operations;
use crate::retreat::{self, Plan};

/// What kind of run.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    pub command: &'static str,
    pub with_phases: bool,
    pub simple: bool,
    pub act: Act<'a>,
}

/// What a run is for.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// The branch head shall be live and healthy; a run that cannot do that goes back, or leaves things as they are.
    Heal { on_failure: OnFailure },
    /// Back to an older deploy.
    RollBack { to: Option<&'a str> },
}

/// `--on-failure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnFailure {
    /// Leave things as they are, and say how to go back
    Keep,
    /// Go back to the newest deploy that worked, where a worse one serves
    Rollback,
}

/// Where a run takes place.
pub enum Scene<'a> {
    /// The platform that arguments and environment name.
    Render,
    /// A sandbox of its own.
    Rehearsal(&'a RehearsalArgs),
    /// A platform that runs already.
    At(Platform),
}

/// How a run ended for the caller, and the sandbox that still runs.
pub struct Finished {
    pub exit: Exit,
    pub rehearsal: Option<Rehearsal>,
}

/// Runs a mission and tells everything.
pub async fn run(global: &Global, target: &TargetArgs, scene: Scene<'_>, shape: Shape<'_>) -> anyhow::Result<Finished> {
    let purpose = match (&scene, shape.act) {
        (Scene::Render, Act::Heal { .. }) => Purpose::Heal,
        (Scene::Render, Act::RollBack { .. }) => Purpose::RollBack,
        (Scene::Rehearsal(_) | Scene::At(_), _) => Purpose::Rehearsal,
    };
    let place = match place::open(global, target, purpose).await {
        Ok(Opened::Place(place)) => Ok(place),
        Ok(Opened::Watched(exit)) => return Ok(Finished { exit, rehearsal: None }),
        Err(error) => Err(error),
    };
    let (narrator, events) = Narrator::new();
    let surroundings = Surroundings::read(global.json, global.quiet);
    let session = place.as_ref().map(|place| place.session.id().to_string()).unwrap_or_default();
    let (hold, held) = watch::channel(false);
    let shown = tokio::spawn(screen::show(events, session, surroundings, held));
    narrator.tell(Event::SessionStart {
        tool: concat!("domain-runner ", env!("CARGO_PKG_VERSION")),
        command: shape.command,
        max_iterations: target.max_iterations,
        sandbox: !matches!(scene, Scene::Render),
        resumed: place.as_ref().ok().and_then(|place| place.resumed.clone()),
    });
    let started = Instant::now();
    let mut running = None;
    let exit = match place {
        Ok(place) => {
            let operations = OnceLock::new();
            let work = mission(global, target, scene, shape, &place, &narrator, (&mut running, &operations));
            let result = until_interrupted(work, screen::may_ask(global), &operations, &narrator, &hold).await;
            place.trials.clean_up().await;
            told(result, target, Some(&place), &narrator, started)
        }
        Err(error) => told(Err(error), target, None, &narrator, started),
    };
    drop(narrator);
    let _ = shown.await;
    Ok(Finished { exit, rehearsal: running })
}

/// Runs `work` to its end, unless the person or the system wants it to stop before; a person who `may_be_asked` is asked first.
async fn until_interrupted(
    work: impl Future<Output = anyhow::Result<(RunEnd, Option<String>)>>,
    may_be_asked: bool,
    operations: &OnceLock<Operations>,
    narrator: &Narrator,
    hold: &watch::Sender<bool>,
) -> Ended {
    let mut signals = Signals::listen()?;
    tokio::pin!(work);
    loop {
        let exit = tokio::select! {
            result = &mut work => return result.map(Ok),
            exit = signals.next() => exit,
        };
        if exit == Exit::Terminated || !may_be_asked {
            return Ok(Err(exit));
        }
        hold.send_replace(true);
        // The run goes on meanwhile.
        let wish = tokio::select! {
            result = &mut work => {
                hold.send_replace(false);
                return result.map(Ok);
            }
            again = signals.next() => {
                hold.send_replace(false);
                return Ok(Err(again));
            }
            wish = interrupt::ask() => wish,
        };
        hold.send_replace(false);
        match wish {
            Wish::GoOn => {}
            Wish::Leave => return Ok(Err(exit)),
            Wish::Cancel => {
                cancel(operations, narrator).await;
                return Ok(Err(exit));
            }
        }
    }
}

/// Cancels the deploy that is under way, and tells what came of it.
async fn cancel(operations: &OnceLock<Operations>, narrator: &Narrator) {
    let Some(operations) = operations.get() else { return };
    let dashboard = format!("cancel it on the dashboard: {}", operations.service.dashboard_url);
    match operations.newest_deploy().await {
        Ok(Some(deploy)) if !deploy.status.is_terminal() => {
            match operations.render.cancel_deploy(&operations.service.id, &deploy.id).await {
                Ok(deploy) => narrator.warn(format!("{} is {}", deploy.id, deploy.status), ""),
                Err(error) => narrator.warn(format!("{} could not be canceled: {error}", deploy.id), dashboard),
            }
        }
        Ok(_) => narrator.warn("no deploy was under way", ""),
        Err(error) => narrator.warn(format!("the deploy could not be canceled: {error}"), dashboard),
    }
}

async fn mission(
    global: &Global,
    target: &TargetArgs,
    scene: Scene<'_>,
    shape: Shape<'_>,
    place: &Place,
    narrator: &Narrator,
    (running, operations): (&mut Option<Rehearsal>, &OnceLock<Operations>),
) -> anyhow::Result<(RunEnd, Option<String>)> {
    let platform = match scene {
        Scene::Rehearsal(args) => {
            let rehearsal = sandbox::start(args, &place.repo, narrator).await?;
            let platform = Platform::of(rehearsal.sandbox());
            *running = Some(rehearsal);
            platform
        }
        Scene::Render => connect::platform(target.api_url.as_deref())?,
        Scene::At(platform) => platform,
    };
    let mission = connect::mission(global, target, &platform, place, narrator, &shape).await?;
    // Whoever interrupts may want to act on the deploy.
    let _ = operations.set(mission.operations.clone());
    let end = match shape.act {
        Act::Heal { on_failure } => {
            let mut end = conductor::run(&mission).await?;
            retreat::after_failure(&mission, &mut end, on_failure == OnFailure::Rollback).await;
            end
        }
        Act::RollBack { to } => {
            let plan = match retreat::cut_short(&mission, to).await? {
                Some(plan) => plan,
                None => {
                    let plan = retreat::plan(&mission, to, false).await?;
                    confirm(global, target, &plan)?;
                    plan
                }
            };
            let end = retreat::carry_out(&mission, &plan).await?;
            let state = json!({"format": 1, "session": place.session.id().as_str(), "service": mission.operations.service.name,
                "status": if end.outcome.is_healthy() { "healthy" } else { "unhealthy" },
                "end": end, "finished_at": crate::world::now()});
            mission.document("final_state.json", &state)?;
            end
        }
    };
    Ok((end, mission.operations.service.url.clone()))
}

/// A rollback takes commits off the air: a person says yes to it, or has said so with `--yes`.
fn confirm(global: &Global, target: &TargetArgs, plan: &Plan) -> anyhow::Result<()> {
    if matches!(plan, Plan::Nothing { .. }) || target.yes || target.dry_run {
        return Ok(());
    }
    let words = veil::clean(&plan.words());
    let question = format!("Go {words}?");
    if screen::may_ask(global) && dialoguer::Confirm::new().with_prompt(question).default(false).interact()? {
        return Ok(());
    }
    Err(Usage::error(Exit::NeedsPerson, format!("the rollback needs your yes: {words}"), "run it again with --yes"))
}

type Ended = anyhow::Result<Result<(RunEnd, Option<String>), Exit>>;

/// Tells how it ended: always, and last.
fn told(result: Ended, target: &TargetArgs, place: Option<&Place>, narrator: &Narrator, started: Instant) -> Exit {
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = place.map(|place| place.session.dir().display().to_string());
    let last = |exit: Exit, outcome, summary: String, next| Event::SessionEnd {
        outcome,
        exit_code: exit.code(),
        duration_ms,
        deploys: 0,
        fixes: vec![],
        url: None,
        summary,
        next,
        report: report.clone(),
    };
    match result {
        Ok(Ok((end, url))) => {
            let exit = Exit::of_outcome(end.outcome, target.detailed_exitcode);
            narrator.tell(Event::SessionEnd {
                outcome: end.outcome.name(),
                exit_code: exit.code(),
                duration_ms,
                deploys: end.deploys,
                fixes: end.fixes.clone(),
                url,
                summary: end.summary.clone(),
                next: end.next.clone(),
                report,
            });
            exit
        }
        Ok(Err(exit)) => {
            // No final state: the session has not ended.
            let next =
                vec!["domain-runner deploy --resume   goes on from here; a deploy on the platform goes on".to_owned()];
            narrator.tell(last(exit, "interrupted", "interrupted; nothing is half written".into(), next));
            exit
        }
        Err(error) => {
            let exit = Exit::of_error(&error);
            let (message, cause, hint) = screen::parts(&error);
            failed(place, &message);
            narrator.tell(Event::Error { message: message.clone(), cause, hint: hint.clone() });
            let next = if hint.is_empty() { vec![] } else { vec![hint] };
            narrator.tell(last(exit, "error", message, next));
            exit
        }
    }
}

/// The final state of a run that failed. Where even this cannot be written, the error itself is what counts.
fn failed(place: Option<&Place>, summary: &str) {
    let Some(place) = place else { return };
    let state = json!({"format": 1, "session": place.session.id().as_str(), "status": "unknown",
        "end": {"outcome": "error", "summary": summary}, "finished_at": crate::world::now()});
    if let Err(error) = place.session.write_json("final_state.json", &state) {
        tracing::warn!("{error}");
    }
}
