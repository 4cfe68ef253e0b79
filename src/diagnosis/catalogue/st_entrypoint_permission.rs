//! `st-entrypoint-permission`: the start script may not be executed.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{reach, script};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "st-entrypoint-permission",
    what: "The start script may not be executed",
    why: "git keeps whether a file is executable, Windows does not: the script arrived in the image without that bit.",
    advice: "Run `git update-index --chmod=+x` on it, or `RUN chmod +x` after it is copied.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["permission denied"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"./entrypoint.sh\": permission denied: unknown\n==> Exited with status 126",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY entrypoint.sh .\nUSER web\nENTRYPOINT [\"./entrypoint.sh\"]\n",
                ),
                ("entrypoint.sh", "#!/bin/sh\r\nexec python app.py\r\n"),
            ],
            subject: "entrypoint.sh",
            remedy: Some(("make-executable", &[("entrypoint.sh", "#!/bin/sh\nexec python app.py\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[
                ("Dockerfile", "FROM debian\nCOPY start.sh /start.sh\nCMD [\"/start.sh\"]\n"),
                ("start.sh", "#!/bin/sh\nexec true\n"),
            ],
            subject: "start.sh",
            remedy: Some(("make-executable", &[("start.sh", "#!/bin/sh\nexec true\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"exec: \\?"([^"\\]+)\\?": permission denied"#,
    r"exec (\S+?): [Pp]ermission denied",
    r"(?:sh|bash|exec)?:? ?(?:line )?\d*:? ?(\S+\.sh): [Pp]ermission denied",
    r#"exec user process caused "?:? ?"?permission denied"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if !reach::is_runtime(case) {
        return None;
    }
    let found = SAID.last(case, lines)?;
    let script = script::find(case, found.subject()).or_else(|| script::started(case));
    let name = match &script {
        Some(script) => script.path.rsplit('/').next().unwrap_or(&script.path).to_owned(),
        None => found.subject().rsplit('/').next().unwrap_or_default().to_owned(),
    };
    let hit =
        Hit::at(found.line, name.as_str(), format!("`{name}` lacks the executable bit in the image")).confidence(0.96);
    Some(match &script {
        Some(script) => hit.place(&script.path, 1),
        None => hit,
    })
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let script = script::started(case)
        .filter(|script| !script.is_executable && !script.made_executable && script.called_directly);
    script
        .map(|script| {
            let name = script.path.rsplit('/').next().unwrap_or(&script.path).to_owned();
            let why = format!("`{name}` is started directly, but it is not executable");
            Hit::in_file(&script.path, 1, name, why).confidence(0.95)
        })
        .into_iter()
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let named = hit.place.as_ref().and_then(|place| script::at(case, &place.path));
    let Some(script) = named.or_else(|| script::find(case, &hit.subject)) else { return Prescription::none() };
    let mut out = Vec::new();
    if !script.is_executable {
        let mut edits = vec![Edit::Executable { path: script.path.clone() }];
        if script.has_carriage_returns {
            edits.insert(0, Edit::LineFeeds { path: script.path.clone() });
        }
        out.push(Remedy {
            id: "make-executable".into(),
            title: format!(
                "Make `{}` executable{}",
                script.path,
                if edits.len() > 1 { ", with Unix line ends" } else { "" }
            ),
            why: "the script is meant to be run; its content stays".into(),
            applicability: Applicability::Apply,
            edits,
        });
    }
    let line = format!("RUN chmod +x {}", script.destination);
    let after =
        edit::insert_after_instruction(case.workspace, case.dockerfile_path, case.dockerfile, script.copy, &[&line]);
    out.extend(after.filter(|_| !script.made_executable).map(|edit| Remedy {
        id: "chmod-in-image".into(),
        title: format!("Make `{}` executable in the image", script.destination),
        why: "the bit does not depend on where the file was committed".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }));
    Prescription::of(out)
}
