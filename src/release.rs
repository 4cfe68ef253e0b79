//! Release: from a cleared remedy to the steps that bring it to the platform, and the words of its commit. Pure.

use crate::diagnosis::Finding;
use crate::observation::redaction::Redactor;
use crate::remedy::Remedy;
use crate::service::{AutoDeploy, Commit};
use crate::validation::{Cleared, Proof};

mod words;

use words::quoted;

/// One effect of a release, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the commit on top of `parent`. Undone by forgetting it: no ref points to it yet.
    Commit { parent: Commit, message: String },
    /// Push it, never forced. Undone by a revert commit.
    Push { remote: String, branch: String },
    /// Wait for the deploy that the push starts.
    AdoptAutoDeploy,
    /// Ask for the deploy: the platform will not start one by itself.
    TriggerDeploy,
}

/// Where a release goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub remote: String,
    pub branch: String,
    pub auto_deploy: AutoDeploy,
    pub session: String,
}

/// What is to be done with a remedy that may be released. One trigger per commit: push *or* API, never both.
pub fn plan(
    remedies: &[(Cleared<Remedy>, Finding)],
    proof: &Proof,
    onto: &Commit,
    target: &Target,
    redactor: &Redactor,
) -> Vec<Step> {
    let message = redactor.redact(&commit_message(remedies, proof, &target.session));
    vec![
        Step::Commit { parent: onto.clone(), message },
        Step::Push { remote: target.remote.clone(), branch: target.branch.clone() },
        trigger(target.auto_deploy),
    ]
}

/// How a pushed commit becomes a deploy.
fn trigger(auto_deploy: AutoDeploy) -> Step {
    match auto_deploy {
        // With checks it only takes longer. Asking for a deploy as well would bypass them, or deploy twice.
        AutoDeploy::Commit | AutoDeploy::ChecksPass => Step::AdoptAutoDeploy,
        AutoDeploy::Off => Step::TriggerDeploy,
    }
}

/// Subject: the change. Body: what failed, the evidence, the change, why, how far it was proved. Trailers: session and class.
pub fn commit_message(remedies: &[(Cleared<Remedy>, Finding)], proof: &Proof, session: &str) -> String {
    let mut subject = remedies.iter().map(|(remedy, _)| quoted(&remedy.get().title)).collect::<Vec<_>>().join("; ");
    if subject.chars().count() > 72 {
        subject = subject.chars().take(71).collect::<String>() + "…";
    }
    let mut message = format!("{subject}\n");
    for (remedy, finding) in remedies {
        let remedy = remedy.get();
        message.push_str(&format!("\nWhat failed: {} ({}).\n", quoted(&finding.why), finding.stage));
        if let (Some(evidence), Some(line)) = (finding.evidence.first(), finding.line) {
            message.push_str(&format!("Evidence: log line {line}: {}\n", quoted(evidence)));
        }
        let (title, why) = (quoted(&remedy.title), quoted(&remedy.why));
        message.push_str(&format!("Change: {title}.\nWhy: {}.\n", why.trim_end_matches('.')));
    }
    message.push_str(&format!("\nProved: {}.\n\nDomain-Runner-Session: {session}\n", quoted(&proof.to_string())));
    for (remedy, finding) in remedies {
        message.push_str(&format!("Domain-Runner-Class: {}/{}\n", finding.class, remedy.get().id));
    }
    message
}

/// The message of the commit that takes a useless fix back. What it restores has failed before: it asks for no deploy.
pub fn revert_message(commit: &Commit, title: &str, session: &str) -> String {
    format!(
        "Take back: {}\n\nThe same failure came back with it, so it did not help.\nThis reverts commit {commit}.\n\n[skip render]\n\nDomain-Runner-Session: {session}\n",
        quoted(title)
    )
}
