//! `st-entrypoint-missing`: what the container shall start is not there.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{reach, script};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "st-entrypoint-missing",
    what: "What the container shall start is not there",
    why: "The path is wrong, or the script is there but its first line names a shell that is not: `/bin/sh` with a \
          carriage return from Windows, or bash on Alpine.",
    advice: "Correct the path; save the script with Unix line ends; use `/bin/sh` where there is no bash.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["no such file or directory", "executable file not found in $PATH", "sh\r: not found", "/bin/sh^M"],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "OCI runtime create failed: runc create failed: unable to start container process: exec: \"/app/start.sh\": stat /app/start.sh: no such file or directory: unknown",
        files: &[
            ("Dockerfile", "FROM debian\nCOPY scripts/start.sh /start.sh\nCMD [\"/app/start.sh\"]\n"),
            ("scripts/start.sh", "#!/bin/sh\n"),
        ],
        executable: &["scripts/start.sh"],
        subject: "start.sh",
        remedy: Some((
            "correct-path",
            &[("Dockerfile", "FROM debian\nCOPY scripts/start.sh /start.sh\nCMD [\"/start.sh\"]\n")],
        )),
        status: "update_failed",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"exec: \\?"([^"\\]+)\\?": (?:stat \S+: )?no such file or directory"#,
    r"exec (?:container process )?`?(\S+?)`?: [Nn]o such file or directory",
    r#"exec: \\?"([^"\\]*/[^"\\]+)\\?": executable file not found in \$PATH"#,
    r#"exec user process caused:? "?no such file or directory"#,
    r"(\S+\.sh): no such file or directory",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if !reach::is_runtime(case) {
        return None;
    }
    let found = SAID.last(case, lines)?;
    let script =
        script::find(case, found.subject()).or_else(|| script::started(case).filter(|_| found.subject().is_empty()));
    let name = found.subject().rsplit('/').next().unwrap_or_default().to_owned();
    let hit = match script {
        Some(script) if script.has_carriage_returns => {
            let why =
                format!("`{}` has Windows line ends, so its first line names a shell that does not exist", script.path);
            Hit::at(found.line, script.path.rsplit('/').next().unwrap_or(&name), why)
                .place(&script.path, 1)
                .confidence(0.97)
        }
        Some(script) => {
            let why = format!("`{}` is there, but the program of its first line is not", script.path);
            Hit::at(found.line, name.as_str(), why).place(&script.path, 1).confidence(0.85)
        }
        None => {
            let why = format!("the image has no `{}`", found.subject());
            Hit::at(found.line, name.as_str(), why).weight(Weight::Typical).confidence(0.85)
        }
    };
    Some(hit)
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let broken = script::started(case).filter(|script| {
        let first = case.workspace.lines(&script.path).first().is_some_and(|line| line.starts_with("#!"));
        let mended = case.dockerfile.text().contains("dos2unix") || case.dockerfile.text().contains("\\r");
        script.has_carriage_returns && first && script.called_directly && !mended
    });
    broken
        .map(|script| {
            let name = script.path.rsplit('/').next().unwrap_or(&script.path).to_owned();
            let why =
                format!("`{}` has Windows line ends: its first line names a shell that does not exist", script.path);
            Hit::in_file(&script.path, 1, name, why).confidence(0.95)
        })
        .into_iter()
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let named = hit.place.as_ref().and_then(|place| script::at(case, &place.path));
    let remedy = |id: &str, title: String, why: &str, edit| Remedy {
        id: id.into(),
        title,
        why: why.into(),
        applicability: Applicability::Apply,
        edits: vec![edit],
    };
    if let Some(script) = named {
        if script.has_carriage_returns {
            let edit = Edit::LineFeeds { path: script.path.clone() };
            let title = format!("Give `{}` Unix line ends", script.path);
            return Prescription::of([remedy("unix-line-ends", title, "only the line ends change", edit)]);
        }
        let first = case.workspace.lines(&script.path).first().map(|line| (*line).to_owned()).unwrap_or_default();
        let edit = Edit::replace(case.workspace, &script.path, 1, 1, &["#!/bin/sh"]);
        let suggestion = edit.filter(|_| first.contains("bash")).map(|edit| Remedy {
            applicability: Applicability::Suggest,
            ..remedy("use-sh", format!("Run `{}` with /bin/sh", script.path), "the image has no bash", edit)
        });
        return Prescription::of(suggestion);
    }
    let Some(found) = script::find(case, &hit.subject) else { return Prescription::none() };
    let command = case.command();
    let edit = [command.entrypoint, command.cmd].into_iter().flatten().find_map(|index| {
        let words = case.dockerfile.instructions()[index].words();
        let old = words.iter().find(|word| word.ends_with(&format!("/{}", hit.subject)))?;
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            old,
            &found.destination,
        )
    });
    let title = format!("Start `{}`", found.destination);
    Prescription::of(edit.map(|edit| remedy("correct-path", title, "that is where the Dockerfile copies it", edit)))
}
