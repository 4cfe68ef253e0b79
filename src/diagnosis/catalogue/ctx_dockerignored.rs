//! `ctx-dockerignored`: a file is in the repository, but the ignore file keeps it from the build.

use crate::diagnosis::Case;
use crate::diagnosis::copying;
use crate::diagnosis::golang;
use crate::diagnosis::needed;
use crate::diagnosis::phrase::{self, Phrases};
use crate::diagnosis::python::modules;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "ctx-dockerignored",
    what: "The ignore file keeps a file from the build that the build needs",
    why: "What .dockerignore names never reaches the builder: COPY says that it is not there, or leaves it out in silence and \
          a later step, or the started program, misses it.",
    advice: "Add an exception for just that path below the line that ignores it.",
    stage: Stage::ContextCopy,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "not found",
        "no such file or directory",
        "COPY failed",
        "ADD failed",
        "failed to walk",
        "can't open file",
        "cannot find",
        "cannot stat",
        "does not exist",
        "Cannot find module",
        "ENOENT",
        "No module named",
        "no matching files found",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#8 [4/6] COPY pyproject.toml requirements.lock ./\n#8 ERROR: \"/requirements.lock\" not found: not found\n------\n > [4/6] COPY pyproject.toml requirements.lock ./:\n------\nfailed to compute cache key: \"/requirements.lock\" not found: not found",
            files: &[
                ("Dockerfile", "FROM python:3.11\nCOPY pyproject.toml requirements.lock ./\n"),
                ("pyproject.toml", ""),
                ("requirements.lock", "babel==2.17.0\n"),
                (".dockerignore", "node_modules\n*.lock\n"),
            ],
            subject: "requirements.lock",
            remedy: Some(("add-exception", &[(".dockerignore", "node_modules\n*.lock\n!requirements.lock\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/srv/rates/app/table.py\", line 19, in load\nFileNotFoundError: [Errno 2] No such file or directory: '/srv/rates/app/data/table.json'",
            files: &[
                ("Dockerfile", "FROM python:3.11\nWORKDIR /srv/rates\nCOPY app app\n"),
                ("app/table.py", ""),
                ("app/data/table.json", "{}"),
                (".dockerignore", "**/*.json\n"),
            ],
            subject: "app/data/table.json",
            remedy: Some(("add-exception", &[(".dockerignore", "**/*.json\n!app/data/table.json\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "#10 [build 4/5] RUN go build -o /bin/almanac ./cmd/almanac\n#10 1.1 cmd/almanac/main.go:16:12: pattern data/*.csv: no matching files found\n#10 ERROR: process \"/bin/sh -c go build -o /bin/almanac ./cmd/almanac\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM golang:1.23\nWORKDIR /src\nCOPY . ./\nRUN go build -o /bin/almanac ./cmd/almanac\n",
                ),
                ("cmd/almanac/main.go", "package main\n"),
                ("cmd/almanac/data/seasons.csv", "season\n"),
                (".dockerignore", "**/*.csv\n"),
            ],
            subject: "cmd/almanac/data/seasons.csv",
            remedy: Some(("add-exception", &[(".dockerignore", "**/*.csv\n!cmd/almanac/data/seasons.csv\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/app/app.py\", line 1, in <module>\n    import helpers.text\nModuleNotFoundError: No module named 'helpers'\n==> Exited with status 3",
            files: &[
                ("Dockerfile", "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"app.py\"]\n"),
                ("app.py", "import helpers.text\n"),
                ("helpers/__init__.py", ""),
                ("helpers/text.py", "x = 1\n"),
                (".dockerignore", ".git\nhelpers\n"),
            ],
            subject: "helpers",
            remedy: Some(("add-exception", &[(".dockerignore", ".git\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static PATH: Phrases = Phrases::new(&[r#"['"`‘“]?((?:\.{0,2}/)?[\w@.+\-]+(?:/[\w@.+\-]+)*/?)['"`’”]?"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    case.context.ignore_file()?;
    if let Some(missing) = copying::missing(case, lines)
        && let Some(path) = ignored(case, &missing.path)
    {
        return Some(hit_of(case, Hit::at(missing.at, &path, why(case, &path))));
    }
    if let Some(missing) = modules::missing(case, lines)
        && let Some(path) = ignored_module(case, &missing)
    {
        return Some(hit_of(case, Hit::at(missing.line, &path, why(case, &path))));
    }
    if let Some((line, path)) =
        golang::embedded(case, lines).and_then(|(line, path)| Some((line, ignored(case, &path)?)))
    {
        return Some(hit_of(case, Hit::at(line, &path, why(case, &path))));
    }
    for at in lines.iter().rev().copied().filter(|at| phrase::is_said(case, *at)) {
        for found in PATH.each(case.text(at)) {
            let named = &found[1];
            if !named.contains(['/', '.']) || named.len() < 3 {
                continue;
            }
            let origins = copying::origins(case, named);
            if let Some(path) = origins.iter().find_map(|origin| ignored(case, origin)) {
                return Some(hit_of(case, Hit::at(at, &path, why(case, &path))));
            }
        }
    }
    None
}

/// The file or folder of the project's own Python module that is missing, when it is the ignore file that keeps it away.
fn ignored_module(case: &Case<'_>, missing: &modules::Missing) -> Option<String> {
    let whole = missing.module.replace('.', "/");
    let above = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut roots = vec![String::new(), "src/".to_owned()];
    roots.extend(missing.importer.iter().flat_map(|path| copying::origins(case, path)).map(|path| above(&path)));
    roots.iter().find_map(|root| {
        [format!("{root}{}", missing.top()), format!("{root}{whole}"), format!("{root}{whole}.py")]
            .iter()
            .find_map(|path| ignored(case, path))
    })
}

/// `path` when the repository has it and the ignore file keeps all of it away.
fn ignored(case: &Case<'_>, path: &str) -> Option<String> {
    let path = copying::plain(path);
    let there = case.in_repository(&path);
    let exists = case.workspace.contains(&there) || case.workspace.has_folder(&there);
    (!path.is_empty() && exists && !case.context.holds(&path) && case.context.ignored_by(&path).is_some())
        .then_some(path)
}

fn why(case: &Case<'_>, path: &str) -> String {
    let line = case.context.ignored_by(path).map(|(_, text)| text).unwrap_or_default();
    format!("`{path}` is in the repository, but the line `{line}` of the ignore file keeps it from the build")
}

fn hit_of(case: &Case<'_>, hit: Hit) -> Hit {
    let line = case.context.ignored_by(&hit.subject).map(|(line, _)| line);
    let hit = hit.confidence(0.97);
    match (case.context.ignore_file(), line) {
        (Some(file), Some(line)) => hit.place(file, line),
        _ => hit,
    }
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let Some(file) = case.context.ignore_file() else { return vec![] };
    let copied = copying::absent(case).into_iter().map(|(_, _, path)| path);
    let missed = copied.chain(needed::paths(case)).filter_map(|path| ignored(case, &path));
    let mut out: Vec<Hit> = Vec::new();
    for path in missed {
        let Some((line, _)) = case.context.ignored_by(&path) else { continue };
        if !out.iter().any(|hit| hit.subject == path) {
            out.push(Hit::in_file(file, line, &path, why(case, &path)).confidence(0.97));
        }
    }
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::none().with(
        "add-exception",
        format!("Let `{}` through the ignore file", hit.subject),
        "only this path comes back; everything else stays ignored",
        Applicability::Apply,
        case.context.without_ignore_line(case.workspace, &hit.subject),
    )
}
