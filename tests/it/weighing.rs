//! What is concluded from a trial: never that a fix is bad because this machine is not the platform.

use std::collections::BTreeSet;

use domain_runner::choice::Fix;
use domain_runner::diagnosis::{Finding, Policy, Severity, Stage};
use domain_runner::observation::{Facts, Observation};
use domain_runner::remedy::{Applicability, Edit, Remedy};
use domain_runner::validation::trial::{Ruling, TrialEnd, TrialReport, weigh};
use domain_runner::workspace::Workspace;

const BEFORE: &str = "FROM python:3.12-slim\nRUN pip install flask\nCMD [\"python\", \"a.py\"]\n";

fn finding(class: &str, subject: &str, stage: Stage) -> Finding {
    Finding {
        class: class.into(),
        stage,
        subject: subject.into(),
        line: Some(1),
        place: None,
        severity: Severity::High,
        policy: Policy::Fix,
        confidence: 0.9,
        why: format!("{class} about {subject}"),
        evidence: vec![format!("{subject} is wrong")],
        remedies: vec![],
        advised_by: None,
    }
}

/// A fix for a failed step of pip's; `line` is what it puts above that step.
fn fix(line: &str) -> Fix {
    let edit = Edit::Lines {
        path: "Dockerfile".into(),
        line: 2,
        old: vec!["RUN pip install flask".into()],
        new: vec![line.into(), "RUN pip install flask".into()],
    };
    let remedy = Remedy {
        id: "r".into(),
        title: "t".into(),
        why: "w".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    };
    Fix { finding: finding("py-x", "flask", Stage::DepResolution), remedy }
}

fn facts() -> Facts {
    let env_names = Some(BTreeSet::from(["DATABASE_URL".to_owned()]));
    Facts { dockerfile_path: "Dockerfile".into(), env_names, ..Facts::default() }
}

/// What follows from a trial of `fix` that failed at `step` with `first`.
fn ruling(is_stand_in: bool, fix: Fix, step: &str, first: Finding) -> Ruling {
    let before = Workspace::of(&[("Dockerfile", BEFORE)]);
    let after = domain_runner::remedy::apply(&fix.remedy.edits, &before).expect("fits");
    let log = format!(
        "#5 [2/3] RUN {step}\n#5 0.1 no\n#5 ERROR: process \"/bin/sh -c {step}\" did not complete successfully: exit code: 1"
    );
    let build_log = log.lines().map(str::to_owned).collect();
    let observation = Box::new(Observation { build_log, facts: facts(), ..Observation::default() });
    let report = TrialReport { by: "x".into(), is_stand_in, end: TrialEnd::Failed { observation, built: false } };
    weigh(&report, &[first], &[fix], &before, &after, &facts())
}

fn unproved(ruling: &Ruling) -> bool {
    matches!(ruling, Ruling::Unproved { .. })
}

#[test]
fn what_may_be_this_machines_fault_never_speaks_against_a_fix() {
    let retry = Finding { policy: Policy::Retry, ..finding("py-index-network", "", Stage::DepResolution) };
    let human = Finding { policy: Policy::Human, ..finding("st-env-missing", "SECRET", Stage::Startup) };
    let unsure = Finding { confidence: 0.5, ..finding("app-x", "", Stage::AppBuild) };
    let faults = [
        retry,
        human,
        unsure,
        finding("db-conn-refused", "localhost", Stage::RuntimeDb),
        finding("res-oom-runtime", "", Stage::Resource),
        finding("pf-internal-error", "", Stage::Platform),
        finding("st-env-missing", "DATABASE_URL", Stage::Startup),
        // The platform got past its base image and apt, with the very same lines.
        finding("img-tag-not-found", "python:3.12-slim", Stage::BaseImage),
        finding("os-apt-no-candidate", "gcc", Stage::OsPackage),
    ];
    for fault in faults {
        let said = ruling(false, fix("ENV A=1"), "pip install flask", fault.clone());
        assert!(unproved(&said), "{}: {said:?}", fault.class);
    }
    let nothing_known = TrialReport { by: "x".into(), is_stand_in: false, end: TrialEnd::Unable { why: "y".into() } };
    let files = Workspace::of(&[("Dockerfile", BEFORE)]);
    assert!(unproved(&weigh(&nothing_known, &[], &[fix("ENV A=1")], &files, &files, &facts())));
}

#[test]
fn the_same_failure_refutes_and_another_one_is_peeled() {
    let same = ruling(false, fix("ENV A=1"), "pip install flask", finding("py-x", "flask", Stage::DepResolution));
    assert!(matches!(same, Ruling::Refuted { fix: 0, .. }), "{same:?}");
    // A later COPY may fail for what an earlier step was to make: files read alike on every machine.
    let artifact = finding("ctx-stage-artifact-missing", "/app/out", Stage::ContextCopy);
    for behind in [finding("py-x", "numpy", Stage::DepResolution), artifact] {
        let later = ruling(false, fix("ENV A=1"), "pip install flask", behind);
        assert!(matches!(later, Ruling::Another(_)), "{later:?}");
    }
}

#[test]
fn a_step_that_the_fix_brought_in_and_that_fails_refutes_it() {
    let own = "apt-get install -y nonsense";
    let fault = finding("os-apt-unable-to-locate", "nonsense", Stage::OsPackage);
    let said = ruling(false, fix(&format!("RUN {own}")), own, fault);
    assert!(matches!(said, Ruling::Refuted { fix: 0, .. }), "{said:?}");
}

#[test]
fn a_machine_that_stands_in_for_the_base_image_does_not_judge_it() {
    let about_base = Fix { finding: finding("os-command-missing", "git", Stage::OsPackage), ..fix("ENV A=1") };
    let said = ruling(true, about_base.clone(), "git clone x", about_base.finding.clone());
    assert!(unproved(&said), "{said:?}");
    let report = TrialReport { by: "x".into(), is_stand_in: true, end: TrialEnd::Healthy };
    let files = Workspace::of(&[("Dockerfile", BEFORE)]);
    assert!(unproved(&weigh(&report, &[], &[about_base], &files, &files, &facts())));
    assert_eq!(weigh(&report, &[], &[fix("ENV A=1")], &files, &files, &facts()), Ruling::Proved);
    let tool =
        ruling(true, fix("ENV A=1"), "pip install flask", finding("os-command-missing", "git", Stage::DepResolution));
    assert!(unproved(&tool), "{tool:?}");
}
