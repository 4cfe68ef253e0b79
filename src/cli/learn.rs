//! `learn`: what past runs taught (spec E3).

use std::path::Path;

use clap::Subcommand;
use serde_json::json;

use super::Global;
use super::exit::{Exit, Usage};
use super::screen::{answer, answer_json};
use crate::learning::LearningState;
use crate::memory::{Found, Lock, ReadError, Store, read_versioned, write_versioned};
use crate::mission::past::Lessons;

/// See what past runs have taught
#[derive(Debug, clap::Args)]
pub struct LearnArgs {
    #[command(subcommand)]
    command: LearnCommand,
}

#[derive(Debug, Subcommand)]
enum LearnCommand {
    /// Show the learning state: attempts, fixes that helped, and how often
    Show,
    /// Check the learning state against the lessons in all sessions; exit code 8 when something is wrong
    Verify {
        /// Mend it: lessons that are missing are absorbed, a damaged state is set aside and rebuilt from the sessions
        #[arg(long)]
        repair: bool,
    },
}

pub fn run(global: &Global, args: &LearnArgs) -> anyhow::Result<Exit> {
    let store = Store::open(&global.dir)?;
    match args.command {
        LearnCommand::Show => show(global, &store),
        LearnCommand::Verify { repair } => verify(global, &store, repair),
    }
}

fn show(global: &Global, store: &Store) -> anyhow::Result<Exit> {
    let path = store.learning_path();
    let state = match read_versioned::<LearningState>(&path)? {
        Found::Nothing => LearningState::blank(),
        Found::Read(state) => state,
        Found::Damaged { why } => {
            let message = format!("`{}` is damaged: {why}", path.display());
            return Err(Usage::error(Exit::Failure, message, "domain-runner learn verify --repair"));
        }
    };
    if global.json {
        answer_json(&serde_json::to_value(&state)?);
    } else {
        answer(&text(&state));
    }
    Ok(Exit::Ok)
}

/// What is wrong with the learning state.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Damaged {
        why: String,
    },
    /// There is none, but sessions have something to teach.
    Absent,
    /// It lacks so many lessons.
    Missing(usize),
}

impl Trouble {
    fn words(&self) -> String {
        match self {
            Self::Damaged { why } => format!("it is damaged: {why}"),
            Self::Absent => "there is none, but the sessions have something to teach".into(),
            Self::Missing(lessons) => format!("{lessons} lesson(s) of the sessions are not in it"),
        }
    }
}

/// The state as far as it can be read, and what is wrong with it.
fn examine(path: &Path, lessons: &Lessons) -> Result<(LearningState, Option<Trouble>), ReadError> {
    Ok(match read_versioned::<LearningState>(path)? {
        Found::Nothing => (LearningState::blank(), (lessons.count() > 0).then_some(Trouble::Absent)),
        Found::Damaged { why } => (LearningState::blank(), Some(Trouble::Damaged { why })),
        Found::Read(state) => {
            let missing = lessons.missing_from(&state);
            (state, (missing > 0).then_some(Trouble::Missing(missing)))
        }
    })
}

fn verify(global: &Global, store: &Store, repair: bool) -> anyhow::Result<Exit> {
    // A run at work writes the state: what is repaired beside it would be lost.
    let _lock = if repair { Some(Lock::take(store)?) } else { None };
    let path = store.learning_path();
    let lessons = Lessons::of(store);
    let (mut state, trouble) = examine(&path, &lessons)?;
    let mut aside = None;
    let repaired = repair && trouble.is_some();
    if repaired {
        lessons.teach(&mut state);
        aside = write_versioned(&path, &state)?;
    }
    let healthy = trouble.is_none() || repaired;
    if global.json {
        let document = json!({
            "v": 1, "kind": "learning", "healthy": healthy, "repaired": repaired,
            "trouble": trouble.as_ref().map(Trouble::words), "set_aside": aside,
            "sessions": lessons.sessions, "lessons": lessons.count(), "unreadable_sessions": lessons.unreadable,
        });
        answer(&document.to_string());
    } else {
        answer(&format!("{}\n{} lesson(s) in {} session(s)", path.display(), lessons.count(), lessons.sessions));
        if !lessons.unreadable.is_empty() {
            let names: Vec<&str> = lessons.unreadable.iter().map(|id| id.as_str()).collect();
            answer(&format!("not counted, for their journals cannot be read: {}", names.join(", ")));
        }
        answer(&trouble.as_ref().map_or("the learning state is whole".to_owned(), Trouble::words));
        if let Some(aside) = aside {
            answer(&format!("set aside as {}", aside.display()));
        }
        if repaired {
            answer("repaired: every lesson of the sessions is in it now");
        } else if !healthy {
            answer("mend it: domain-runner learn verify --repair");
        }
    }
    Ok(if healthy { Exit::Ok } else { Exit::Problems })
}

fn text(state: &LearningState) -> String {
    if state.total_attempts == 0 && state.records.is_empty() {
        return "nothing learned yet: the first `domain-runner deploy` starts the record".into();
    }
    let rate = state.success_rate().map_or("-".to_owned(), |rate| format!("{:.0} %", rate * 100.0));
    let mut out = format!("{} deploys, {} live ({rate})\n", state.total_attempts, state.successful);
    if let Some(seconds) = state.average_build_s() {
        out.push_str(&format!("build and start {seconds:.1} s on average\n"));
    }
    if !state.records.is_empty() {
        out.push_str(&format!("\n{:<52} {:>6} {:>6} {:>7}\n", "FIX (class/remedy)", "HELPED", "FAILED", "CHANCE"));
        for (id, record) in &state.records {
            let (helped, failed, chance) = (record.helped, record.failed, record.chance());
            out.push_str(&format!("{id:<52} {helped:>6.1} {failed:>6.1} {chance:>7.2}\n"));
        }
    }
    if !state.known_fixes.is_empty() {
        out.push_str("\nwhat they mended\n");
        for (id, why) in state.known_fixes.iter().take(40) {
            out.push_str(&format!("  {id}: {why}\n"));
        }
    }
    if !state.advised.is_empty() {
        out.push_str("\nproposed by a model, proved by a trial, healed a service: used without asking\n");
        for (id, advised) in &state.advised {
            let (advice, day) = (&advised.advice, advised.at.strftime("%Y-%m-%d"));
            out.push_str(&format!("  {id}: {} (by {}, last on {day})\n", advice.title, advice.by));
        }
    }
    if !state.failed_dependencies.is_empty() {
        out.push_str("\ndependencies that failed to install\n");
        for (name, times) in state.failed_dependencies.iter().take(40) {
            out.push_str(&format!("  {name} ({times})\n"));
        }
    }
    for working in state.working.iter().rev().take(5) {
        let commit = working.commit.get(..7).unwrap_or(&working.commit);
        out.push_str(&format!("\nworks: {} at {commit} on {}", working.service, working.base_image));
    }
    out
}
