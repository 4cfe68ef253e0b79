//! `ph-port-not-expanded`: `$PORT` stands in a command that no shell reads.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{Place, Start, json, quoted};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "ph-port-not-expanded",
    what: "`$PORT` stands in a command that no shell reads",
    why: "`CMD [\"a\", \"$PORT\"]` starts the program directly: it gets the five letters `$PORT`, not the number.",
    advice: "Let a shell start it: `CMD [\"sh\", \"-c\", \"exec a --port ${PORT:-8000}\"]`.",
    stage: Stage::PortHealth,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["$PORT", "${PORT", "options.port should be", "with base 10: ''"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "Usage: uvicorn [OPTIONS] APP\nTry 'uvicorn --help' for help.\n\nError: Invalid value for '--port': '$PORT' is not a valid integer.\n==> Exited with status 2",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nCMD [\"uvicorn\", \"app:app\", \"--host\", \"0.0.0.0\", \"--port\", \"$PORT\"]\n",
            )],
            subject: "$PORT",
            remedy: Some((
                "start-with-shell",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nCMD [\"sh\", \"-c\", \"exec uvicorn app:app --host 0.0.0.0 --port ${PORT:-8000}\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[(
                "Dockerfile",
                "FROM python:3.12\nENTRYPOINT [\"gunicorn\", \"-b\", \"0.0.0.0:${PORT}\", \"a:b\"]\n",
            )],
            subject: "$PORT",
            remedy: Some((
                "start-with-shell",
                &[(
                    "Dockerfile",
                    "FROM python:3.12\nENTRYPOINT [\"sh\", \"-c\", \"exec gunicorn -b 0.0.0.0:${PORT:-8000} a:b\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"'?\$\{?(PORT)\}?'? is not a valid",
    r"invalid literal for int\(\) with base 10: '\$?\{?(?:PORT)?\}?'",
    r"options\.port should be >= 0 and < 65536.*\$",
    r"(?i)(?:invalid|unknown|bad) (?:port|value|number|address)[^$]*\$\{?(PORT)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.failing.is_some() {
        return None;
    }
    let found = SAID.last(case, lines)?;
    let hit = Hit::at(
        found.line,
        "$PORT",
        "the server got the letters `$PORT` instead of the number: no shell reads the command",
    )
    .confidence(0.98);
    Some(match unexpanded(case).and_then(|start| start.line(case)) {
        Some(line) => hit.place(case.dockerfile_path, line),
        None => hit,
    })
}

/// The start command in JSON form in which `$PORT` stands.
fn unexpanded(case: &Case<'_>) -> Option<Start> {
    let start = Start::of(case)?;
    let holds = start.words.iter().any(|word| word.contains("$PORT") || word.contains("${PORT"));
    (start.place == Place::Exec && holds).then_some(start)
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let command = case.command();
    // An entrypoint of the project's own may well expand what it is given.
    if command.entrypoint.is_some() && command.cmd.is_some() {
        return vec![];
    }
    let known = unexpanded(case).filter(|start| start.server().is_some());
    known
        .and_then(|start| {
            let why = "the command is in JSON form, so `$PORT` reaches the server as letters";
            Some(Hit::in_file(case.dockerfile_path, start.line(case)?, "$PORT", why).confidence(0.95))
        })
        .into_iter()
        .collect()
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(start) = unexpanded(case) else { return Prescription::none() };
    let default = start.server().map_or(10_000, |server| server.default_port);
    let with_default = |word: &String| {
        let new = format!("${{PORT:-{default}}}");
        if word.contains("${PORT:-") { word.clone() } else { word.replace("${PORT}", &new).replace("$PORT", &new) }
    };
    let words: Vec<String> = start.words.iter().map(with_default).map(|word| quoted(&word)).collect();
    let arguments = json(&["sh".into(), "-c".into(), format!("exec {}", words.join(" "))]);
    let edit = arguments.and_then(|arguments| start.rewritten(case, &arguments));
    Prescription::of(edit.map(|edit| Remedy {
        id: "start-with-shell".into(),
        title: "Let a shell start the server".into(),
        why: "a shell puts the number in for `$PORT`; `exec` keeps the server the first process".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
