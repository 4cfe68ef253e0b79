//! What a run tells while it goes on: typed events for whoever listens (screen, NDJSON, session log).
//!
//! Events are data for programs and people alike; no event carries a secret, for its texts are redacted before they get here.

use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::diagnosis::{Policy, Severity, Stage};
use crate::service::{Commit, DeployId, DeployStatus};

/// One thing that happened. `type` on the wire is the variant's name in the words of `ux.md` §5.5.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "session.start")]
    SessionStart {
        tool: &'static str,
        command: &'static str,
        max_iterations: u32,
        sandbox: bool,
        /// Of a run that is taken up: what it had done.
        #[serde(skip_serializing_if = "Option::is_none")]
        resumed: Option<String>,
    },
    /// What the run is about, once it is known.
    #[serde(rename = "session.target")]
    Target { service: String, service_id: String, branch: String, commit: Commit, url: Option<String> },
    #[serde(rename = "phase.start")]
    PhaseStart { phase: &'static str },
    #[serde(rename = "phase.end")]
    PhaseEnd { phase: &'static str, ok: bool, summary: String, duration_ms: u64 },
    #[serde(rename = "agent")]
    Agent { agent: &'static str, did: String },
    #[serde(rename = "deploy.created")]
    DeployCreated { iteration: u32, deploy_id: DeployId, commit: Option<Commit>, trigger: Option<String> },
    #[serde(rename = "deploy.status")]
    DeployStatus { iteration: u32, deploy_id: DeployId, to: DeployStatus },
    #[serde(rename = "log")]
    Log { deploy_id: DeployId, text: String },
    #[serde(rename = "deploy.ended")]
    DeployEnded { iteration: u32, deploy_id: DeployId, status: DeployStatus, duration_ms: u64 },
    #[serde(rename = "finding")]
    Finding {
        class: String,
        stage: Stage,
        severity: Severity,
        policy: Policy,
        subject: String,
        message: String,
        confidence: f32,
        line: Option<usize>,
        evidence: Vec<String>,
        path: Option<String>,
        path_line: Option<usize>,
        fingerprint: String,
    },
    #[serde(rename = "fix.proposed")]
    FixProposed { class: String, remedy: String, summary: String, why: String, diff: String },
    #[serde(rename = "fix.rejected")]
    FixRejected { class: String, remedy: String, reason: String },
    /// The mended files are being built and started on this machine.
    #[serde(rename = "trial.start")]
    TrialStart { by: String },
    /// `passed`, `failed`, `timed_out`, or `unable` when it says nothing.
    #[serde(rename = "trial.end")]
    TrialEnd { result: &'static str, detail: String, duration_ms: u64 },
    #[serde(rename = "fix.applied")]
    FixApplied { summary: String, commit: Commit, branch: String, proof: String },
    #[serde(rename = "fix.reverted")]
    FixReverted { summary: String, reason: String },
    #[serde(rename = "rollback")]
    Rollback { to: DeployId, commit: Option<Commit> },
    #[serde(rename = "verify")]
    Verify { url: String, status: Option<u16>, latency_ms: u64, ok: bool },
    #[serde(rename = "learn.updated")]
    LearnUpdated { summary: String },
    #[serde(rename = "warning")]
    Warning { message: String, hint: String },
    #[serde(rename = "error")]
    Error { message: String, cause: Vec<String>, hint: String },
    #[serde(rename = "session.end")]
    SessionEnd {
        outcome: &'static str,
        exit_code: u8,
        duration_ms: u64,
        deploys: u32,
        fixes: Vec<String>,
        url: Option<String>,
        summary: String,
        next: Vec<String>,
        report: Option<String>,
    },
}

impl Event {
    /// The event with every foreign text in it passed through `clean`; ids, statuses and numbers of ours stay.
    #[must_use]
    pub fn cleaned(mut self, clean: &dyn Fn(&str) -> String) -> Self {
        let one = |text: &mut String| *text = clean(text);
        let all = |texts: &mut Vec<String>| texts.iter_mut().for_each(|text| *text = clean(text));
        let maybe = |text: &mut Option<String>| text.iter_mut().for_each(|text| *text = clean(text));
        match &mut self {
            Self::SessionStart { .. }
            | Self::Rollback { .. }
            | Self::PhaseStart { .. }
            | Self::DeployStatus { .. }
            | Self::DeployEnded { .. } => {}
            Self::Target { service, service_id, branch, url, .. } => {
                [service, service_id, branch].into_iter().for_each(one);
                maybe(url);
            }
            Self::PhaseEnd { summary, .. } | Self::LearnUpdated { summary } => one(summary),
            Self::Agent { did, .. } => one(did),
            Self::DeployCreated { trigger, .. } => maybe(trigger),
            Self::Log { text, .. } => one(text),
            Self::Finding { class, subject, message, evidence, path, fingerprint, .. } => {
                [class, subject, message, fingerprint].into_iter().for_each(one);
                all(evidence);
                maybe(path);
            }
            Self::FixProposed { class, remedy, summary, why, diff } => {
                [class, remedy, summary, why, diff].into_iter().for_each(one);
            }
            Self::FixRejected { class, remedy, reason } => [class, remedy, reason].into_iter().for_each(one),
            Self::TrialStart { by } => one(by),
            Self::TrialEnd { detail, .. } => one(detail),
            Self::FixApplied { summary, branch, proof, .. } => [summary, branch, proof].into_iter().for_each(one),
            Self::FixReverted { summary, reason } => [summary, reason].into_iter().for_each(one),
            Self::Verify { url, .. } => one(url),
            Self::Warning { message, hint } => [message, hint].into_iter().for_each(one),
            Self::Error { message, cause, hint } => {
                [message, hint].into_iter().for_each(one);
                all(cause);
            }
            Self::SessionEnd { fixes, url, summary, next, report, .. } => {
                [fixes, next].into_iter().for_each(all);
                one(summary);
                [url, report].into_iter().for_each(maybe);
            }
        }
        self
    }
}

/// Where events go. Telling never fails and never waits: a run does not depend on being watched.
#[derive(Debug, Clone)]
pub struct Narrator {
    listener: UnboundedSender<Event>,
}

impl Narrator {
    /// A narrator and what its listener reads.
    pub fn new() -> (Self, UnboundedReceiver<Event>) {
        let (listener, events) = unbounded_channel();
        (Self { listener }, events)
    }

    pub fn tell(&self, event: Event) {
        let _ = self.listener.send(event);
    }

    pub fn warn(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.tell(Event::Warning { message: message.into(), hint: hint.into() });
    }
}
