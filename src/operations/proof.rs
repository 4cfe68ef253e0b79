//! Proofs: chosen fixes are judged, tried, and what stands behind them is peeled, before one push takes all of them out.

use std::sync::Arc;

use super::Operations;
use crate::choice::{Fix, Tried, is_certain, next_remedy};
use crate::counsel;
use crate::diagnosis::{Finding, Stage};
use crate::knowledge::Knowledge;
use crate::learning::{LearningState, Setting};
use crate::narration::Event;
use crate::remedy::Remedy;
use crate::service::Commit;
use crate::validation::trial::{Ruling, TrialEnd, TrialReport, is_resolved, is_same, weigh};
use crate::validation::{Check, Cleared, Proof, Rung, Verdict, dockerfile_checks, judge};
use crate::workspace::Workspace;

/// Trials per proposal. Three faults that hide each other take four; a service with more is better looked at on the platform.
const TRIALS_MAX: u32 = 8;

/// What is to be proved.
pub struct Claim {
    /// The primary fix first.
    pub fixes: Vec<Fix>,
    /// The commit whose files `base` are, but for a fix that is taken back.
    pub commit: Commit,
    pub base: Arc<Workspace>,
    pub tried: Vec<Tried>,
    /// Orders the remedies of what a trial finds.
    pub learning: LearningState,
    /// A dry run builds nothing.
    pub may_try: bool,
}

/// Fixes that may be released together.
#[derive(Debug)]
pub struct Proved {
    pub fixes: Vec<(Cleared<Remedy>, Finding)>,
    pub after: Workspace,
    pub checks: Vec<Check>,
    pub proof: Proof,
}

/// What a proof came to.
#[derive(Debug)]
pub struct Outcome {
    /// `Err`: the primary fix is refused; why.
    pub result: Result<Proved, String>,
    /// Remedies that a trial has shown to be of no use here.
    pub refuted: Vec<(Finding, String)>,
}

/// Fixes put on top of each other.
struct Stack {
    fixes: Vec<Fix>,
    cleared: Vec<(Cleared<Remedy>, Finding)>,
    after: Workspace,
    rung: Rung,
}

/// A proof in progress.
struct Bench<'a> {
    operations: &'a Operations,
    claim: &'a Claim,
    /// What is shipped.
    head: Workspace,
    knowledge: Knowledge,
    refuted: Vec<(Finding, String)>,
    /// Faults that only a trial has shown.
    peeled: Vec<Finding>,
}

impl Operations {
    /// Judges the fixes, tries them where something can build, and mends what stands behind them.
    pub async fn prove(&self, claim: &Claim) -> Outcome {
        let head = match self.workspace(&claim.commit) {
            Ok(head) => head,
            Err(error) => return Outcome { result: Err(format!("{error:#}")), refuted: vec![] },
        };
        let knowledge = self.knowledge.lock().await.clone();
        let mut bench = Bench { operations: self, claim, head, knowledge, refuted: vec![], peeled: vec![] };
        let result = bench.prove().await;
        Outcome { result, refuted: bench.refuted }
    }
}

impl Bench<'_> {
    async fn prove(&mut self) -> Result<Proved, String> {
        let stack = self.stack(self.claim.fixes.clone())?;
        let no_trial = match self.claim.may_try {
            false => Some("a dry run builds nothing".to_owned()),
            true => self.operations.no_trial(&stack.after).await,
        };
        match no_trial {
            Some(why) => self.without_trial(stack, None, stack_rung, why),
            None => self.with_trials(stack).await,
        }
    }

    /// Only what is beyond doubt goes out beside the primary fix.
    fn without_trial(
        &self,
        stack: Stack,
        by: Option<String>,
        rung: impl Fn(&Stack) -> Rung,
        why: String,
    ) -> Result<Proved, String> {
        if self.operations.trials.are_required() && self.claim.may_try {
            return Err(format!("a trial is required, and there is no proof: {why}"));
        }
        let sure = |(place, fix): (usize, Fix)| {
            let is_peel = self.peeled.iter().any(|peeled| is_same(peeled, &fix.finding));
            let stays = place == 0
                || is_peel
                || is_certain(&fix.finding, &fix.remedy)
                || is_resolved(&fix.remedy, &self.knowledge);
            if !stays {
                self.reject(&fix.finding, &fix.remedy.id, "it is not proved here, and waits until it is met".into());
            }
            stays.then_some(fix)
        };
        let kept: Vec<Fix> = stack.fixes.iter().cloned().enumerate().filter_map(sure).collect();
        let stack = if kept.len() == stack.fixes.len() { stack } else { self.stack(kept)? };
        let proof = Proof { rung: rung(&stack), by, open: why };
        let advised = stack.fixes.iter().filter(|fix| counsel::needs_trial(&fix.finding));
        if let Some(fix) = advised.into_iter().find(|fix| !is_past(&proof, fix)) {
            let by = fix.finding.advised_by.as_deref().unwrap_or_default();
            return Err(format!("{by} proposed it, and no trial has proved it: {}", proof.open));
        }
        Ok(self.proved(stack, proof))
    }

    async fn with_trials(&mut self, mut stack: Stack) -> Result<Proved, String> {
        for _ in 0..TRIALS_MAX {
            let report = self.operations.try_out(&self.claim.commit, &stack.after).await;
            let findings = self.findings(&report, &stack.after).await;
            let ruling =
                weigh(&report, &findings, &stack.fixes, &self.claim.base, &stack.after, &self.operations.facts);
            match ruling {
                Ruling::Proved => {
                    let proof = Proof { rung: Rung::Start, by: Some(report.by), open: String::new() };
                    return Ok(self.proved(stack, proof));
                }
                Ruling::Unproved { why } => return self.unproved(stack, &report, &findings, why),
                Ruling::Refuted { fix, why } => stack = self.without(stack, fix, why)?,
                Ruling::Another(finding) => match self.mend(&stack, *finding.clone()) {
                    Some(taller) => stack = taller,
                    None => {
                        let why = format!("behind it stands: {}", finding.why);
                        return self.unproved(stack, &report, &findings, why);
                    }
                },
            }
        }
        self.without_trial(stack, None, stack_rung, format!("{TRIALS_MAX} trials did not come to an end"))
    }

    async fn findings(&self, report: &TrialReport, after: &Workspace) -> Vec<Finding> {
        let TrialEnd::Failed { observation, .. } = &report.end else { return vec![] };
        let mut findings = self.operations.examine(observation, after, &self.claim.learning, false).await.findings;
        let setting = Setting::of(after, &self.operations.facts.dockerfile_path);
        let now = crate::world::now();
        findings.iter_mut().for_each(|finding| self.claim.learning.rank(finding, &setting, now));
        findings
    }

    /// The trial ended without a verdict: what it got past is still proved.
    fn unproved(
        &self,
        stack: Stack,
        report: &TrialReport,
        findings: &[Finding],
        why: String,
    ) -> Result<Proved, String> {
        let met = self.claim.fixes.first().filter(|fix| fix.finding.line.is_some()).map(|fix| fix.finding.stage);
        let reached = match &report.end {
            TrialEnd::Failed { built: true, .. } | TrialEnd::TimedOut { built: true } | TrialEnd::Healthy => {
                Some(Rung::FullBuild)
            }
            TrialEnd::Failed { built: false, .. } => {
                let past = findings.first().zip(met).is_some_and(|(first, met)| first.stage > met);
                past.then_some(Rung::StageBuild)
            }
            TrialEnd::TimedOut { built: false } | TrialEnd::Unable { .. } => None,
        };
        let by = reached.is_some().then(|| report.by.clone());
        self.without_trial(stack, by, move |stack| reached.unwrap_or_else(|| stack_rung(stack)), why)
    }

    /// The stack without a fix that a trial has refuted; another remedy of the same fault takes its place where there is one.
    fn without(&mut self, stack: Stack, fix: usize, why: String) -> Result<Stack, String> {
        let Fix { finding, remedy } = stack.fixes[fix].clone();
        self.refuted.push((finding.clone(), remedy.id.clone()));
        if fix == 0 {
            return Err(why);
        }
        self.reject(&finding, &remedy.id, why);
        let rest = stack.fixes.into_iter().enumerate().filter(|(place, _)| *place != fix).map(|(_, fix)| fix);
        let stack = self.stack(rest.collect())?;
        if !self.peeled.iter().any(|peeled| is_same(peeled, &finding)) {
            return Ok(stack);
        }
        Ok(self.mend(&stack, finding).unwrap_or(stack))
    }

    /// The stack with a remedy for `finding` on top.
    fn mend(&mut self, stack: &Stack, finding: Finding) -> Option<Stack> {
        let mut tried = self.claim.tried.clone();
        tried.extend(self.refuted.iter().map(|(finding, remedy)| tried_of(finding, remedy)));
        while let Some(remedy) = next_remedy(&finding, &tried).cloned() {
            let fixes = stack.fixes.iter().cloned().chain([Fix { finding: finding.clone(), remedy: remedy.clone() }]);
            match self.on_top(stack, fixes.collect()) {
                Ok(taller) => {
                    self.operations.tell_finding(&finding);
                    self.operations.narrator.tell(Event::FixProposed {
                        class: finding.class.clone(),
                        remedy: remedy.id.clone(),
                        summary: remedy.title.clone(),
                        why: remedy.why.clone(),
                        diff: self.operations.redactor.redact(&stack.after.diff(&taller.after)),
                    });
                    self.peeled.push(finding);
                    return Some(taller);
                }
                Err(why) => {
                    self.reject(&finding, &remedy.id, why);
                    tried.push(tried_of(&finding, &remedy.id));
                }
            }
        }
        None
    }

    fn on_top(&self, stack: &Stack, fixes: Vec<Fix>) -> Result<Stack, String> {
        let Some(fix) = fixes.last() else { return Err("nothing to put on top".into()) };
        let (verdict, passed) = judge(&fix.remedy, &fix.finding, &stack.after, &self.operations.facts, &self.knowledge);
        let (remedy, after) = passed.ok_or_else(|| verdict.refused.join("; "))?;
        self.refuse_shipped(&after)?;
        let mut cleared = stack.cleared.clone();
        cleared.push((remedy, fix.finding.clone()));
        Ok(Stack { cleared, after, rung: verdict.rung, fixes })
    }

    /// Judges fix after fix, each on top of those before. Without the primary fix the others are no answer; a companion that
    /// is refused is left out.
    fn stack(&self, fixes: Vec<Fix>) -> Result<Stack, String> {
        let mut after = (*self.claim.base).clone();
        let (mut kept, mut cleared) = (Vec::new(), Vec::new());
        let mut rung = Rung::Parse;
        for (place, fix) in fixes.into_iter().enumerate() {
            let (verdict, passed) = judge(&fix.remedy, &fix.finding, &after, &self.operations.facts, &self.knowledge);
            let Verdict { rung: reached, refused, .. } = verdict;
            match passed {
                Some((remedy, mended)) => {
                    (rung, after) = (reached, mended);
                    cleared.push((remedy, fix.finding.clone()));
                    kept.push(fix);
                }
                None if place == 0 => return Err(refused.join("; ")),
                None => self.reject(&fix.finding, &fix.remedy.id, refused.join("; ")),
            }
        }
        self.refuse_shipped(&after)?;
        if rung == Rung::Context && kept.first().is_some_and(|fix| is_resolved(&fix.remedy, &self.knowledge)) {
            rung = Rung::Resolver;
        }
        Ok(Stack { fixes: kept, cleared, after, rung })
    }

    /// Refuses what is shipped already: after a fix is taken back, another one may come to the same files.
    fn refuse_shipped(&self, after: &Workspace) -> Result<(), String> {
        match *after == self.head {
            true => Err("it makes of the files what is shipped already, and that did not help".into()),
            false => Ok(()),
        }
    }

    fn reject(&self, finding: &Finding, remedy: &str, reason: String) {
        let (class, remedy) = (finding.class.clone(), remedy.to_owned());
        self.operations.narrator.tell(Event::FixRejected { class, remedy, reason });
    }

    fn proved(&self, stack: Stack, proof: Proof) -> Proved {
        let checks = dockerfile_checks(&stack.after, &self.operations.facts);
        Proved { fixes: stack.cleared, after: stack.after, checks, proof }
    }
}

/// Whether a trial has got past the failure that `fix` is for.
fn is_past(proof: &Proof, fix: &Fix) -> bool {
    let wanted = if fix.finding.stage <= Stage::AppBuild { Rung::FullBuild } else { Rung::Start };
    proof.by.is_some() && proof.rung >= wanted
}

fn stack_rung(stack: &Stack) -> Rung {
    stack.rung
}

fn tried_of(finding: &Finding, remedy: &str) -> Tried {
    Tried { mark: finding.mark(), remedy: remedy.to_owned() }
}
