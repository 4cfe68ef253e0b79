//! `st-permission-runtime`: the service writes where it may not.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "st-permission-runtime",
    what: "The service writes where it may not",
    why: "A user without rights starts the service, and the folder belongs to root.",
    advice: "Give the folder to that user in the Dockerfile, or write to /tmp or a disk.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "EACCES: permission denied",
        "PermissionError: [Errno 13]",
        "Permission denied @ rb_sysopen",
        "(13: Permission denied)",
        "failed (13",
        "failed to open stream: permission denied",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Error: EACCES: permission denied, open '/app/data/store.json'\n    at Object.openSync (node:fs:601:3)",
            subject: "/app/data/store.json",
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "  File \"/app/app.py\", line 2, in <module>\n    os.makedirs('/app/uploads', exist_ok=True)\n  File \"<frozen os>\", line 225, in makedirs\nPermissionError: [Errno 13] Permission denied: '/app/uploads'\n==> Exited with status 3",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN useradd -m web\nWORKDIR /app\nCOPY . .\nUSER web\nCMD [\"python\", \"app.py\"]\n",
                ),
                ("app.py", "import os\nos.makedirs('/app/uploads', exist_ok=True)\n"),
            ],
            subject: "/app/uploads",
            remedy: Some((
                "own-folder",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN useradd -m web\nWORKDIR /app\nCOPY . .\nRUN mkdir -p /app/uploads && chown web /app/uploads\nUSER web\nCMD [\"python\", \"app.py\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "Error: EACCES: permission denied, open '/app/data/store.json'\n    at Object.openSync (node:fs:601:3)",
            files: &[
                ("Dockerfile", "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nUSER node\nCMD [\"node\", \"server.js\"]\n"),
                ("server.js", ""),
                ("data/seed.json", "{}"),
            ],
            subject: "/app/data/store.json",
            remedy: Some((
                "own-folder",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN mkdir -p /app/data && chown node /app/data\nUSER node\nCMD [\"node\", \"server.js\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "2026/11/24 20:06:23 [emerg] 1#1: mkdir() \"/var/lib/nginx/body\" failed (13: Permission denied)\n==> Exited with status 1",
            files: &[(
                "Dockerfile",
                "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y nginx-light\nUSER www-data\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
            )],
            subject: "/var/lib/nginx/body",
            remedy: Some((
                "own-nginx",
                &[(
                    "Dockerfile",
                    "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y nginx-light\nRUN touch /run/nginx.pid && chown -R www-data /var/lib/nginx /run/nginx.pid\nUSER www-data\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"EACCES: permission denied, \w+ '([^']+)'",
    r"PermissionError: \[Errno 13\] Permission denied: '([^']+)'",
    r"Permission denied @ \w+ - (\S+)",
    r#""([^"]+)" could not be opened[^:]*: [Ff]ailed to open stream: Permission denied"#,
    r"\((/[^)\s]+)\): [Ff]ailed to open stream: Permission denied",
    r#"(?:mkdir|open)\(\) "([^"]+)" failed \(13"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.failing.is_some() {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the service may not write to `{subject}`");
    Some(Hit::at(found.line, subject, why))
}

/// Folders that belong to the system, and stay so; in /tmp everyone may write.
const SYSTEM: &[&str] =
    &["/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr"];

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let end = case.dockerfile.instructions().len();
    let user = case.dockerfile.user_at(end).filter(|user| !matches!(user.as_str(), "root" | "0"));
    let stages = case.dockerfile.stages();
    let Some((user, last)) = user.zip(stages.last()) else { return Prescription::none() };
    let mut instructions = last.instructions.clone().rev();
    let Some(before) = instructions.find(|at| case.dockerfile.instructions()[*at].keyword == "USER") else {
        return Prescription::none();
    };
    let path = path::rooted(&case.dockerfile.workdir_at(end), &hit.subject);
    let user_name = user.split(':').next().unwrap_or_default();
    let is_root_before = case.dockerfile.user_at(before).is_none_or(|user| matches!(user.as_str(), "root" | "0"));
    if let Some(own) = nginx_own(case, hit, &path).filter(|_| is_root_before) {
        let line = format!("RUN touch /run/nginx.pid && chown -R {user_name} {own}");
        let (workspace, dockerfile) = (case.workspace, case.dockerfile);
        return Prescription::none().with(
            "own-nginx",
            format!("Give nginx's own folders to the user `{user_name}`"),
            "the user stays, and nginx may write its temporary files and its pid; the rest of the image stays root's",
            Applicability::Rehearse,
            edit::insert_before_instruction(workspace, case.dockerfile_path, dockerfile, before, &[&line]),
        );
    }
    let Some(folder) = folder_to_own(case, hit, &path) else { return Prescription::none() };
    // Only as root a folder is given away.
    let root_before = case.dockerfile.user_at(before).is_none_or(|user| matches!(user.as_str(), "root" | "0"));
    let user = user.split(':').next().unwrap_or_default();
    let line = format!("RUN mkdir -p {folder} && chown {user} {folder}");
    let (workspace, dockerfile) = (case.workspace, case.dockerfile);
    let edit = edit::insert_before_instruction(workspace, case.dockerfile_path, dockerfile, before, &[&line]);
    Prescription::none().with(
        "own-folder",
        format!("Give the folder `{folder}` to the user `{user}`"),
        "the user stays, and may write there; the rest of the image stays root's",
        Applicability::Rehearse,
        edit.filter(|_| root_before),
    )
}

/// What nginx writes to besides its logs: all at once, for it names only the first that it may not write.
fn nginx_own(case: &Case<'_>, hit: &Hit, path: &str) -> Option<String> {
    let by_nginx = hit.line.is_some_and(|line| case.text(line).contains("[emerg]"));
    let folder =
        ["/var/lib/nginx", "/var/cache/nginx", "/var/tmp/nginx"].iter().find(|folder| path.starts_with(*folder));
    let is_pid = path.ends_with("/run/nginx.pid");
    match folder {
        Some(folder) if by_nginx => Some(format!("{folder} /run/nginx.pid")),
        None if by_nginx && is_pid => Some("/run/nginx.pid".to_owned()),
        _ => None,
    }
}

/// The folder that was to be made, or that a file was to be written to. `None` for system folders and for files that are there.
fn folder_to_own(case: &Case<'_>, hit: &Hit, path: &str) -> Option<String> {
    let line = hit.line?;
    let near = line.saturating_sub(3)..line + 1;
    let makes = near.into_iter().any(|at| case.text(at).contains("mkdir") || case.text(at).contains("makedirs"));
    let is_copied = case.workspace.paths().any(|own| path.ends_with(&format!("/{own}")));
    let folder = if makes { path } else { path.rsplit_once('/')?.0 };
    let is_plain = folder.chars().all(|each| each.is_ascii_alphanumeric() || "/._-".contains(each));
    let is_system = SYSTEM.iter().any(|system| folder == *system || folder.starts_with(&format!("{system}/")));
    (!is_copied && !folder.is_empty() && is_plain && !is_system).then(|| folder.to_owned())
}
