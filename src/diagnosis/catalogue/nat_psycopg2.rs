//! `nat-psycopg2`: psycopg2 is built from source and does not find PostgreSQL's client library.

use crate::diagnosis::Case;
use crate::diagnosis::native::{compiler, for_package, install_remedy};
use crate::diagnosis::python::{self, installs, outlook, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "nat-psycopg2",
    what: "psycopg2 cannot be built: pg_config or libpq is missing",
    why: "The package `psycopg2` has no ready wheels for Linux. It is compiled, which needs a C compiler, and libpq's headers with \
          `pg_config`.",
    advice: "Install a compiler and libpq-dev before pip runs (and libpq5 where the service runs), or use psycopg2-binary.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "pg_config executable not found",
        "error: pg_config",
        "pg_config: not found",
        "libpq-fe.h",
        "unable to find pg_config",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#8 [4/5] RUN pip install -r requirements.txt\n#8 3.1       Error: pg_config executable not found.\n#8 3.1       \n#8 3.1       pg_config is required to build psycopg2 from source.  Please add the directory\n#8 ERROR: process \"/bin/sh -c pip install -r requirements.txt\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"app.py\"]\n",
                ),
                ("requirements.txt", "psycopg2==2.9.9\n"),
            ],
            subject: "psycopg2",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential libpq-dev \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"app.py\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#9 [build 4/4] RUN pip wheel -w /w -r requirements.txt\n#9 3.1       Error: pg_config executable not found.\n#9 ERROR: process \"/bin/sh -c pip wheel -w /w -r requirements.txt\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-alpine AS build\nRUN apk add --no-cache git\nCOPY requirements.txt .\nRUN pip wheel -w /w -r requirements.txt\n\nFROM python:3.12-alpine\nCOPY --from=build /w /w\nRUN pip install /w/*.whl\nCMD [\"python\"]\n",
                ),
                ("requirements.txt", "psycopg2==2.9.9\n"),
            ],
            subject: "psycopg2",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-alpine AS build\nRUN apk add --no-cache build-base postgresql-dev git\nCOPY requirements.txt .\nRUN pip wheel -w /w -r requirements.txt\n\nFROM python:3.12-alpine\nRUN apk add --no-cache libpq\nCOPY --from=build /w /w\nRUN pip install /w/*.whl\nCMD [\"python\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let says = |at: &&usize| {
        let text = case.text(**at);
        text.contains("rror: pg_config")
            || text.contains("pg_config executable not found")
            || text.contains("pg_config: not found")
            || text.contains("libpq-fe.h")
    };
    let line = lines.iter().find(says)?;
    Some(
        Hit::at(*line, "psycopg2", "psycopg2 is compiled here, and PostgreSQL's client library is not installed")
            .confidence(0.97),
    )
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let found = outlook::compiled(case).into_iter().find(|found| found.name == "psycopg2");
    let hit = found.map(|found| {
        let line = case.dockerfile.instructions()[found.index].first_line;
        let why = match found.lacks_library {
            true => "psycopg2 is compiled here, and PostgreSQL's client library is not installed",
            false => "psycopg2 is compiled here, and neither a compiler nor PostgreSQL's client library is installed",
        };
        Hit::in_file(case.dockerfile_path, line, "psycopg2", why).confidence(0.95)
    });
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let mut out = Vec::new();
    let named = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let index = case.failing_instruction().or(named).or_else(|| installs(case).last().map(|install| install.index));
    if let (Some(index), Some(need)) = (index, for_package("psycopg2")) {
        let why = "psycopg2 is compiled against libpq, which has to be there for that";
        out.extend(install_remedy(case, index, &[compiler(), need], why));
    }
    let entries = python::entries_for(case, "psycopg2");
    if let [entry] = entries.as_slice()
        && let Some(found) = entry.requirement()
        && pins::pin_of(case, "psycopg2-binary").is_none()
        && let Some(edit) =
            requirements::set_text(case.workspace, entry, &entry.text.replacen(&found.name, "psycopg2-binary", 1))
    {
        out.push(Remedy {
            id: "use-binary".into(),
            title: "Use psycopg2-binary of the same version".into(),
            why: "it is the same code with the library built in".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    Prescription::of(out)
}
