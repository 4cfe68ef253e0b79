//! `st-py-venv-moved`: a virtual environment was copied to another folder than the one it was made in.

use std::ops::Range;

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::Start;
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "st-py-venv-moved",
    what: "A Python virtual environment was copied to another folder",
    why: "The first line of every program in a virtual environment names the environment's own python by its full path. In another \
          folder that path does not exist, and the system says of the program, which is there: no such file or directory.",
    advice: "Copy the environment to the folder in which the other stage made it, or make it where it shall be.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    before: &["st-entrypoint-missing", "st-server-not-installed", "os-command-missing", "st-exit-wrapper"],
    needles: &["no such file or directory", "bad interpreter", "not found", "required file not found"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "exec /app/.venv/bin/gunicorn: no such file or directory",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim AS builder\nRUN pip install uv\nWORKDIR /build\nCOPY pyproject.toml uv.lock ./\nRUN uv sync --frozen\n\nFROM python:3.12-slim\nWORKDIR /app\nCOPY --from=builder /build/.venv /app/.venv\nENV PATH=\"/app/.venv/bin:$PATH\"\nCMD [\"gunicorn\", \"web:app\"]\n",
            )],
            subject: "/app/.venv",
            remedy: Some((
                "keep-folder",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim AS builder\nRUN pip install uv\nWORKDIR /build\nCOPY pyproject.toml uv.lock ./\nRUN uv sync --frozen\n\nFROM python:3.12-slim\nWORKDIR /app\nCOPY --from=builder /build/.venv /build/.venv\nENV PATH=\"/build/.venv/bin:$PATH\"\nCMD [\"gunicorn\", \"web:app\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "/bin/sh: 1: uvicorn: not found",
            files: &[(
                "Dockerfile",
                "FROM python:3.12 AS build\nRUN python -m venv /opt/venv && /opt/venv/bin/pip install uvicorn\n\nFROM python:3.12-slim\nWORKDIR /app\nCOPY --from=build /opt/venv ./venv\nCOPY app app\nCMD [\"sh\", \"-c\", \"exec /app/venv/bin/uvicorn app:app --host 0.0.0.0 --port $PORT\"]\n",
            )],
            subject: "/app/venv",
            remedy: Some((
                "keep-folder",
                &[(
                    "Dockerfile",
                    "FROM python:3.12 AS build\nRUN python -m venv /opt/venv && /opt/venv/bin/pip install uvicorn\n\nFROM python:3.12-slim\nWORKDIR /app\nCOPY --from=build /opt/venv /opt/venv\nCOPY app app\nCMD [\"sh\", \"-c\", \"exec /opt/venv/bin/uvicorn app:app --host 0.0.0.0 --port $PORT\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

/// The system's and the shells' words for a program whose interpreter is not there.
static SAID: Phrases = Phrases::new(&[
    r"exec (/\S+): no such file or directory",
    r"(/\S+): bad interpreter",
    r"(/\S+): cannot execute: required file not found",
    r"sh: (?:line )?(?:\d+: )?(?:exec: )?([\w./-]+): not found",
]);

/// A virtual environment that the final stage has in another folder than the stage that made it.
struct Moved {
    /// The COPY.
    index: usize,
    /// As the COPY has them.
    written: (String, String),
    /// Where it was made.
    home: String,
    /// Where it is now.
    now: String,
}

fn moved(case: &Case<'_>) -> Option<Moved> {
    let relocatable = ["relocatable", "RELOCATABLE", "conda-pack", "venv-pack"];
    if relocatable.iter().any(|word| case.dockerfile.text().contains(word)) {
        return None;
    }
    final_stage(case)?.find_map(|index| {
        let instruction = &case.dockerfile.instructions()[index];
        instruction.flag("from")?;
        let (sources, to) = instruction.copy_paths()?;
        let [source] = sources.as_slice() else { return None };
        let is_venv = source.trim_end_matches('/').rsplit('/').next()?.contains("venv");
        let home = format!("/{}", source.trim_matches('/'));
        let now = match to.strip_prefix('/') {
            Some(_) => to.trim_end_matches('/').to_owned(),
            None => {
                let below = to.trim_start_matches("./").trim_matches('/');
                format!("{}/{below}", case.dockerfile.workdir_at(index).trim_end_matches('/'))
            }
        };
        let plain = !source.contains(['$', '*']) && !to.contains('$');
        (is_venv && plain && home != now).then(|| Moved { index, written: (source.clone(), to), home, now })
    })
}

fn final_stage(case: &Case<'_>) -> Option<Range<usize>> {
    Some(case.dockerfile.stages().last()?.instructions.clone())
}

/// Whether the image starts a program of that environment, and not its python.
fn starts_program(case: &Case<'_>, moved: &Moved) -> bool {
    let Some(start) = Start::of(case) else { return false };
    let first = start.words.first().map_or("", String::as_str);
    let bin = format!("{}/bin", moved.now);
    let on_path = case.dockerfile.env_at(case.dockerfile.instructions().len());
    let on_path = on_path.get("PATH").is_some_and(|path| path.contains(&bin));
    let is_python = first.rsplit('/').next().is_some_and(|name| name.starts_with("python"));
    !is_python && (first.starts_with(&bin) || on_path && !first.contains('/') && start.server().is_some())
}

fn why(moved: &Moved) -> String {
    format!(
        "the virtual environment was made in `{}` and copied to `{}`: the first line of its programs still names a python in the other folder",
        moved.home, moved.now
    )
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.failing.is_some() {
        return None;
    }
    let found = SAID.last(case, lines)?;
    let moved = moved(case).filter(|moved| starts_program(case, moved))?;
    let line = case.dockerfile.instructions()[moved.index].first_line;
    Some(Hit::at(found.line, &moved.now, why(&moved)).place(case.dockerfile_path, line).confidence(0.97))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let moved = moved(case).filter(|moved| starts_program(case, moved));
    let hit = moved.map(|moved| {
        let line = case.dockerfile.instructions()[moved.index].first_line;
        Hit::in_file(case.dockerfile_path, line, &moved.now, why(&moved)).confidence(0.95)
    });
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(moved) = moved(case) else { return Prescription::none() };
    Prescription::of(keep_folder(case, &moved).map(|edits| Remedy {
        id: "keep-folder".into(),
        title: format!("Keep the virtual environment in `{}`", moved.home),
        why: "its programs name their python by that path".into(),
        applicability: Applicability::Rehearse,
        edits,
    }))
}

/// Everything of the final stage that names the new folder names the first one.
fn keep_folder(case: &Case<'_>, moved: &Moved) -> Option<Vec<Edit>> {
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let (source, to) = &moved.written;
    let (from, kept) = (format!("{source} {to}"), format!("{source} {}", moved.home));
    let mut edits = vec![edit::replace_in_instruction(workspace, path, dockerfile, moved.index, &from, &kept)?];
    for index in final_stage(case)?.filter(|index| *index != moved.index) {
        if dockerfile.instructions()[index].args.contains(&moved.now) {
            edits.push(edit::replace_in_instruction(workspace, path, dockerfile, index, &moved.now, &moved.home)?);
        }
    }
    Some(edits)
}
