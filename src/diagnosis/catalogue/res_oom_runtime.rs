//! `res-oom-runtime`: the running service needs more memory than it has.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{reach, workers};
use crate::remedy::{Applicability, Remedy};
use crate::service::FailureReason;

pub const RULE: Rule = Rule {
    id: "res-oom-runtime",
    what: "The running service needs more memory than it has",
    why: "The platform ends a process that passes the memory limit of its instance. Each worker process holds the whole \
          application again, so their number is the first thing to look at.",
    advice: "Start fewer workers; keep heaps below the limit; or take a larger instance, which costs money.",
    stage: Stage::Resource,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[],
    detect,
    remedies,
    examples: &[
        Example {
            log: "starting 12 workers\nworker 10 ended (SIGKILL); the platform starts us again\n==> Out of memory (used over 512Mi)",
            files: &[(
                "Dockerfile",
                "FROM node:22-slim\n# one worker per core\nENV NODE_ENV=production \\\n    WORKERS=12 \\\n    PLACES=260000\nCMD [\"node\", \"src/cluster.js\"]\n",
            )],
            subject: "512Mi",
            remedy: Some((
                "fewer-workers",
                &[(
                    "Dockerfile",
                    "FROM node:22-slim\n# one worker per core\nENV NODE_ENV=production \\\n    WORKERS=2 \\\n    PLACES=260000\nCMD [\"node\", \"src/cluster.js\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "[2026-01-01 10:00:00 +0000] [1] [ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?",
            files: &[(
                "Dockerfile",
                "FROM python:3.12\nCMD [\"gunicorn\", \"--workers\", \"8\", \"-b\", \"0.0.0.0:8000\", \"a:b\"]\n",
            )],
            subject: "workers",
            remedy: Some((
                "fewer-workers",
                &[(
                    "Dockerfile",
                    "FROM python:3.12\nCMD [\"gunicorn\", \"--workers\", \"2\", \"-b\", \"0.0.0.0:8000\", \"a:b\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "==> Out of memory (used over 512Mi)",
            files: &[
                ("Dockerfile", "FROM python:3.12\nCOPY . .\nCMD [\"gunicorn\", \"a:b\"]\n"),
                ("gunicorn.conf.py", "import multiprocessing\n\nworkers = multiprocessing.cpu_count() * 2 + 1\n"),
            ],
            subject: "512Mi",
            remedy: Some(("fewer-workers", &[("gunicorn.conf.py", "import multiprocessing\n\nworkers = 2\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"[Oo]ut of memory \(used over (\d+ ?[GMK]i?B?)\)",
    r"(?:Ran )?[Oo]ut of memory \(used over ([\w. ]+)\)",
    r"killed: out of memory",
    r"was sent SIGKILL! Perhaps out of memory",
    r"(?i)OOMKilled",
    r"(?i)\bworker\b.*SIGKILL",
    r"^Killed$",
]);

fn detect(case: &Case<'_>, _: &[usize]) -> Option<Hit> {
    if !reach::is_runtime(case) {
        return None;
    }
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let found = SAID.last(case, &lines);
    let limit = match case.reason {
        Some(FailureReason::OomKilled { memory_limit }) => Some(memory_limit.clone()),
        _ => None,
    };
    let (line, said) = match (&found, &limit) {
        (Some(found), _) => (found.line, found.subject().to_owned()),
        (None, Some(_)) => (case.log.lines.iter().rposition(|line| !line.text.trim().is_empty())?, String::new()),
        (None, None) => return None,
    };
    // A lone `Killed` may be many things: the platform's word decides.
    if found.is_some_and(|found| found.wording == 6) && limit.is_none() {
        return None;
    }
    let limit = limit.or_else(|| Some(said).filter(|said| !said.is_empty()));
    let count = workers::settings(case).into_iter().find_map(|setting| setting.count);
    let with = count.map(|count| format!(" with {count} workers")).unwrap_or_default();
    let why = match &limit {
        Some(limit) => format!("the service{with} needs more memory than the {limit} of its instance"),
        None => format!("a process of the service{with} was killed for want of memory"),
    };
    Some(Hit::at(line, limit.unwrap_or_else(|| "workers".into()), why).confidence(0.95))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let mut out = Vec::new();
    for setting in workers::settings(case) {
        let fewer = match setting.count {
            Some(count) if count > 2 => 2,
            Some(2) => 1,
            Some(_) => continue,
            None => 2,
        };
        out.extend(workers::edit(case, &setting, fewer).map(|edit| Remedy {
            id: "fewer-workers".into(),
            title: format!("Start {fewer} worker{} ({})", if fewer == 1 { "" } else { "s" }, setting.name),
            why: "each worker holds the application once more; fewer of them fit into the instance".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }));
    }
    out.truncate(2);
    Prescription::of(out)
}
