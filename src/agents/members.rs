//! The five members. Each waits for the document it reads, thinks with a pure function, writes its own.

use std::sync::Arc;

use super::documents::{AnalyzerOutput, FixerOutput, MonitorOutput, OptimizerOutput, Pattern, ValidatorOutput};
use super::{Answer, Assignment, Desk, Proposal};
use crate::choice::{self, Decision, Fix, Topology, Tried};
use crate::diagnosis::{Finding, Policy};
use crate::learning::LearningState;
use crate::memory::Document;
use crate::narration::Event;
use crate::observation::Observation;
use crate::remedy;
use crate::validation::{self, Rung};

/// Proposals per assignment before the fixer gives up: far more remedies than any finding has.
const PROPOSALS_MAX: u32 = 12;

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
            Some(_) => desk.operations.diagnose(&seen.observation, &assignment.workspace).await,
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
        let mut findings = analysis.findings.clone();
        let mut foreseen = analysis.foreseen.clone();
        findings.iter_mut().chain(&mut foreseen).for_each(|finding| learning.rank(finding));
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
        let decision = match attempt < PROPOSALS_MAX {
            true => choice::choose(
                &ranking.findings,
                &ranking.foreseen,
                &assignment.workspace,
                &tried,
                topology,
                assignment.focus,
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
            let edits: Vec<_> = fixes.iter().flat_map(|fix| fix.remedy.edits.clone()).collect();
            let after = remedy::apply(&edits, &assignment.workspace);
            let diff = after.map(|after| assignment.workspace.diff(&after)).unwrap_or_default();
            for fix in fixes {
                desk.operations.narrator.tell(Event::FixProposed {
                    class: fix.finding.class.clone(),
                    remedy: fix.remedy.id.clone(),
                    summary: fix.remedy.title.clone(),
                    why: fix.remedy.why.clone(),
                    diff: desk.operations.redactor.redact(&diff),
                });
            }
            (fixes.iter().map(|fix| fix.remedy.title.clone()).collect(), diff)
        }
        _ => (Vec::new(), String::new()),
    };
    let header = desk.header(assignment, assignment.seq);
    FixerOutput { header, fixes_applied: titles, decision, attempt, diff: desk.operations.redactor.redact(&diff) }
}

/// Judges what the fixer chose, and hands over what is cleared.
pub(super) async fn validator(desk: Desk, mut document: Document<ValidatorOutput>) -> &'static str {
    let mut chosen = desk.board.fixer.clone();
    let mut all_refused: Vec<(String, String)> = Vec::new();
    while chosen.changed().await.is_ok() {
        let Some(choice) = chosen.borrow_and_update().clone() else { continue };
        let Some(assignment) = desk.current(choice.header.seq) else { continue };
        if choice.attempt == 0 {
            all_refused.clear();
        }
        let (proposal, verdict) = judge(&desk, &assignment, &choice).await;
        all_refused.extend(verdict.refused.iter().map(|(what, why)| (class_and_remedy(what), why.clone())));
        let refused_now = !verdict.cleared;
        if let Err(error) = document.write(verdict) {
            desk.fail("validator", error);
        }
        if !refused_now && let Some(proposal) = proposal {
            answer(&desk, &assignment, proposal, all_refused.clone());
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

async fn judge(desk: &Desk, assignment: &Assignment, choice: &FixerOutput) -> (Option<Proposal>, ValidatorOutput) {
    let facts = &desk.operations.facts;
    let header = desk.header(assignment, choice.header.seq);
    let proposal = match &choice.decision {
        Decision::Fix { fixes } => {
            let knowledge = desk.operations.knowledge.lock().await.clone();
            let mut workspace = (*assignment.workspace).clone();
            let mut cleared = Vec::new();
            let mut refused = Vec::new();
            let mut rung = Rung::Parse;
            for (place, fix) in fixes.iter().enumerate() {
                let (verdict, passed) = validation::judge(&fix.remedy, &fix.finding, &workspace, facts, &knowledge);
                match passed {
                    Some((remedy, after)) => {
                        rung = verdict.rung;
                        workspace = after;
                        cleared.push((remedy, fix.finding.clone()));
                    }
                    None => {
                        let reason = verdict.refused.join("; ");
                        desk.operations.narrator.tell(Event::FixRejected {
                            class: fix.finding.class.clone(),
                            remedy: fix.remedy.id.clone(),
                            reason: reason.clone(),
                        });
                        // Without the primary fix the others are no answer; a companion is simply left out.
                        if place == 0 {
                            let Fix { finding, remedy } = fix;
                            refused.push((
                                format!("{}\u{1f}{}\u{1f}{}", finding.class, finding.mark(), remedy.id),
                                reason,
                            ));
                            break;
                        }
                    }
                }
            }
            let checks = validation::dockerfile_checks(&workspace, facts);
            let passed = checks.iter().filter(|check| check.passed).count();
            desk.tell("validator", format!("{passed} of {} checks passed", checks.len()));
            let after = Box::new(workspace);
            let output = ValidatorOutput::of(header, checks, rung, refused);
            return (Some(Proposal::Release { fixes: cleared, after }), output);
        }
        Decision::Retry { finding } => Proposal::Retry(finding.clone()),
        Decision::Person { finding } => Proposal::Person(finding.clone()),
        Decision::Exhausted => Proposal::Exhausted,
    };
    let checks = validation::dockerfile_checks(&assignment.workspace, facts);
    (Some(proposal), ValidatorOutput::of(header, checks, Rung::Parse, vec![]))
}

fn answer(desk: &Desk, assignment: &Assignment, proposal: Proposal, refused: Vec<(String, String)>) {
    let ranking = desk.board.optimizer.borrow().clone().filter(|ranking| ranking.header.seq == assignment.seq);
    let seen = desk.board.monitor.borrow().clone().filter(|seen| seen.header.seq == assignment.seq);
    let answer = Answer {
        proposal,
        findings: ranking.as_ref().map(|ranking| ranking.findings.clone()).unwrap_or_default(),
        foreseen: ranking.as_ref().map(|ranking| ranking.foreseen.clone()).unwrap_or_default(),
        observation: Arc::new(seen.map(|seen| seen.observation.clone()).unwrap_or_default()),
        topology: ranking.map_or(Topology::Mesh, |ranking| topology_named(&ranking.current_topology)),
        refused,
    };
    let _ = desk.answers.send(Ok((assignment.seq, answer)));
}
