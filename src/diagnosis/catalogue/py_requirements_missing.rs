//! `py-requirements-missing`: pip is given a requirements file that is not there.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{self, Install, installs, start};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "py-requirements-missing",
    what: "The requirements file is not in the image when pip wants it",
    why: "At that step only what earlier COPY lines brought is there. The file was not copied yet, lies in another folder, or has \
          another name.",
    advice: "Copy the file before the step that installs from it, or write the path where it is.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "could not open requirements file",
        "error: file not found: `requirements",
        "no such file or directory: 'requirements",
        "could not open constraints",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#6 [3/4] RUN pip install -r requirements.txt\n#6 0.5 ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'\n#6 ERROR: process \"/bin/sh -c pip install -r requirements.txt\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nRUN pip install -r requirements.txt\nCOPY . .\n"),
                ("requirements.txt", "flask\n"),
            ],
            subject: "requirements.txt",
            remedy: Some((
                "copy-first",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt requirements.txt\nRUN pip install -r requirements.txt\nCOPY . .\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'\nThe command '/bin/sh -c pip install -r requirements.txt' returned a non-zero code: 1",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"),
                ("api/requirements.txt", "flask\n"),
            ],
            subject: "requirements.txt",
            remedy: Some((
                "correct-path",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r api/requirements.txt\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nRUN pip install -r requirements.txt\nCOPY . .\n"),
                ("requirements.txt", "flask\n"),
            ],
            subject: "requirements.txt",
            remedy: Some((
                "copy-first",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt requirements.txt\nRUN pip install -r requirements.txt\nCOPY . .\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static MISSING: Phrases = Phrases::new(&[
    r"Could not open (?:requirements|constraints?) file: .*?'([^']+)'|error: File not found: `([^`]+)`|No such file or directory: '(requirements[^']*)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = MISSING.last(case, lines)?;
    let subject = found.subject();
    let why = format!("`{subject}` is not in the image at the step that installs from it");
    Some(Hit::at(found.line, subject, why).confidence(0.98))
}

/// Steps that read a file which no COPY of their stage can have brought, and no command can have made.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut out = Vec::new();
    for install in installs(case) {
        for file in &install.files {
            if is_absent(case, &install, file) {
                let line = case.dockerfile.instructions()[install.index].first_line;
                let why = format!("`{file}` is not in the image at line {line}, which installs from it");
                out.push(Hit::in_file(case.dockerfile_path, line, file.clone(), why).confidence(0.9));
            }
        }
    }
    out
}

fn is_absent(case: &Case<'_>, install: &Install, file: &str) -> bool {
    let instructions = case.dockerfile.instructions();
    let Some(stage) = case.dockerfile.stage_of(install.index).and_then(|at| case.dockerfile.stages().get(at).cloned())
    else {
        return false;
    };
    let official = python::base_of(case, install.index)
        .is_some_and(|base| base.stage == stage.index && !base.image.contains('/') && base.minor.is_some());
    let step = &instructions[install.index];
    let simple =
        step.flag("mount").is_none() && step.heredocs.is_empty() && !step.args.contains("cd ") && !file.contains('$');
    let earlier = &instructions[stage.instructions.start..install.index];
    let name = file.rsplit('/').next().unwrap_or(file);
    if earlier.iter().any(|each| each.keyword == "COPY" && each.args.contains(name)) {
        return false;
    }
    let made = earlier.iter().any(|each| match each.keyword.as_str() {
        "RUN" => {
            ![
                "apt-get ",
                "apk ",
                "pip install",
                "python -m venv",
                "mkdir",
                "useradd",
                "adduser",
                "groupadd",
                "addgroup",
            ]
            .iter()
            .any(|known| each.args.contains(known))
                || each.args.contains("git")
                || each.args.contains("curl")
                || each.args.contains("wget")
        }
        "COPY" | "ADD" => {
            each.flag("from").is_some()
                || !each.heredocs.is_empty()
                || each.args.contains("://")
                || each.args.contains(['*', '?', '$'])
        }
        "ONBUILD" => true,
        _ => false,
    });
    official
        && simple
        && !made
        && !step.args.split(file).next().unwrap_or_default().contains("&&")
        && !is_copied(case, install.index, file)
}

/// Whether some COPY of the stage above `index` brings the file that is known there as `written`.
fn is_copied(case: &Case<'_>, index: usize, written: &str) -> bool {
    start::in_image(case, index)
        .iter()
        .any(|(path, _)| *path == path::rooted(&case.dockerfile.workdir_at(index), written))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let written = &hit.subject;
    let by_log = case.failing_instruction();
    let wants = |install: &Install| install.files.iter().chain(&install.constraints).any(|file| file == written);
    let Some(install) =
        installs(case).into_iter().find(|install| by_log.is_none_or(|index| install.index == index) && wants(install))
    else {
        return Prescription::none();
    };
    let (path, dockerfile, workspace, index) = (case.dockerfile_path, case.dockerfile, case.workspace, install.index);
    let name = written.rsplit('/').next().unwrap_or(written);
    let copied: Vec<(String, String)> =
        start::in_image(case, index).into_iter().filter(|(image, _)| image.rsplit('/').next() == Some(name)).collect();
    if let [(image, _)] = copied.as_slice() {
        let workdir = dockerfile.workdir_at(index);
        let relative = image.strip_prefix(workdir.trim_end_matches('/')).map(|rest| rest.trim_start_matches('/'));
        let right = relative.unwrap_or(image);
        let edit = edit::replace_in_instruction(workspace, path, dockerfile, index, written, right);
        return Prescription::of(edit.map(|edit| Remedy {
            id: "correct-path".into(),
            title: format!("Install from `{right}` in place of `{written}`"),
            why: "that is where the COPY above puts the only file of this name".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }));
    }
    let same: Vec<String> =
        case.context.paths().filter(|path| path.rsplit('/').next() == Some(name)).map(str::to_owned).collect();
    let top = same.iter().find(|path| path.as_str() == name).or_else(|| same.first().filter(|_| same.len() == 1));
    let Some(source) = top.filter(|_| copied.is_empty()) else { return Prescription::none() };
    let edit =
        edit::insert_before_instruction(workspace, path, dockerfile, index, &[&format!("COPY {source} {written}")]);
    Prescription::of(edit.filter(|_| !source.contains(' ')).map(|edit| Remedy {
        id: "copy-first".into(),
        title: format!("Copy `{source}` before it is installed from"),
        why: "the repository has the file, and no earlier step brings it into the image".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
