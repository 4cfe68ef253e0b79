//! `ph-localhost-bind`: the server listens on the loopback interface only.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{Host, Place, Start, address, gunicorn, nginx, reach, source};
use crate::remedy::{Applicability, Remedy};
use crate::service::DeployStatus;

pub const RULE: Rule = Rule {
    id: "ph-localhost-bind",
    what: "The server listens on the loopback interface only",
    why: "127.0.0.1 and localhost mean the container itself: nobody outside reaches a server that listens there. Many \
          servers do so unless told otherwise.",
    advice: "Let it listen on 0.0.0.0 and on the port of the variable PORT.",
    stage: Stage::PortHealth,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "127.0.0.1",
        "localhost",
        "[::1]",
        "use --host to expose",
        "No open ports",
        "Port scan timeout",
        "Timed",
        "nothing listens",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "opening the guestbook\nguestbook listens on 127.0.0.1:8000\n==> No open ports detected on 0.0.0.0, continuing to scan...\n==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
            files: &[
                ("Dockerfile", "FROM debian:bookworm\nWORKDIR /app\nCOPY start.sh ./\nCMD [\"./start.sh\"]\n"),
                ("start.sh", "#!/bin/sh\nset -e\nexec guestbook --host 127.0.0.1 --port 8000 --pages pages\n"),
            ],
            executable: &["start.sh"],
            subject: "127.0.0.1",
            status: "update_failed",
            remedy: Some((
                "listen-everywhere",
                &[(
                    "start.sh",
                    "#!/bin/sh\nset -e\nexec guestbook --host 0.0.0.0 --port ${PORT:-8000} --pages pages\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "INFO:     Started server process [1]\nINFO:     Application startup complete.\nINFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)\n==> No open ports detected, continuing to scan...\n==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nCOPY . .\nCMD [\"uvicorn\", \"app:app\", \"--host\", \"127.0.0.1\", \"--port\", \"8000\"]\n",
            )],
            subject: "127.0.0.1:8000",
            remedy: Some((
                "listen-everywhere",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY . .\nCMD [\"sh\", \"-c\", \"exec uvicorn app:app --host 0.0.0.0 --port ${PORT:-8000}\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: " * Serving Flask app 'app'\n * Running on http://127.0.0.1:5000\n==> No open ports detected, continuing to scan...",
            files: &[("Dockerfile", "FROM python:3.12-slim\nCOPY . .\nCMD flask --app app run\n")],
            subject: "127.0.0.1:5000",
            remedy: Some((
                "listen-everywhere",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY . .\nCMD flask --app app run --host 0.0.0.0 --port ${PORT:-5000}\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "[2026-01-01 10:00:00 +0000] [1] [INFO] Listening at: http://127.0.0.1:8000 (1)\n==> No open ports detected, continuing to scan...",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY . .\nCMD [\"gunicorn\", \"-c\", \"gunicorn.conf.py\", \"app:app\"]\n",
                ),
                ("gunicorn.conf.py", "import os\n\nbind = \"127.0.0.1:8000\"\nworkers = 2\n"),
            ],
            subject: "127.0.0.1:8000",
            remedy: Some((
                "gunicorn-bind",
                &[(
                    "gunicorn.conf.py",
                    "import os\n\nbind = f\"0.0.0.0:{os.environ.get('PORT', '8000')}\"\nworkers = 2\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[
                ("Dockerfile", "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nCMD [\"npm\", \"start\"]\n"),
                (
                    "package.json",
                    "{\n  \"scripts\": {\n    \"start\": \"vite preview --host localhost --port 4173\"\n  }\n}\n",
                ),
            ],
            subject: "localhost",
            remedy: Some((
                "listen-everywhere",
                &[(
                    "package.json",
                    "{\n  \"scripts\": {\n    \"start\": \"vite preview --host 0.0.0.0 --port ${PORT:-4173}\"\n  }\n}\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "{\"level\":30,\"pid\":19,\"msg\":\"Server listening at http://127.0.0.1:10000\"}\n==> No open ports detected on 0.0.0.0, continuing to scan...\n==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
            files: &[
                ("Dockerfile", "FROM node:20-slim\nCOPY . .\nCMD [\"node\", \"server.js\"]\n"),
                ("package.json", "{\"dependencies\": {\"fastify\": \"^4\"}}\n"),
                ("server.js", "await app.listen({ port: process.env.PORT || 3000 });\n"),
            ],
            subject: "127.0.0.1:10000",
            remedy: Some((
                "listen-in-source",
                &[("server.js", "await app.listen({ host: \"0.0.0.0\", port: process.env.PORT || 3000 });\n")],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "ready\n==> No open ports detected, continuing to scan...\n==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20-slim\nENV NODE_ENV=production HOST=127.0.0.1\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
                ),
                ("server.js", "server.listen(process.env.PORT || 3000, process.env.HOST);\n"),
            ],
            subject: "127.0.0.1",
            remedy: Some((
                "listen-variable",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nENV NODE_ENV=production HOST=0.0.0.0\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "[2026-11-24 20:22:05] INFO  WEBrick::HTTPServer#start: pid=1 port=10000\n==> No open ports detected, continuing to scan...\n==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
            files: &[
                ("Dockerfile", "FROM ruby:3.1-slim\nCOPY server.rb .\nCMD [\"ruby\", \"server.rb\"]\n"),
                (
                    "server.rb",
                    "WEBrick::HTTPServer.new(Port: ENV.fetch(\"PORT\"), BindAddress: ENV.fetch(\"HOST\", \"localhost\")).start\n",
                ),
            ],
            subject: "localhost",
            remedy: Some((
                "set-address",
                &[(
                    "Dockerfile",
                    "FROM ruby:3.1-slim\nCOPY server.rb .\nENV HOST=0.0.0.0\nCMD [\"ruby\", \"server.rb\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(?i)(?:running|listening|started|serving|server|available|ready|listen)\b[\w .]*?(?: on| at|:)+ *(?:port \d+ )?(?:tcp://|https?://)?((?:127\.0\.0\.1|localhost|\[::1\]):\d+)",
    r"(?i)(?:Local|Listening|Server):\s+(?:https?://|tcp://)?((?:127\.0\.0\.1|localhost|\[::1\]):\d+)",
    r"(?i)development server \(?(?:at )?https?://((?:127\.0\.0\.1|localhost):\d+)",
    r"(?i)(?:running|listening|started) (?:on|at) (127\.0\.0\.1|localhost)\b",
]);

/// Said by a server that others can reach too.
static ELSEWHERE: Phrases = Phrases::new(&[r"0\.0\.0\.0", r"all addresses", r"\[::\]:\d+", r"Network:\s+https?://\d"]);
static DETECTED: Phrases = Phrases::new(&[r"Detected service running on port"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if !reach::is_runtime(case) || matches!(case.status, Some(DeployStatus::Live)) {
        return None;
    }
    // The platform names 0.0.0.0 where it found nothing there.
    let server_says = |line: &crate::diagnosis::log::Line| !line.text.starts_with("==>") && ELSEWHERE.fits(&line.text);
    let said = SAID.last(case, lines).filter(|_| !case.log.lines.iter().any(server_says) && !DETECTED.anywhere(case));
    let unreached = reach::unreached(case);
    let start = Start::of(case);
    let written = start.as_ref().filter(|start| matches!(start.host(case), Host::Loopback | Host::LoopbackByDefault));
    let place = written.and_then(|start| start.stands_at(case));
    let hit = match (said, unreached, written) {
        (Some(found), ..) => {
            let why = format!("the server listens on `{}`, which only the container itself can reach", found.subject());
            Hit::at(found.line, found.subject(), why).confidence(if unreached.is_some() { 0.97 } else { 0.8 })
        }
        (None, Some(line), Some(start)) => Hit::at(line, subject(start, case), why(start, case)),
        (None, Some(line), None) => {
            let Some(variable) = address::loopback(case) else {
                let name = address::unset(case)?;
                let why = format!(
                    "the service listens where `{name}` says, and without it on localhost, where only the container itself can reach it"
                );
                return Some(Hit::at(line, "localhost", why));
            };
            let why = format!(
                "the image sets `{}` to `{}`, so the service listens where only the container itself can reach it",
                variable.name, variable.value
            );
            return Some(Hit::at(line, variable.value, why).place(case.dockerfile_path, variable.line));
        }
        _ => return None,
    };
    Some(match (place, written) {
        (Some((path, line)), _) => hit.place(&path, line),
        (None, Some(start)) if start.place == Place::Settings => hit.policy(Policy::Human),
        (None, _) => hit,
    })
}

fn subject(start: &Start, case: &Case<'_>) -> String {
    let server = start.server();
    let word = server.and_then(|server| server.host_word(&start.words)).filter(|_| start.host(case) == Host::Loopback);
    word.unwrap_or("127.0.0.1").to_owned()
}

fn why(start: &Start, case: &Case<'_>) -> String {
    match start.host(case) {
        Host::Loopback => {
            format!(
                "{} listens on `{}`, which only the container itself can reach",
                start.called(),
                subject(start, case)
            )
        }
        _ => format!(
            "{} says no address, and its default is 127.0.0.1, which only the container itself can reach",
            start.called()
        ),
    }
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let start = Start::of(case).filter(|start| matches!(start.host(case), Host::Loopback | Host::LoopbackByDefault));
    let of_start = start.and_then(|start| {
        let (path, line) = start.stands_at(case)?;
        Some(Hit::in_file(&path, line, subject(&start, case), why(&start, case)).confidence(0.93))
    });
    let listens = if nginx::is_started(case) { nginx::listens(case) } else { vec![] };
    let only = !listens.is_empty() && listens.iter().all(|listen| listen.loopback);
    let of_nginx = listens.first().filter(|_| only).map(|listen| {
        let why = format!("nginx listens on the loopback interface only: `{}{}`", listen.before, listen.port);
        Hit::in_file(&listen.path, listen.line, format!("127.0.0.1:{}", listen.port), why)
    });
    let of_gunicorn = gunicorn::bind(case).filter(gunicorn::Bind::is_loopback).map(|bind| {
        let why = format!(
            "gunicorn is told to listen on `{}:{}`, which only the container itself can reach",
            bind.host, bind.port
        );
        Hit::in_file(&bind.path, bind.line, format!("{}:{}", bind.host, bind.port), why)
    });
    of_start.into_iter().chain(of_nginx).chain(of_gunicorn).collect()
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let mut out = Vec::new();
    if let Some(start) = Start::of(case) {
        let both = start.edit(case, &start.listening_for_the_platform(case));
        let host = start.edit(case, &start.listening_everywhere(case));
        let needed = host.is_some();
        let remedy = |id: &str, title: &str, edit| {
            Remedy {
            id: id.into(),
            title: title.into(),
            why: "0.0.0.0 is every interface of the container, so the platform can reach it; the command stays the same otherwise".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }
        };
        out.extend(
            both.clone()
                .filter(|_| needed)
                .map(|edit| remedy("listen-everywhere", "Listen on 0.0.0.0 and on the port of the platform", edit)),
        );
        out.extend(
            host.filter(|host| Some(host) != both.as_ref())
                .map(|edit| remedy("listen-on-all-interfaces", "Listen on 0.0.0.0", edit)),
        );
    }
    if let Some(edit) =
        gunicorn::bind(case).filter(gunicorn::Bind::is_loopback).and_then(|bind| bind.for_the_platform(case))
    {
        out.push(Remedy {
            id: "gunicorn-bind".into(),
            title: "Let gunicorn listen on all interfaces and on the port of the platform".into(),
            why: "the configuration file reads the variable; where PORT is not set the port stays".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    if let Some(variable) = address::loopback(case)
        && let Some(edit) = variable.everywhere(case)
    {
        out.push(Remedy {
            id: "listen-variable".into(),
            title: format!("Let `{}` name every interface", variable.name),
            why: "0.0.0.0 is every interface of the container, so the platform can reach it".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    if out.is_empty() {
        out.extend(in_source(case));
    }
    if out.is_empty() {
        out.extend(by_variable(case));
    }
    if out.is_empty()
        && let Some(listen) = nginx::listens(case).into_iter().find(|listen| listen.loopback)
        && let Some(edit) = nginx::listening_on_port(case, listen.port)
    {
        out.push(Remedy {
            id: "nginx-port".into(),
            title: "Let nginx listen on all interfaces and on the port of the platform".into(),
            why: "the configuration stays as it is but for address and port, which are set at the start".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    Prescription::of(out)
}

/// The address in the project's own code, where one call decides it.
fn in_source(case: &Case<'_>) -> Option<Remedy> {
    let call = source::loopback(case)?;
    Some(Remedy {
        id: "listen-in-source".into(),
        title: format!("Let `{}`, line {}, listen on 0.0.0.0", call.path, call.line),
        why: "it is the only call that keeps the service to the loopback interface, and only its address changes"
            .into(),
        applicability: Applicability::Rehearse,
        edits: vec![call.edit(case)?],
    })
}

/// The address in a variable that the service reads and nobody sets.
fn by_variable(case: &Case<'_>) -> Option<Remedy> {
    let name = address::unset(case)?;
    let edit = address::set_everywhere(case, &name)?;
    Some(Remedy {
        id: "set-address".into(),
        title: format!("Set `{name}` to every interface"),
        why: "the service reads the variable, and without it listens for the container alone".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}
