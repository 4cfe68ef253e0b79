//! `res-worker-timeout`: a worker of gunicorn was silent for too long.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{Change, Start};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "res-worker-timeout",
    what: "A worker of gunicorn was silent for too long",
    why: "gunicorn ends a worker that does not answer for 30 seconds: it loads a model, imports slowly, or waits.",
    advice: "Give it more time with `--timeout 120`, load lazily, or use a worker class that does not block.",
    stage: Stage::Resource,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &["WORKER TIMEOUT (pid"],
    detect,
    remedies,
    examples: &[Example {
        log: "[2026-01-01 10:00:30 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:7)\n[2026-01-01 10:00:30 +0000] [7] [INFO] Worker exiting (pid: 7)",
        files: &[("Dockerfile", "FROM python:3.12\nCMD gunicorn app:app --bind 0.0.0.0:$PORT\n")],
        subject: "gunicorn",
        remedy: Some((
            "more-time",
            &[("Dockerfile", "FROM python:3.12\nCMD gunicorn app:app --bind 0.0.0.0:$PORT --timeout 120\n")],
        )),
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"WORKER TIMEOUT \(pid"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    Some(Hit::at(found.line, "gunicorn", "a worker of gunicorn did not answer in time and was ended"))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(start) = Start::of(case).filter(|start| start.words.iter().take(3).any(|word| word.ends_with("gunicorn")))
    else {
        return Prescription::none();
    };
    let has = start.words.iter().any(|word| word.starts_with("--timeout") || word == "-t");
    let edit = if has { None } else { start.edit(case, &[Change::Append(vec!["--timeout".into(), "120".into()])]) };
    Prescription::of(edit.map(|edit| Remedy {
        id: "more-time".into(),
        title: "Give workers 120 seconds to answer".into(),
        why: "the default of 30 seconds is short for an application that loads much at the start".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
