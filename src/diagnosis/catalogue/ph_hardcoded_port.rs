//! `ph-hardcoded-port`: the server listens on a fixed port, not on the one that the platform gives.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{Host, Place, Port, Start, gunicorn, nginx, reach};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "ph-hardcoded-port",
    what: "The server listens on a fixed port, not on the one that the platform gives",
    why: "The platform says in the variable PORT where it will look for the service. A number in the start command or \
          in a configuration file does not follow it.",
    advice: "Write `${PORT:-8000}` instead of the number; in application code read the variable PORT.",
    stage: Stage::PortHealth,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[],
    detect,
    remedies,
    examples: &[
        Example {
            log: "2026/11/22 11:10:33 [notice] 1#1: start worker processes\n==> No open ports detected, continuing to scan...\n==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
            files: &[
                (
                    "Dockerfile",
                    "FROM debian:bookworm-slim\nCOPY nginx/site.conf /etc/nginx/site.conf\nENV PORT=8080\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
                ),
                ("nginx/site.conf", "server {\n    listen 8080;\n}\n"),
            ],
            subject: "8080",
            remedy: Some((
                "nginx-port",
                &[(
                    "Dockerfile",
                    "FROM debian:bookworm-slim\nCOPY nginx/site.conf /etc/nginx/site.conf\nENV PORT=8080\nCMD [\"sh\", \"-c\", \"sed -i \\\"s/listen 8080/listen ${PORT:-8080}/\\\" /etc/nginx/site.conf && exec nginx -g 'daemon off;'\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "[2026-11-22 10:00:00 +0000] [1] [INFO] Listening at: http://0.0.0.0:8000 (1)\n==> Timed out after waiting for internal health check to return a successful response code at: 10.0.0.2:10000 /healthz",
            files: &[("Dockerfile", "FROM python:3.12\nCMD gunicorn -w 2 --bind 0.0.0.0:8000 app:app\n")],
            subject: "8000",
            remedy: Some((
                "port-from-platform",
                &[("Dockerfile", "FROM python:3.12\nCMD gunicorn -w 2 --bind 0.0.0.0:${PORT:-8000} app:app\n")],
            )),
            status: "update_failed",
            health_path: Some("/healthz"),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static LISTENS: Phrases =
    Phrases::new(&[r"(?i)(?:running|listening|started|listen)\b.*?(?:0\.0\.0\.0|\[::\]|\*|port):? ?(\d{2,5})\b"]);

fn detect(case: &Case<'_>, _: &[usize]) -> Option<Hit> {
    let line = reach::unreached(case)?;
    let start = Start::of(case);
    if let Some(start) = &start
        && matches!(start.host(case), Host::Everywhere)
        && let Port::Fixed(port) | Port::Default(port) = start.port(case)
    {
        let why = format!("{} listens on {port}, whatever PORT says", start.called());
        let hit = Hit::at(line, port.to_string(), why);
        return Some(match start.line(case) {
            Some(line) => hit.place(case.dockerfile_path, line),
            None if start.place == Place::Settings => hit.policy(Policy::Human),
            None => hit,
        });
    }
    if let Some(bind) = gunicorn::bind(case) {
        let why = format!("gunicorn listens on {}, whatever PORT says: `{}`, line {}", bind.port, bind.path, bind.line);
        return Some(Hit::at(line, bind.port.to_string(), why).place(&bind.path, bind.line));
    }
    if nginx::is_started(case)
        && let Some(listen) = nginx::listens(case).into_iter().next()
    {
        let why =
            format!("nginx listens on {}, whatever PORT says: `{}`, line {}", listen.port, listen.path, listen.line);
        return Some(Hit::at(line, listen.port.to_string(), why).place(&listen.path, listen.line));
    }
    if start.as_ref().is_some_and(|start| start.server().is_some()) {
        return None;
    }
    let (path, number, port) = in_sources(case)?;
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let said = LISTENS.last(case, &lines).is_none_or(|found| found.subject() == port);
    let why = format!("`{path}`, line {number}, listens on {port}, whatever PORT says");
    said.then(|| {
        Hit::at(line, port, why).place(&path, number).confidence(0.75).policy(Policy::Human).weight(Weight::Typical)
    })
}

/// A number in application code where the port belongs: path, line, port.
fn in_sources(case: &Case<'_>) -> Option<(String, usize, String)> {
    static CODE: Phrases = Phrases::new(&[
        r"\.listen\(\s*\{?\s*(?:port:\s*)?(\d{2,5})\b",
        r#"ListenAndServe\(\s*"[\w.]*:(\d{2,5})""#,
        r"\.run\([^)]*port\s*=\s*(\d{2,5})\b",
    ]);
    let is_source = |path: &&str| {
        [".js", ".mjs", ".cjs", ".ts", ".py", ".go", ".rb"].iter().any(|end| path.ends_with(end))
            && !path.contains("node_modules/")
            && !path.contains("test")
    };
    case.workspace.paths().filter(is_source).take(400).find_map(|path| {
        let lines = case.workspace.lines(path);
        lines
            .iter()
            .enumerate()
            .find_map(|(index, line)| Some((path.to_owned(), index + 1, CODE.read(line)?.subject().to_owned())))
    })
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let mut out = Vec::new();
    if let Some(start) = Start::of(case)
        && let Some(edit) = start.edit(case, &start.listening_on_port(case))
    {
        out.push(Remedy {
            id: "port-from-platform".into(),
            title: "Listen on the port of the variable PORT".into(),
            why: format!("where PORT is not set it stays {}", hit.subject),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    if let Some(edit) = gunicorn::bind(case).and_then(|bind| bind.for_the_platform(case)) {
        out.push(Remedy {
            id: "gunicorn-bind".into(),
            title: "Let gunicorn listen on the port of the variable PORT".into(),
            why: format!("the configuration file reads it; where PORT is not set it stays {}", hit.subject),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    if nginx::is_started(case)
        && let Ok(port) = hit.subject.parse()
        && let Some(edit) = nginx::listening_on_port(case, port)
    {
        out.push(Remedy {
            id: "nginx-port".into(),
            title: "Let nginx listen on the port of the variable PORT".into(),
            why: format!("the configuration stays as it is; where PORT is not set the port stays {port}"),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    Prescription::of(out)
}
