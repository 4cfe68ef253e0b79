//! `st-early-exit`: the start command ends at once.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{Change, Place, Start, json, script};
use crate::remedy::{Applicability, Edit, Remedy};
use crate::service::FailureReason;

pub const RULE: Rule = Rule {
    id: "st-early-exit",
    what: "The start command ends at once",
    why: "The service lives as long as its first process. That one was a build command, or put the server into the \
          background and ended.",
    advice: "Start the server itself, in the foreground.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "==> Application exited early\n==> Common ways to troubleshoot your deploy: https://render.com/docs/troubleshooting-deploys",
            files: &[("Dockerfile", "FROM debian\nRUN apt-get update && apt-get install -y nginx\nCMD [\"nginx\"]\n")],
            subject: "nginx",
            remedy: Some((
                "stay-in-foreground",
                &[(
                    "Dockerfile",
                    "FROM debian\nRUN apt-get update && apt-get install -y nginx\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[("Dockerfile", "FROM python:3.12\nCMD gunicorn --daemon -b 0.0.0.0:$PORT a:b\n")],
            subject: "gunicorn --daemon",
            remedy: Some((
                "stay-in-foreground",
                &[("Dockerfile", "FROM python:3.12\nCMD gunicorn -b 0.0.0.0:$PORT a:b\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "==> Application exited early\n==> Common ways to troubleshoot your deploy: https://render.com/docs/troubleshooting-deploys",
            files: &[
                (
                    "Dockerfile",
                    "FROM debian\nRUN apt-get update && apt-get install -y nginx\nCOPY start.sh /usr/local/bin/start\nCMD [\"start\"]\n",
                ),
                ("start.sh", "#!/bin/sh\nsed -i \"s/@PORT@/$PORT/\" /etc/nginx/conf.d/site.conf\nexec nginx\n"),
            ],
            executable: &["start.sh"],
            subject: "nginx",
            remedy: Some((
                "stay-in-foreground",
                &[(
                    "start.sh",
                    "#!/bin/sh\nsed -i \"s/@PORT@/$PORT/\" /etc/nginx/conf.d/site.conf\nexec nginx -g 'daemon off;'\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "> app@1.0.0 build\n> tsc\n==> Application exited early",
            files: &[
                ("Dockerfile", "FROM node:20\nCOPY . .\nCMD [\"npm\", \"run\", \"build\"]\n"),
                ("package.json", "{\"scripts\": {\"build\": \"tsc\", \"start\": \"node dist/index.js\"}}\n"),
            ],
            subject: "npm run build",
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"Application exited early", r"Exited with status 0", r"process exited early"]);

/// Commands that end, and what stays.
const BACKGROUND: [(&str, &[&str]); 6] = [
    ("service nginx start", &["nginx", "-g", "daemon off;"]),
    ("/etc/init.d/nginx start", &["nginx", "-g", "daemon off;"]),
    ("service apache2 start", &["apachectl", "-D", "FOREGROUND"]),
    ("apachectl start", &["apachectl", "-D", "FOREGROUND"]),
    ("apache2ctl start", &["apache2ctl", "-D", "FOREGROUND"]),
    ("pm2 start", &["pm2-runtime", "start"]),
];

/// What in the start command makes it end, and the words that would stay.
fn cause(case: &Case<'_>) -> Option<(String, Start, Option<Vec<String>>)> {
    let start = Start::of(case)?;
    let text = start.words.join(" ");
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    if matches!(text.as_str(), "nginx" | "/usr/sbin/nginx") && !foreground_in_configuration(case) {
        let name = start.words[0].clone();
        return Some(("nginx".into(), start, Some(owned(&[&name, "-g", "daemon off;"]))));
    }
    for (ends, stays) in BACKGROUND {
        if let Some(rest) = text.strip_prefix(ends).filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            let words = owned(stays).into_iter().chain(rest.split_whitespace().map(str::to_owned)).collect();
            return Some((ends.to_owned(), start, Some(words)));
        }
    }
    for option in ["--daemon", "-D", "--daemonize"] {
        let server = start
            .words
            .first()
            .is_some_and(|word| word.ends_with("gunicorn") || word.ends_with("uwsgi") || word.ends_with("php-fpm"));
        if server && start.words.iter().any(|word| word == option) {
            let words: Vec<String> = start.words.iter().filter(|word| *word != option).cloned().collect();
            let subject = format!("{} {option}", start.words[0]);
            return Some((subject, start, Some(words)));
        }
    }
    let written = match start.index {
        Some(index) => case.dockerfile.instructions()[index].words().join(" "),
        None => start.text.clone(),
    };
    let ends = [
        "npm run build",
        "yarn build",
        "pnpm build",
        "npm install",
        "npm ci",
        "pip install",
        "python manage.py migrate",
        "bundle install",
        "go build",
        "cargo build",
        "mvn package",
    ];
    let found = ends.iter().find(|ends| written == **ends || written.ends_with(&format!("&& {ends}")))?;
    Some(((*found).to_owned(), start, None))
}

fn foreground_in_configuration(case: &Case<'_>) -> bool {
    let holds = |path: &&str| {
        path.ends_with(".conf") && case.workspace.text(path).is_some_and(|text| text.contains("daemon off"))
    };
    case.workspace.paths().any(|path| holds(&path)) || case.dockerfile.text().contains("daemon off")
}

/// The last command of the script that the image starts, when that is nginx on its own: the script, and the line from 1.
fn script_ends_with_nginx(case: &Case<'_>) -> Option<(String, usize, String)> {
    let command = case.dockerfile.final_command();
    let index = command.entrypoint.or(command.cmd)?;
    let words = case.dockerfile.instructions()[index].words();
    let script = script::started(case).or_else(|| script::find(case, words.first()?))?;
    let lines = case.workspace.lines(&script.path);
    let (at, text) = lines.iter().enumerate().rev().find(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    })?;
    let alone = matches!(text.trim(), "nginx" | "exec nginx" | "/usr/sbin/nginx" | "exec /usr/sbin/nginx");
    (alone && !foreground_in_configuration(case)).then(|| (script.path.clone(), at + 1, text.trim_end().to_owned()))
}

fn detect(case: &Case<'_>, _: &[usize]) -> Option<Hit> {
    if case.log.failing.is_some() {
        return None;
    }
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let said = SAID.last(case, &lines).map(|found| found.line);
    let early = matches!(case.reason, Some(FailureReason::EarlyExit));
    let line = said
        .or_else(|| if early { case.log.lines.iter().rposition(|line| !line.text.trim().is_empty()) } else { None })?;
    if let Some((path, at, _)) = script_ends_with_nginx(case) {
        let why = format!("`{path}` starts nginx, which goes to the background, and the service ends with the script");
        return Some(Hit::at(line, "nginx", why).place(&path, at).policy(Policy::Fix).weight(Weight::Root));
    }
    Some(match cause(case) {
        Some((subject, start, stays)) => {
            let why = format!("`{subject}` ends, and the service with it");
            let mendable = stays.and_then(|words| stay(case, &start, &words)).is_some();
            let policy = if mendable { Policy::Fix } else { Policy::Human };
            let hit = Hit::at(line, subject, why).policy(policy).weight(Weight::Root);
            match start.line(case) {
                Some(line) => hit.place(case.dockerfile_path, line),
                None => hit,
            }
        }
        None => {
            let command = Start::of(case).map(|start| start.text).unwrap_or_default();
            Hit::at(line, command, "the first process ended without an error: it does not stay")
                .confidence(0.8)
                .weight(Weight::Symptom)
        }
    })
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let found = cause(case).filter(|(.., stays)| stays.is_some());
    found
        .and_then(|(subject, start, _)| {
            let why = format!("`{subject}` puts the server into the background and ends, and the service with it");
            Some(Hit::in_file(case.dockerfile_path, start.line(case)?, subject, why).policy(Policy::Fix))
        })
        .into_iter()
        .collect()
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    if let Some((path, at, text)) = script_ends_with_nginx(case) {
        let line = format!("{text} -g 'daemon off;'");
        return Prescription::none().with(
            "stay-in-foreground",
            "Start the server in the foreground",
            "it is the same server; only it stays the first process",
            Applicability::Rehearse,
            Edit::replace(case.workspace, &path, at, at, &[&line]),
        );
    }
    let Some((_, start, Some(words))) = cause(case) else { return Prescription::none() };
    let edit = stay(case, &start, &words);
    Prescription::of(edit.map(|edit| Remedy {
        id: "stay-in-foreground".into(),
        title: "Start the server in the foreground".into(),
        why: "it is the same server; only it stays the first process".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

fn stay(case: &Case<'_>, start: &Start, words: &[String]) -> Option<Edit> {
    let old = start.words.join(" ");
    let quoted: Vec<String> =
        words.iter().map(|word| if word.contains(' ') { format!("'{word}'") } else { word.clone() }).collect();
    match start.place {
        Place::Exec => start.rewritten(case, &json(words)?),
        _ => start.edit(case, &[Change::Replace { old, new: quoted.join(" ") }]),
    }
}
