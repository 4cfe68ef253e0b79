//! `learn`: what past runs taught (spec E3).

use clap::Subcommand;

use super::Global;
use super::exit::Exit;
use super::screen::{answer, answer_json};
use crate::learning::LearningState;
use crate::memory::{Found, Store, read_versioned};

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
}

pub fn run(global: &Global, args: &LearnArgs) -> anyhow::Result<Exit> {
    let LearnCommand::Show = args.command;
    let path = Store::open(&global.dir)?.learning_path();
    let state = match read_versioned::<LearningState>(&path)? {
        Found::Nothing => LearningState::blank(),
        Found::Read(state) => state,
        Found::Damaged { aside, why } => {
            anyhow::bail!("`{}` was damaged ({why}); it was set aside as `{}`", path.display(), aside.display())
        }
    };
    if global.json {
        answer_json(&serde_json::to_value(&state)?);
    } else {
        answer(&text(&state));
    }
    Ok(Exit::Ok)
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
