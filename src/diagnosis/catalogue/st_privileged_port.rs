//! `st-privileged-port`: a user without rights binds a port below 1024.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::Start;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-privileged-port",
    what: "A user without rights binds a port below 1024",
    why: "Ports below 1024 belong to root, and the Dockerfile starts the service as another user.",
    advice: "Listen on the port of the variable PORT, which is above 1024.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "bind() to",
        "listen EACCES",
        "bind: permission denied",
        "permission denied 0.0.0.0",
        "error while attempting to bind",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "ERROR:    [Errno 13] error while attempting to bind on address ('0.0.0.0', 80): permission denied\n==> Exited with status 1",
        files: &[(
            "Dockerfile",
            "FROM python:3.12\nUSER web\nCMD [\"uvicorn\", \"a:b\", \"--host\", \"0.0.0.0\", \"--port\", \"80\"]\n",
        )],
        subject: "80",
        remedy: Some((
            "port-from-platform",
            &[(
                "Dockerfile",
                "FROM python:3.12\nUSER web\nCMD [\"sh\", \"-c\", \"exec uvicorn a:b --host 0.0.0.0 --port ${PORT:-80}\"]\n",
            )],
        )),
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"bind\(\) to \S*?:(\d+) failed \(13",
    r"listen EACCES: permission denied (?:\S*:)?(\d+)",
    r"error while attempting to bind on address \('[^']*', (\d+)\): permission denied",
    r"listen tcp \S*?:(\d+): bind: permission denied",
    r"permission denied \S*:(\d+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.last(case, lines)?;
    let why = format!("port {} is below 1024, and the service does not run as root", found.subject());
    Some(Hit::at(found.line, found.subject(), why).confidence(0.96))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(start) = Start::of(case) else { return Prescription::none() };
    let edit = start.edit(case, &start.listening_on_port(case));
    Prescription::of(edit.map(|edit| Remedy {
        id: "port-from-platform".into(),
        title: "Listen on the port of the variable PORT".into(),
        why: "the platform sets it, and it is above 1024".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
