//! What people and programs see of a run: lines on stderr, or NDJSON on stdout.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::Global;
use super::duration;
use super::exit::{Exit, hint};
use super::veil;
use crate::diagnosis::Policy;
use crate::narration::Event;

/// What decides how a run is shown. Read once.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    pub json: bool,
    pub quiet: bool,
    pub stderr_is_terminal: bool,
    /// Glyphs beyond ASCII.
    pub unicode: bool,
}

impl Surroundings {
    pub fn read(json: bool, quiet: bool) -> Self {
        let dumb = crate::world::env("TERM").as_deref() == Some("dumb") || crate::world::env("NO_COLOR").is_some();
        Self { json, quiet, stderr_is_terminal: std::io::stderr().is_terminal(), unicode: !dumb }
    }

    fn glyph(self, state: Glyph) -> &'static str {
        match (state, self.unicode) {
            (Glyph::Good, true) => "✓",
            (Glyph::Good, false) => "ok",
            (Glyph::Bad, true) => "✗",
            (Glyph::Bad, false) => "FAIL",
            (Glyph::Busy, true) => "●",
            (Glyph::Busy, false) => "..",
            (Glyph::Note, _) => "!",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Glyph {
    Good,
    Bad,
    Busy,
    Note,
}

/// For a screen that nobody ever holds still.
pub fn never_held() -> watch::Receiver<bool> {
    watch::channel(false).1
}

/// Shows the events of one run until its narrator is gone. While `held`, say for a question, nothing is shown; it follows.
pub async fn show(
    mut events: UnboundedReceiver<Event>,
    session: String,
    surroundings: Surroundings,
    mut held: watch::Receiver<bool>,
) {
    let mut screen = Screen { surroundings, session, seq: 0, bar: None, deploy_began: Instant::now() };
    loop {
        if *held.borrow_and_update() {
            screen.rest();
            // Whoever held it and is gone holds it no longer.
            let _ = held.wait_for(|held| !held).await;
        }
        let event = tokio::select! {
            Ok(()) = held.changed() => continue,
            event = events.recv() => event,
        };
        let Some(event) = event else { break };
        let event = event.cleaned(&veil::clean);
        if surroundings.json {
            screen.json(&event)
        } else {
            screen.person(&event)
        }
        // Agents may still have something to say; the run has not.
        if matches!(event, Event::SessionEnd { .. }) {
            break;
        }
    }
    screen.rest();
}

struct Screen {
    surroundings: Surroundings,
    session: String,
    seq: u64,
    bar: Option<ProgressBar>,
    deploy_began: Instant,
}

impl Screen {
    fn json(&mut self, event: &Event) {
        self.seq += 1;
        let mut line = json!({"v": 1, "seq": self.seq, "ts": crate::world::now(), "session": self.session});
        if let (Value::Object(line), Ok(Value::Object(fields))) = (&mut line, serde_json::to_value(event)) {
            line.extend(fields);
        }
        // A reader that has gone away does not stop the run.
        let _ = writeln!(std::io::stdout().lock(), "{}", veil::printed(&line.to_string()));
    }

    fn line(&self, text: &str) {
        let text = veil::printed(text);
        let print = || {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn mark(&self, glyph: Glyph, text: &str) {
        let colour = match glyph {
            Glyph::Good => AnsiColor::Green,
            Glyph::Bad => AnsiColor::Red,
            Glyph::Busy => AnsiColor::Cyan,
            Glyph::Note => AnsiColor::Yellow,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        self.line(&format!("{style}{:>4}{style:#} {text}", self.surroundings.glyph(glyph)));
    }

    fn rest(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn busy(&mut self, text: String) {
        if !self.surroundings.stderr_is_terminal {
            self.mark(Glyph::Busy, &text);
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("  {spinner:.cyan}  {msg} {elapsed:.dim}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(text);
    }

    fn person(&mut self, event: &Event) {
        let dim = Style::new().dimmed();
        let bold = Style::new().bold();
        match event {
            Event::SessionStart { resumed: Some(words), .. } => {
                self.mark(Glyph::Note, &format!("session {} is taken up again: {words}", self.session));
                self.line(&format!("     {dim}--fresh begins anew{dim:#}"));
            }
            Event::SessionStart { .. } => {}
            Event::Target { service, branch, commit, url, .. } => {
                let url = url.as_deref().unwrap_or("no public address");
                self.line(&format!("{bold}{service}{bold:#}  {branch}@{}  {dim}{url}{dim:#}", commit.short()));
            }
            Event::PhaseStart { .. } => {}
            // On a terminal the newest line stands in the live line; elsewhere the whole log is a command away.
            Event::Log { text, .. } => {
                if let Some(bar) = &self.bar {
                    let line: String = text.trim().chars().take(70).collect();
                    bar.set_message(format!("{line} {dim}·{dim:#}"));
                }
            }
            Event::PhaseEnd { phase, ok, summary, duration_ms } => {
                self.rest();
                let glyph = if *ok { Glyph::Good } else { Glyph::Bad };
                self.mark(glyph, &format!("{phase:<14} {summary}  {dim}{}{dim:#}", duration::show(*duration_ms)));
            }
            Event::Agent { agent, did } => {
                if !self.surroundings.quiet {
                    self.line(&format!("     {dim}{agent:<10} {did}{dim:#}"));
                }
            }
            Event::DeployCreated { iteration, deploy_id, commit, trigger } => {
                self.deploy_began = Instant::now();
                let commit = commit.as_ref().map_or("", |commit| commit.short());
                let trigger = trigger.as_deref().unwrap_or("?");
                self.mark(Glyph::Busy, &format!("deploy {iteration}       {deploy_id} of {commit} ({trigger})"));
            }
            Event::DeployStatus { to, .. } if !to.is_terminal() => self.busy(format!("{to}")),
            Event::DeployStatus { .. } => {}
            Event::DeployEnded { deploy_id, status, duration_ms, .. } => {
                self.rest();
                let glyph = if status.is_failure() { Glyph::Bad } else { Glyph::Good };
                let took = duration::show(*duration_ms);
                self.mark(glyph, &format!("{deploy_id} {status}  {dim}{took}{dim:#}"));
            }
            other => self.findings_and_fixes(other),
        }
    }

    fn findings_and_fixes(&mut self, event: &Event) {
        let dim = Style::new().dimmed();
        let bold = Style::new().bold();
        match event {
            Event::Finding { class, message, evidence, line, path, path_line, confidence, policy, .. } => {
                self.rest();
                let error = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
                self.line(&format!("\n{error}error[{class}]{error:#}{bold}: {message}{bold:#}"));
                if let (Some(path), Some(line)) = (path, path_line) {
                    self.line(&format!("  {dim}-->{dim:#} {path}:{line}"));
                }
                if let (Some(evidence), Some(line)) = (evidence.first(), line) {
                    let text: String = evidence.trim().chars().take(160).collect();
                    self.line(&format!("  {dim}log line {line}:{dim:#} {text}"));
                }
                let who = match policy {
                    Policy::Fix => "an edit can mend it",
                    Policy::Retry => "nothing is wrong with the files: one more try",
                    Policy::Human => "only a person can mend it",
                };
                self.line(&format!("  {dim}{who}; confidence {:.0} %{dim:#}", confidence * 100.0));
            }
            Event::FixProposed { summary, why, diff, .. } => {
                let help = Style::new().fg_color(Some(AnsiColor::Cyan.into())).bold();
                self.line(&format!("{help}fix{help:#}: {summary}\n  {dim}{why}{dim:#}"));
                self.diff(diff);
            }
            Event::FixRejected { remedy, reason, .. } => {
                self.mark(Glyph::Note, &format!("{remedy} was not used: {reason}"));
            }
            Event::TrialStart { by } => self.busy(format!("trial on this machine with {by}")),
            Event::TrialEnd { result, detail, duration_ms } => {
                self.rest();
                let glyph = if *result == "passed" { Glyph::Good } else { Glyph::Note };
                let took = duration::show(*duration_ms);
                self.mark(glyph, &format!("trial {}: {}  {dim}{took}{dim:#}", result.replace('_', " "), detail));
            }
            Event::FixApplied { commit, branch, proof, .. } => {
                self.mark(Glyph::Good, &format!("committed {} and pushed to {branch}", commit.short()));
                self.line(&format!("     {dim}proof      {proof}{dim:#}"));
            }
            Event::FixReverted { summary, reason } => {
                self.mark(Glyph::Note, &format!("taken back: {summary} ({reason})"));
            }
            Event::Rollback { to, commit } => {
                let commit = commit.as_ref().map_or("an image", |commit| commit.short());
                self.mark(Glyph::Busy, &format!("rollback       to {to} of {commit}"));
            }
            Event::Verify { status, latency_ms, ok, url } => {
                let glyph = if *ok { Glyph::Good } else { Glyph::Note };
                let status = status.map_or("no answer".to_owned(), |status| status.to_string());
                if !self.surroundings.quiet {
                    self.mark(glyph, &format!("GET {url} {status} in {latency_ms} ms"));
                }
            }
            Event::LearnUpdated { summary } => self.line(&format!("     {dim}learned    {summary}{dim:#}")),
            Event::Warning { message, hint } => {
                self.mark(Glyph::Note, message);
                if !hint.is_empty() {
                    self.line(&format!("     {dim}{hint}{dim:#}"));
                }
            }
            Event::Error { message, cause, hint } => {
                self.rest();
                print_error(message, cause, hint);
            }
            Event::SessionEnd { .. } => self.end(event),
            _ => {}
        }
    }

    fn diff(&self, diff: &str) {
        for line in diff.lines().take(60) {
            let colour = match line.as_bytes().first() {
                Some(b'+') => Some(AnsiColor::Green.into()),
                Some(b'-') => Some(AnsiColor::Red.into()),
                Some(b'@') => Some(AnsiColor::Cyan.into()),
                _ => None,
            };
            let style = Style::new().fg_color(colour);
            self.line(&format!("    {style}{line}{style:#}"));
        }
    }

    fn end(&mut self, event: &Event) {
        let Event::SessionEnd { outcome, duration_ms, fixes, url, summary, next, report, exit_code, deploys } = event
        else {
            return;
        };
        self.rest();
        let dim = Style::new().dimmed();
        let bold = Style::new().bold();
        let dry_run = outcome.starts_with("would");
        let glyph = match exit_code {
            _ if dry_run => Glyph::Note,
            0 => Glyph::Good,
            _ => Glyph::Bad,
        };
        let took = duration::show(*duration_ms);
        // What an error says has been said.
        if *outcome != "error" {
            self.line("");
            self.mark(glyph, &format!("{bold}{summary}{bold:#}  {dim}{outcome}, {took}{dim:#}"));
        }
        for fix in fixes {
            self.line(&format!("     fixed: {fix}"));
        }
        let status = match (dry_run, exit_code) {
            (true, _) => "nothing was changed",
            (false, 0) => "healthy",
            _ => "not healthy",
        };
        // A run that never began has no session.
        if report.is_none() {
            return;
        }
        self.line(&format!("     {dim}session: {}  status: {status}  deploys: {deploys}{dim:#}", self.session));
        if matches!(*outcome, "gave_up" | "needs_person") {
            self.line(&format!("     {bold}manual review needed{bold:#}"));
        }
        for (number, step) in next.iter().enumerate().filter(|_| *outcome != "error") {
            self.line(&format!("     {}. {step}", number + 1));
        }
        if let Some(report) = report {
            self.line(&format!("     {dim}report: {report}{dim:#}"));
        }
        if let Some(url) = url.as_ref().filter(|_| *exit_code == 0) {
            let _ = writeln!(std::io::stdout().lock(), "{url}");
        }
    }
}

/// Whether a person is there who can be asked.
pub fn may_ask(global: &Global) -> bool {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    terminal && !global.no_input && !global.json
}

/// Prints an error that ends the program before or beside a run, and says with which code it ends.
pub fn fail(error: &anyhow::Error, json: bool) -> Exit {
    let exit = Exit::of_error(error);
    let (message, cause, hint) = parts(error);
    if json {
        let line = json!({"v": 1, "type": "error", "message": message, "cause": cause, "hint": hint, "exit_code": exit.code()});
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
    print_error(&message, &cause, &hint);
    exit
}

/// What failed, why, and the next step.
pub fn parts(error: &anyhow::Error) -> (String, Vec<String>, String) {
    let message = veil::clean(&error.to_string());
    let mut cause: Vec<String> = error.chain().skip(1).map(|cause| veil::clean(&cause.to_string())).collect();
    cause.dedup();
    cause.retain(|cause| !message.contains(cause.as_str()));
    (message, cause, veil::clean(&hint(error)))
}

fn print_error(message: &str, cause: &[String], hint: &str) {
    let error = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let mut out = anstream::stderr().lock();
    let mut text = format!("{error}error{error:#}: {message}");
    text.extend(cause.iter().map(|cause| format!("\ncause: {cause}")));
    if !hint.is_empty() {
        text.push_str(&format!("\nhint:  {hint}"));
    }
    let _ = writeln!(out, "{}", veil::printed(&text));
}

/// Lines for a person, on stdout.
pub fn answer(text: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{}", veil::printed(&veil::clean(text)));
}

/// One document for a program, on stdout.
pub fn answer_json(document: &Value) {
    let _ = writeln!(std::io::stdout().lock(), "{}", veil::printed(&veil::clean_document(document).to_string()));
}

/// What the person is meant to have, key and all: how to reach a sandbox of theirs. Made of nothing foreign.
pub fn hand_over(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line for the person, on stderr.
pub fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", veil::printed(&veil::clean(text)));
}
