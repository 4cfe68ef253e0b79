//! The five members. Each waits for the document it reads, thinks with a pure function, writes its own.

use std::sync::Arc;
use std::time::Duration;

use super::documents::{AnalyzerOutput, FixerOutput, Header, MonitorOutput, OptimizerOutput, Pattern, ValidatorOutput};
use super::{Answer, Assignment, Desk, Proposal, Word};
use crate::choice::{self, Decision, Fix, Topology, Tried};
use crate::diagnosis::{Finding, Policy};
use crate::learning::{LearningState, Setting};
use crate::memory::Document;
use crate::narration::Event;
use crate::observation::Observation;
use crate::operations::{Claim, Proved};
use crate::remedy;
use crate::validation;
use crate::validation::trial::is_resolved;

/// Proposals per assignment before the fixer gives up: far more remedies than any finding has.
const PROPOSALS_MAX: u32 = 12;
/// How often the conductor is told that a proof goes on.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Looks at the deploy and the service.
pub(super) async fn monitor(mut desk: Desk, mut document: Document<MonitorOutput>) -> &'static str {
    while desk.assignments.changed().await.is_ok() {
        let Some(assignment) = desk.assignments.borrow_and_update().clone() else { continue };
        let observation = match (&assignment.observation, &assignment.deploy) {
            (Some(seen), _) => (**seen).clone(),
            (None, Some(deploy)) => desk.operations.observe(deploy).await,
            (None, None) => Observation { facts: desk.operations.facts.clone(), ..Observation::default() },
        };
        let output = MonitorOutput::of(desk.header(&assignment, assignment.seq), observation);
        if let Some(deploy) = &output.deploy {
            let status = output.deploy_status.as_ref().map(ToString::to_string).unwrap_or_default();
            let lines = output.observation.build_log.len() + output.observation.app_log.len();
            desk.tell("monitor", format!("{deploy} is {status}; {lines} log lines"));
        }
        if let Err(error) = document.write(output) {
            desk.fail("monitor", error);
        }
    }
    "monitor"
}

/// Finds out what failed.
pub(super) async fn analyzer(desk: Desk, mut document: Document<AnalyzerOutput>) -> &'static str {
    let mut seen = desk.board.monitor.clone();
    while seen.changed().await.is_ok() {
        let Some(seen) = seen.borrow_and_update().clone() else { continue };
        let Some(assignment) = desk.current(seen.header.seq) else { continue };
        let foreseen = desk.operations.foresee(&assignment.workspace).await;
        let diagnosis = match &assignment.deploy {
            Some(_) => {
                let learning = desk.learning.lock().await.clone();
                let (seen, files) = (&seen.observation, &assignment.workspace);
                desk.operations.examine(seen, files, &learning, assignment.may_try).await
            }
            None => Default::default(),
        };
        let findings = diagnosis.findings;
        let said = match (&assignment.deploy, findings.len()) {
            (None, _) => format!("{} fault(s) in the files", foreseen.findings.len()),
            (Some(_), 0) => "no known failure in the log".into(),
            (Some(_), found) => format!("{found} finding(s), {} fault(s) in the files", foreseen.findings.len()),
        };
        desk.tell("analyzer", said);
        // What was looked at before has been told before.
        if assignment.observation.is_none() {
            let told =
                if assignment.deploy.is_some() { &findings[..findings.len().min(1)] } else { &foreseen.findings };
            told.iter().for_each(|finding| desk.operations.tell_finding(finding));
        }
        let output = AnalyzerOutput {
            header: desk.header(&assignment, seen.header.seq),
            patterns_found: findings.iter().map(pattern).collect(),
            recommendations: findings.iter().filter_map(recommendation).collect(),
            findings,
            foreseen: foreseen.findings,
            open_questions: diagnosis.questions,
        };
        if let Err(error) = document.write(output) {
            desk.fail("analyzer", error);
        }
    }
    "analyzer"
}

fn pattern(finding: &Finding) -> Pattern {
    Pattern { kind: finding.pattern(), details: finding.why.clone(), severity: finding.severity }
}

fn recommendation(finding: &Finding) -> Option<String> {
    match (finding.remedies.first(), finding.policy) {
        (Some(remedy), _) => Some(format!("{}: {}", remedy.title, remedy.why)),
        (None, Policy::Retry) => Some("try the same commit once more".into()),
        (None, _) => crate::diagnosis::catalogue::find(&finding.class).map(|rule| rule.advice.to_owned()),
    }
}

/// Ranks remedies by the record and picks the topology.
pub(super) async fn optimizer(desk: Desk, mut document: Document<OptimizerOutput>) -> &'static str {
    let mut analysed = desk.board.analyzer.clone();
    while analysed.changed().await.is_ok() {
        let Some(analysis) = analysed.borrow_and_update().clone() else { continue };
        let Some(assignment) = desk.current(analysis.header.seq) else { continue };
        let learning = desk.learning.lock().await.clone();
        let setting = Setting::of(&assignment.workspace, &desk.operations.facts.dockerfile_path);
        let now = crate::world::now();
        let mut findings = analysis.findings.clone();
        let mut foreseen = analysis.foreseen.clone();
        findings.iter_mut().chain(&mut foreseen).for_each(|finding| learning.rank(finding, &setting, now));
        let involved: Vec<&Finding> = findings.iter().take(1).chain(&foreseen).collect();
        let topology = assignment.topology.unwrap_or_else(|| Topology::suited_to(&involved));
        let output = OptimizerOutput {
            header: desk.header(&assignment, analysis.header.seq),
            current_topology: topology.name().into(),
            success_rate: learning.success_rate(),
            total_attempts: learning.total_attempts,
            avg_build_time: learning.average_build_s(),
            recommendation: strategy(&learning, assignment.iteration),
            optimization_tips: tips(&assignment, &desk.operations.facts.dockerfile_path),
            findings,
            foreseen,
        };
        desk.tell("optimizer", format!("{} topology; {}", topology.name(), output.recommendation));
        if let Err(error) = document.write(output) {
            desk.fail("optimizer", error);
        }
    }
    "optimizer"
}

/// What the record advises (spec A5: from the third attempt on it has a say).
fn strategy(learning: &LearningState, iteration: u32) -> String {
    match (learning.total_attempts, learning.success_rate()) {
        (0, _) | (_, None) => "no record yet: smallest safe edit first".into(),
        (attempts, Some(rate)) if iteration >= 3 || attempts >= 3 => {
            format!("{:.0} % of {attempts} deploys went live: remedies that helped before come first", rate * 100.0)
        }
        (attempts, Some(_)) => format!("{attempts} deploy(s) on record: smallest safe edit first"),
    }
}

/// What would make builds of this Dockerfile quicker or steadier. Shown, never applied.
fn tips(assignment: &Assignment, dockerfile_path: &str) -> Vec<String> {
    let text = assignment.workspace.text(dockerfile_path).unwrap_or_default();
    let dockerfile = crate::dockerfile::Dockerfile::parse(text);
    let mut tips = Vec::new();
    let instructions = dockerfile.instructions();
    let copies_all = instructions.iter().position(|instruction| {
        instruction.keyword == "COPY"
            && instruction.copy_paths().is_some_and(|(sources, _)| sources.iter().any(|source| source == "."))
    });
    let installs = instructions.iter().position(|instruction| {
        instruction.keyword == "RUN"
            && ["pip install", "npm ci", "npm install", "bundle install", "go mod download"]
                .iter()
                .any(|install| instruction.args.contains(install))
    });
    if let (Some(copy), Some(install)) = (copies_all, installs)
        && copy < install
    {
        tips.push("copy the manifests first and install before `COPY .`: the dependency layer stays cached".into());
    }
    if installs.is_some() && !assignment.workspace.contains(".dockerignore") {
        tips.push("a .dockerignore keeps .git and local files out of the build context".into());
    }
    if instructions.iter().any(|i| i.keyword == "RUN" && i.args.matches("&&").count() > 8) {
        tips.push("split very long RUN chains: a failing step names its cause better".into());
    }
    tips
}

/// Chooses the next remedy, and another one when the validator refuses.
pub(super) async fn fixer(desk: Desk, mut document: Document<FixerOutput>) -> &'static str {
    let mut ranked = desk.board.optimizer.clone();
    let mut judged = desk.board.validator.clone();
    let mut refused: Vec<Tried> = Vec::new();
    let mut attempt = 0;
    loop {
        tokio::select! {
            changed = ranked.changed() => {
                if changed.is_err() { break }
                (refused, attempt) = (Vec::new(), 0);
            }
            changed = judged.changed() => {
                if changed.is_err() { break }
                let verdict = judged.borrow_and_update().clone();
                match verdict {
                    Some(verdict) if !verdict.cleared && desk.current(verdict.header.seq).is_some() => {
                        refused.extend(verdict.refused.iter().filter_map(|(what, _)| {
                            let (failure, remedy) = what.rsplit_once('\u{1f}')?;
                            let (_, mark) = failure.rsplit_once('\u{1f}')?;
                            Some(Tried { mark: mark.into(), remedy: remedy.into() })
                        }));
                        attempt += 1;
                    }
                    _ => continue,
                }
            }
        }
        let Some(ranking) = ranked.borrow_and_update().clone() else { continue };
        let Some(assignment) = desk.current(ranking.header.seq) else { continue };
        let tried: Vec<Tried> = assignment.tried.iter().chain(&refused).cloned().collect();
        let topology = topology_named(&ranking.current_topology);
        let knowledge = desk.operations.knowledge.lock().await.clone();
        let is_tried = assignment.may_try && desk.operations.no_trial(&assignment.workspace).await.is_none();
        let decision = match attempt < PROPOSALS_MAX {
            true => choice::choose(
                &ranking.findings,
                &ranking.foreseen,
                &assignment.workspace,
                &tried,
                topology,
                assignment.focus,
                &|remedy| is_tried || is_resolved(remedy, &knowledge),
            ),
            false => Decision::Exhausted,
        };
        let output = proposal_document(&desk, &assignment, decision, attempt);
        if let Err(error) = document.write(output) {
            desk.fail("fixer", error);
        }
    }
    "fixer"
}

fn topology_named(name: &str) -> Topology {
    if name == Topology::Hierarchical.name() { Topology::Hierarchical } else { Topology::Mesh }
}

fn proposal_document(desk: &Desk, assignment: &Assignment, decision: Decision, attempt: u32) -> FixerOutput {
    let (titles, diff) = match &decision {
        Decision::Fix { fixes } => {
            let mut edits = Vec::new();
            let mut after = (*assignment.workspace).clone();
            for fix in fixes {
                edits.extend(fix.remedy.edits.iter().cloned());
                let before = after;
                after = remedy::apply(&edits, &assignment.workspace).unwrap_or_else(|_| before.clone());
                desk.operations.narrator.tell(Event::FixProposed {
                    class: fix.finding.class.clone(),
                    remedy: fix.remedy.id.clone(),
                    summary: fix.remedy.title.clone(),
                    why: fix.remedy.why.clone(),
                    diff: desk.operations.redactor.redact(&before.diff(&after)),
                });
            }
            let titles = fixes.iter().map(|fix| fix.remedy.title.clone()).collect();
            (titles, assignment.workspace.diff(&after))
        }
        _ => (Vec::new(), String::new()),
    };
    let header = desk.header(assignment, assignment.seq);
    FixerOutput { header, fixes_applied: titles, decision, attempt, diff: desk.operations.redactor.redact(&diff) }
}

/// What was refused on the way to an answer.
#[derive(Debug, Default)]
struct Heard {
    refused: Vec<(String, String)>,
    refuted: Vec<(Finding, String)>,
}

/// Judges what the fixer chose, and hands over what is cleared.
pub(super) async fn validator(desk: Desk, mut document: Document<ValidatorOutput>) -> &'static str {
    let mut chosen = desk.board.fixer.clone();
    let mut heard = Heard::default();
    while chosen.changed().await.is_ok() {
        let Some(choice) = chosen.borrow_and_update().clone() else { continue };
        let Some(assignment) = desk.current(choice.header.seq) else { continue };
        if choice.attempt == 0 {
            heard = Heard::default();
        }
        let Judgement { proposal, document: verdict, refuted } = judge(&desk, &assignment, &choice).await;
        heard.refused.extend(verdict.refused.iter().map(|(what, why)| (class_and_remedy(what), why.clone())));
        heard.refuted.extend(refuted);
        let is_cleared = verdict.cleared;
        if let Err(error) = document.write(verdict) {
            desk.fail("validator", error);
        }
        if is_cleared {
            answer(&desk, &assignment, proposal, std::mem::take(&mut heard));
        }
    }
    "validator"
}

/// Of a refusal as the fixer reads it, which also says for which failure.
fn class_and_remedy(what: &str) -> String {
    let mut parts = what.split('\u{1f}');
    let class = parts.next().unwrap_or_default();
    format!("{class}/{}", parts.next_back().unwrap_or_default())
}

/// What the validator came to.
struct Judgement {
    proposal: Proposal,
    document: ValidatorOutput,
    /// Remedies that a trial has shown to be of no use.
    refuted: Vec<(Finding, String)>,
}

async fn judge(desk: &Desk, assignment: &Assignment, choice: &FixerOutput) -> Judgement {
    let header = desk.header(assignment, choice.header.seq);
    let proposal = match &choice.decision {
        Decision::Fix { fixes } => return prove(desk, assignment, header, fixes).await,
        Decision::Retry { finding } => Proposal::Retry(finding.clone()),
        Decision::Person { finding } => Proposal::Person(finding.clone()),
        Decision::Exhausted => Proposal::Exhausted,
    };
    let checks = validation::dockerfile_checks(&assignment.workspace, &desk.operations.facts);
    let document = ValidatorOutput::of(header, checks, None, vec![]);
    Judgement { proposal, document, refuted: vec![] }
}

/// Judges fixes and has them tried; the conductor is told that this may take longer than thinking does.
async fn prove(desk: &Desk, assignment: &Assignment, header: Header, fixes: &[Fix]) -> Judgement {
    let operations = &desk.operations;
    let claim = Claim {
        fixes: fixes.to_vec(),
        commit: assignment.commit.clone(),
        base: assignment.workspace.clone(),
        tried: assignment.tried.clone(),
        learning: desk.learning.lock().await.clone(),
        may_try: assignment.may_try,
    };
    let mut beat = tokio::time::interval(HEARTBEAT);
    let proving = operations.prove(&claim);
    tokio::pin!(proving);
    let outcome = loop {
        tokio::select! {
            outcome = &mut proving => break outcome,
            _ = beat.tick() => {
                let _ = desk.answers.send(Ok(Word::Busy { limit: operations.trials.limit() }));
            }
        }
    };
    let refuted = outcome.refuted;
    match outcome.result {
        Ok(Proved { fixes, after, checks, proof }) => {
            let passed = checks.iter().filter(|check| check.passed).count();
            desk.tell("validator", format!("{passed} of {} checks passed; {proof}", checks.len()));
            let document = ValidatorOutput::of(header, checks, Some(proof.clone()), vec![]);
            Judgement { proposal: Proposal::Release { fixes, after: Box::new(after), proof }, document, refuted }
        }
        Err(reason) => {
            let checks = validation::dockerfile_checks(&assignment.workspace, &operations.facts);
            let mut refused = Vec::new();
            if let Some(Fix { finding, remedy }) = fixes.first() {
                let (class, remedy_id) = (finding.class.clone(), remedy.id.clone());
                operations.narrator.tell(Event::FixRejected { class, remedy: remedy_id, reason: reason.clone() });
                refused.push((format!("{}\u{1f}{}\u{1f}{}", finding.class, finding.mark(), remedy.id), reason));
            }
            let document = ValidatorOutput::of(header, checks, None, refused);
            Judgement { proposal: Proposal::Exhausted, document, refuted }
        }
    }
}

fn answer(desk: &Desk, assignment: &Assignment, proposal: Proposal, heard: Heard) {
    let ranking = desk.board.optimizer.borrow().clone().filter(|ranking| ranking.header.seq == assignment.seq);
    let seen = desk.board.monitor.borrow().clone().filter(|seen| seen.header.seq == assignment.seq);
    let answer = Answer {
        proposal,
        findings: ranking.as_ref().map(|ranking| ranking.findings.clone()).unwrap_or_default(),
        foreseen: ranking.as_ref().map(|ranking| ranking.foreseen.clone()).unwrap_or_default(),
        observation: Arc::new(seen.map(|seen| seen.observation.clone()).unwrap_or_default()),
        topology: ranking.map_or(Topology::Mesh, |ranking| topology_named(&ranking.current_topology)),
        refused: heard.refused,
        refuted: heard.refuted,
    };
    let _ = desk.answers.send(Ok(Word::Answer { seq: assignment.seq, answer: Box::new(answer) }));
}
