//! `sessions`: past runs.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Global;
use super::exit::{Exit, Usage};
use super::screen::{answer, answer_json};
use crate::memory::{Session, SessionId, Store};
use crate::mission::past::PastRun;

/// Review past runs
#[derive(Debug, clap::Args)]
pub struct SessionsArgs {
    #[command(subcommand)]
    command: SessionsCommand,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List past sessions, newest first
    List,
    /// Show one session: how it ended, what was found and fixed
    Show {
        /// The session's id; the newest when not given
        id: Option<SessionId>,
    },
}

pub fn run(global: &Global, args: &SessionsArgs) -> anyhow::Result<Exit> {
    let store = Store::open(&global.dir)?;
    match &args.command {
        SessionsCommand::List => list(global, &store),
        SessionsCommand::Show { id } => show(global, &store, id.as_ref()),
    }
}

/// `final_state.json`, or `null` for a run that did not come to its end.
fn final_state(session: &Session) -> anyhow::Result<Value> {
    Ok(session.read_json::<Value>("final_state.json")?.unwrap_or(Value::Null))
}

fn list(global: &Global, store: &Store) -> anyhow::Result<Exit> {
    let mut items = Vec::new();
    for id in store.sessions() {
        let Some(session) = store.past_session(&id) else { continue };
        let state = final_state(&session).unwrap_or(Value::Null);
        let text = |path: &str| state.pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
        if state.is_null() {
            let (service, words) = unfinished(&session);
            items.push((id.to_string(), service, "unfinished".to_owned(), words));
        } else {
            items.push((id.to_string(), text("/service"), text("/end/outcome"), text("/end/summary")));
        }
    }
    if global.json {
        let items: Vec<Value> = items
            .iter()
            .map(|(id, service, outcome, summary)| json!({"id": id, "service": service, "outcome": outcome, "summary": summary}))
            .collect();
        answer_json(&json!({"v": 1, "kind": "sessions", "items": items}));
    } else if items.is_empty() {
        answer("no sessions yet");
    } else {
        for (id, service, outcome, summary) in items {
            answer(&format!("{id}  {service:<20} {outcome:<16} {summary}"));
        }
    }
    Ok(Exit::Ok)
}

/// The service of a run that was cut short, and what can be done about it.
fn unfinished(session: &Session) -> (String, String) {
    let id = session.id();
    match PastRun::read(session) {
        Ok(run) if run.is_unfinished() => {
            let service = run.begun().map(|begun| begun.name.clone()).unwrap_or_default();
            (service, format!("{}; domain-runner deploy --resume {id}", run.words()))
        }
        Ok(_) => ("-".into(), "it had not begun to act".into()),
        Err(error) => ("-".into(), format!("it cannot be resumed: {error}")),
    }
}

fn show(global: &Global, store: &Store, id: Option<&SessionId>) -> anyhow::Result<Exit> {
    let id = id.cloned().or_else(|| store.sessions().into_iter().next());
    let session = id.as_ref().and_then(|id| store.past_session(id));
    let Some(session) = session else {
        let message = id.map_or("there is no session yet".to_owned(), |id| format!("there is no session `{id}`"));
        return Err(Usage::error(Exit::NotFound, message, "domain-runner sessions list"));
    };
    let state = final_state(&session)?;
    if global.json {
        answer_json(
            &json!({"v": 1, "kind": "session", "id": session.id().as_str(), "dir": session.dir(), "final_state": state}),
        );
        return Ok(Exit::Ok);
    }
    answer(&format!("session {}\n{}", session.id(), session.dir().display()));
    if state.is_null() {
        answer(&format!("unfinished: {}; its log follows", unfinished(&session).1));
    } else {
        for (name, path) in [
            ("service", "/service"),
            ("url", "/url"),
            ("outcome", "/end/outcome"),
            ("summary", "/end/summary"),
            ("commit", "/end/commit"),
        ] {
            if let Some(text) = state.pointer(path).and_then(Value::as_str) {
                answer(&format!("{name:<9} {text}"));
            }
        }
        for fix in state.pointer("/end/fixes").and_then(Value::as_array).into_iter().flatten() {
            answer(&format!("fixed     {}", fix.as_str().unwrap_or_default()));
        }
        for finding in state.pointer("/end/findings").and_then(Value::as_array).into_iter().flatten().take(3) {
            answer(&format!("found     {}", finding["why"].as_str().unwrap_or_default()));
        }
    }
    for log in ["swarm_output.log", "fallback_output.log"] {
        if let Some(text) = session.read_text(log)? {
            answer(&format!("\n{log}\n{}", text.trim_end()));
        }
    }
    Ok(Exit::Ok)
}
