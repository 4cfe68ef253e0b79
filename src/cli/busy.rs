//! Another run is at work in the same place: wait for its end, watch it, or leave.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Global;
use super::connect::TargetArgs;
use super::exit::Exit;
use super::interrupt::Signals;
use super::place::IfBusy;
use super::screen::{self, Surroundings};
use crate::memory::{Holder, Lock, LockError, Session, Store};
use crate::mission::Outcome;
use crate::narration::{Event, Narrator};

/// Between two looks at the lock and at the other's log.
const LOOK: Duration = Duration::from_millis(250);

/// The other names itself once it has chosen its session; it may be asking a person.
const NAMED_WITHIN: Duration = Duration::from_secs(5);

/// Logs of a session that tell what it does.
const LOGS: [&str; 2] = ["swarm_output.log", "fallback_output.log"];

/// What came of entering.
pub enum Entered {
    Lock(Lock),
    /// The other run was watched to its end.
    Watched(Exit),
}

/// Takes the lock of `store`, or does what is to be done when another has it.
pub async fn enter(global: &Global, target: &TargetArgs, store: &Store) -> anyhow::Result<Entered> {
    let held = match Lock::take(store) {
        Ok(lock) => return Ok(Entered::Lock(lock)),
        Err(LockError::Held { holder }) => LockError::Held { holder },
        Err(error) => return Err(error.into()),
    };
    let what = match target.going_on.if_busy {
        Some(what) => what,
        None if screen::may_ask(global) && !target.yes => ask(&held)?,
        None => IfBusy::Leave,
    };
    match what {
        IfBusy::Leave => Err(held.into()),
        IfBusy::Wait => wait(held, store, target.deadline).await.map(Entered::Lock),
        IfBusy::Watch => match named(store).await {
            Some(holder) => watch(global, store, &holder).await.map(Entered::Watched),
            None => Err(held.into()),
        },
    }
}

fn ask(held: &LockError) -> anyhow::Result<IfBusy> {
    let choices =
        [(IfBusy::Watch, "watch it"), (IfBusy::Wait, "wait until it has ended, then begin"), (IfBusy::Leave, "leave")];
    let chosen = dialoguer::Select::new()
        .with_prompt(held.to_string())
        .items(choices.map(|(_, words)| words))
        .default(0)
        .interact()?;
    Ok(choices.get(chosen).map_or(IfBusy::Leave, |(what, _)| *what))
}

async fn wait(held: LockError, store: &Store, patience: Duration) -> anyhow::Result<Lock> {
    screen::say(&format!("waiting: {held}"));
    let limit = Instant::now() + patience;
    loop {
        tokio::time::sleep(LOOK).await;
        match Lock::take(store) {
            Ok(lock) => return Ok(lock),
            Err(LockError::Held { .. }) if Instant::now() < limit => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Who holds the lock, once they say so.
async fn named(store: &Store) -> Option<Holder> {
    let limit = Instant::now() + NAMED_WITHIN;
    loop {
        match Lock::holder(store) {
            None if Instant::now() < limit => tokio::time::sleep(LOOK).await,
            holder => return holder,
        }
    }
}

/// Shows what the run of `holder` does until it ends, and ends as it does.
async fn watch(global: &Global, store: &Store, holder: &Holder) -> anyhow::Result<Exit> {
    let session = store.session(&holder.session)?;
    let (narrator, events) = Narrator::new();
    let surroundings = Surroundings::read(global.json, global.quiet);
    let shown = tokio::spawn(screen::show(events, session.id().to_string(), surroundings, screen::never_held()));
    narrator.tell(Event::SessionStart {
        tool: concat!("domain-runner ", env!("CARGO_PKG_VERSION")),
        command: "watch",
        max_iterations: 0,
        sandbox: false,
        resumed: None,
    });
    let began = Instant::now();
    let mut read = BTreeMap::new();
    let mut signals = Signals::listen()?;
    let left = loop {
        let is_over = Lock::holder(store).as_ref() != Some(holder);
        tell_news(&session, &mut read, &narrator)?;
        if is_over {
            break None;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            exit = signals.next() => break Some(exit),
        }
    };
    let (exit, outcome, summary, next) = match left {
        Some(exit) => (exit, "interrupted", "no longer watched; the run goes on".to_owned(), vec![]),
        None => end_of(&session)?,
    };
    narrator.tell(Event::SessionEnd {
        outcome,
        exit_code: exit.code(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        deploys: 0,
        fixes: vec![],
        url: None,
        summary,
        next,
        report: Some(session.dir().display().to_string()),
    });
    drop(narrator);
    let _ = shown.await;
    Ok(exit)
}

/// Tells the lines that came to the session's logs since the last look.
fn tell_news(session: &Session, read: &mut BTreeMap<&str, usize>, narrator: &Narrator) -> anyhow::Result<()> {
    for log in LOGS {
        let text = session.read_text(log)?.unwrap_or_default();
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let known = read.entry(log).or_default();
        // A log that has grown too long begins anew.
        for line in whole.get(*known..).unwrap_or(whole).lines() {
            narrator.tell(Event::Agent { agent: "watched", did: line.to_owned() });
        }
        *known = whole.len();
    }
    Ok(())
}

/// How the session ended.
fn end_of(session: &Session) -> anyhow::Result<(Exit, &'static str, String, Vec<String>)> {
    let state = session.read_json::<Value>("final_state.json")?.unwrap_or_default();
    let summary = state["end"]["summary"].as_str().unwrap_or_default().to_owned();
    Ok(match serde_json::from_value::<Outcome>(state["end"]["outcome"].clone()) {
        Ok(outcome) => (Exit::of_outcome(outcome, false), outcome.name(), summary, vec![]),
        Err(_) if state["end"]["outcome"] == "error" => (Exit::Failure, "error", summary, vec![]),
        Err(_) => {
            let next = format!("domain-runner deploy --resume {}   goes on with it", session.id());
            (Exit::Failure, "interrupted", "it was cut short".to_owned(), vec![next])
        }
    })
}
