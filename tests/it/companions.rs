//! Which remedies go out together: those of faults that have nothing to do with each other, when each is beyond doubt.

use domain_runner::choice::{Decision, Topology, choose};
use domain_runner::diagnosis::{Finding, Policy, Severity, Stage};
use domain_runner::remedy::{Applicability, Edit, Remedy};
use domain_runner::workspace::Workspace;

const DOCKERFILE: &str = "FROM python:3.12-slim\nBROKEN LINE\nCOPY start.sh .\nCMD [\"./start.sh\"]\n";

fn files() -> Workspace {
    Workspace::of(&[("Dockerfile", DOCKERFILE), ("start.sh", "#!/bin/sh\r\n"), ("requirements.txt", "a\nb\n")])
}

/// A finding at line `line` of the log whose remedy is `edit`.
fn finding(class: &str, line: Option<usize>, applicability: Applicability, edit: Edit) -> Finding {
    let remedy = Remedy { id: "r".into(), title: class.into(), why: "w".into(), applicability, edits: vec![edit] };
    Finding {
        class: class.into(),
        stage: Stage::AppBuild,
        subject: format!("{class}'s"),
        line,
        place: None,
        severity: Severity::High,
        policy: Policy::Fix,
        confidence: 0.9,
        why: class.into(),
        evidence: vec![format!("{class} says so")],
        remedies: vec![remedy],
        advised_by: None,
    }
}

fn replaced(path: &str, line: usize, new: &str) -> Edit {
    Edit::replace(&files(), path, line, line, &[new]).expect("the line is there")
}

fn chosen(findings: &[Finding], foreseen: &[Finding], topology: Topology, may_join: bool) -> Vec<String> {
    match choose(findings, foreseen, &files(), &[], topology, None, &|_| may_join) {
        Decision::Fix { fixes } => fixes.into_iter().map(|fix| fix.finding.class).collect(),
        decision => panic!("{decision:?}"),
    }
}

/// Three causes on three lines of one log, mended in three places.
fn three() -> [Finding; 3] {
    let line_feeds = Edit::LineFeeds { path: "start.sh".into() };
    [
        finding("df-unknown-instruction", Some(3), Applicability::Rehearse, replaced("Dockerfile", 2, "# gone")),
        finding("df-crlf", Some(7), Applicability::Apply, line_feeds),
        finding("py-package-not-on-index", Some(9), Applicability::Apply, replaced("requirements.txt", 2, "c")),
    ]
}

#[test]
fn three_independent_faults_of_one_log_are_mended_in_one_commit() {
    let wanted = ["df-unknown-instruction", "df-crlf", "py-package-not-on-index"];
    assert_eq!(chosen(&three(), &[], Topology::Mesh, false), wanted);
    assert_eq!(chosen(&three(), &[], Topology::Hierarchical, false), wanted[..1]);
}

#[test]
fn a_second_finding_that_is_doubtful_or_not_its_own_stays_behind() {
    let [first, second, third] = three();
    let alter = |change: &dyn Fn(&mut Finding)| {
        let mut second = second.clone();
        change(&mut second);
        chosen(&[first.clone(), second, third.clone()], &[], Topology::Mesh, true)
    };
    let alone = ["df-unknown-instruction", "py-package-not-on-index"];
    assert_eq!(alter(&|second| second.confidence = 0.6), alone);
    assert_eq!(alter(&|second| second.line = Some(3)), alone, "the same evidence");
    assert_eq!(alter(&|second| second.subject = "df-unknown-instruction's".into()), alone, "about the same thing");
    assert_eq!(alter(&|second| second.remedies[0].applicability = Applicability::Rehearse), alone);
    assert_eq!(
        alter(&|second| second.remedies[0].edits = vec![replaced("Dockerfile", 2, "x")]),
        alone,
        "the same line"
    );
    assert_eq!(alter(&|second| second.class = "st-exit-wrapper".into()), alone, "what every failure prints");
}

#[test]
fn a_foreseen_fault_goes_along_when_a_resolver_or_a_trial_proves_it() {
    let [first, ..] = three();
    let foreseen =
        finding("py-requires-python", None, Applicability::Rehearse, replaced("requirements.txt", 1, "a==1"));
    let both = ["df-unknown-instruction", "py-requires-python"];
    let certain = foreseen.clone();
    let foreseen = [Finding { confidence: 0.8, ..foreseen }];
    assert_eq!(chosen(std::slice::from_ref(&first), &foreseen, Topology::Mesh, true), both);
    assert_eq!(chosen(std::slice::from_ref(&first), &foreseen, Topology::Mesh, false), both[..1]);
    assert_eq!(chosen(std::slice::from_ref(&first), &[certain], Topology::Mesh, false), both, "the files prove it");
    assert_eq!(chosen(&[first], &foreseen, Topology::Hierarchical, true), both[..1]);
}
