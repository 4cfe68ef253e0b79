//! `st-nginx`: nginx does not accept its configuration.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::file_behind;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{nginx, script};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "st-nginx",
    what: "nginx does not accept its configuration",
    why: "A host name of docker compose is not known here, a variable was not put in, or a directive is wrong.",
    advice: "Use the address of the service on this platform; put variables in with the templates of the image.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["host not found in upstream", "nginx: [emerg]", "invalid number of arguments in", "[emerg]"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "2026/11/24 18:21:46 [emerg] 1#1: directive \"listen\" is not terminated by \";\" in /etc/nginx/conf.d/default.conf:3\n==> Exited with status 1",
            files: &[
                ("Dockerfile", "FROM nginx:1.22\nCOPY nginx.conf /etc/nginx/conf.d/default.conf\n"),
                ("nginx.conf", "server {\n    listen 10000 # all\n    location = /up { return 200; }\n}\n"),
            ],
            subject: "listen",
            remedy: Some((
                "end-directive",
                &[("nginx.conf", "server {\n    listen 10000; # all\n    location = /up { return 200; }\n}\n")],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "2026/11/24 19:55:39 [emerg] 1#1: host not found in \"${PORT}\" of the \"listen\" directive in /etc/nginx/conf.d/default.conf:2\n==> Exited with status 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM nginx:stable\nCOPY site.conf /etc/nginx/conf.d/default.conf\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
                ),
                ("site.conf", "server {\n    listen ${PORT};\n}\n"),
            ],
            subject: "listen",
            remedy: Some((
                "fill-port",
                &[(
                    "Dockerfile",
                    "FROM nginx:stable\nCOPY site.conf /etc/nginx/conf.d/default.conf\nCMD [\"sh\", \"-c\", \"sed -i \\\"s/[$]{PORT}/${PORT:-10000}/\\\" /etc/nginx/conf.d/default.conf && exec nginx -g 'daemon off;'\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "nginx: [emerg] host not found in upstream \"backend\" in /etc/nginx/conf.d/default.conf:8",
            subject: "backend",
            ..Example::BLANK
        },
        Example {
            log: "nginx: [emerg] unknown directive \"proxypass\" in /etc/nginx/conf.d/default.conf:4",
            subject: "proxypass",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"host not found in upstream "([^"]+)""#,
    r#"\[emerg\].*?(?:host not found|invalid port) in "\$\{?\w+\}?" of the "(listen)" directive"#,
    r#"\[emerg\].*?(invalid port in[^:]*?"[^"]+")"#,
    r#"\[emerg\].*?directive "([^"]+)" is not terminated by ";""#,
    r#"\[emerg\].*?unknown directive "([^"]+)""#,
    r#"\[emerg\].*?invalid number of arguments in "([^"]+)""#,
    r#"\[emerg\].*?unknown "(\w+)" variable"#,
    r#"\[emerg\].*?cannot load certificate(?: key)? "([^"]+)""#,
    r#"\[emerg\].*?"([^"]+)" failed \(2: No such file"#,
    r"\[emerg\].*?in (/\S+:\d+)",
    r"\[emerg\] (.+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.contains("Address already in use") || case.log.contains("(13: Permission denied)") {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("nginx does not start: {subject}");
    Some(Hit::at(found.line, subject, why))
}

/// A port that stands for a variable in a configuration which nothing fills in: nginx does not know the environment.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let fills = |text: &str| {
        ["envsubst", "sed ", "perl", "awk", "gomplate", "dockerize", "j2", "python", "confd"]
            .iter()
            .any(|tool| text.contains(tool))
    };
    let command = case.command();
    let scripted =
        script::started(case).is_some() || command.entrypoint.is_some() || case.facts.docker_command.is_some();
    let found =
        nginx::unfilled(case).filter(|_| nginx::is_started(case) && !scripted && !fills(case.dockerfile.text()));
    let brings_scripts = case.dockerfile.text().contains("docker-entrypoint.d")
        || case.dockerfile.text().contains("lua")
        || case.dockerfile.text().contains("ENVSUBST");
    let hit = found.filter(|_| !brings_scripts).map(|(path, line, _, mark)| {
        let why = format!("`{path}`, line {line}, says `{mark}`, and nginx does not know the environment");
        Hit::in_file(&path, line, "listen", why).confidence(0.95).policy(Policy::Fix)
    });
    hit.into_iter().collect()
}

/// A directive without its `;`: nginx names it, and the line at which it noticed.
fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let of_port = hit.line.is_none_or(|line| {
        ["\"port\" variable", "PORT}", "$PORT", "invalid port"].iter().any(|mark| case.text(line).contains(mark))
    });
    if of_port && let Some((path, line, _, mark)) = nginx::unfilled(case) {
        return Prescription::none().with(
            "fill-port",
            "Put the port in when nginx starts",
            format!("`{path}`, line {line}, says `{mark}`, and nginx does not know the environment"),
            Applicability::Rehearse,
            nginx::filling(case),
        );
    }
    static OPEN: Phrases = Phrases::new(&[r#"directive "([^"]+)" is not terminated by ";" in (/\S+):(\d+)"#]);
    let named = hit.line.and_then(|line| OPEN.on(case, line));
    let Some((directive, path, line)) = named.map(|names| (names.name(0), names.name(1), names.name(2))) else {
        return Prescription::none();
    };
    let end = case.dockerfile.instructions().len();
    let Some(file) = file_behind(case, end, path) else { return Prescription::none() };
    Prescription::none().with(
        "end-directive",
        format!("End `{directive}` with a semicolon"),
        "nginx says which directive lacks it",
        Applicability::Rehearse,
        line.parse().ok().and_then(|line| ended(case, &file, directive, line)),
    )
}

/// The nearest line above `upto` (from 1) that begins with `directive` and has no end, with its end.
fn ended(case: &Case<'_>, file: &str, directive: &str, upto: usize) -> Option<Edit> {
    let lines = case.workspace.lines(file);
    let last = upto.min(lines.len());
    let (at, text) = lines[..last].iter().enumerate().rev().find(|(_, text)| {
        let code = text.split('#').next().unwrap_or_default().trim();
        code.split_whitespace().next() == Some(directive)
            && !code.ends_with([';', '{', '}'])
            && !code.contains(['"', '\''])
    })?;
    let code = text.split('#').next().unwrap_or_default().trim_end();
    let new = format!("{code};{}", &text[code.len()..]);
    Edit::replace(case.workspace, file, at + 1, at + 1, &[&new])
}
