//! `go-no-module`: go finds no module for an import.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, copying, golang};
use crate::dockerfile::edit;
use crate::remedy::Applicability;
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "go-no-module",
    what: "Go finds no module for an import",
    why: "go.mod is missing or was not copied, the folder is wrong, or the sources are laid out for GOPATH.",
    advice: "Copy go.mod and go.sum and build in their folder. An old project needs `go mod init` and `go mod \
          tidy` once.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "cannot find package \"",
        "does not begin with hostname",
        "is not in GOROOT",
        "is not in std",
        "cannot find main module",
        "go.mod file not found in current directory",
        "is not part of a module",
        "outside available modules",
        "no Go files in",
        "local import \"",
        "cannot find module for path",
        "does not contain main module",
        "directory prefix",
        "no go files in",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "main.go:10:2: cannot find package \"github.com/coreos/etcd/client\" in any of:\n\t/usr/local/go/src/github.com/coreos/etcd/client (from $GOROOT)",
            subject: "github.com/coreos/etcd/client",
            ..Example::BLANK
        },
        Example {
            log: "#8 0.2 go: go.mod file not found in current directory or any parent directory; see 'go help modules'",
            subject: "go.mod",
            ..Example::BLANK
        },
        Example {
            log: "#9 [build 4/4] RUN go build -o /out/tally .\n#9 0.3 no Go files in /src\n#9 ERROR: process \"/bin/sh -c go build -o /out/tally .\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM golang:1.23\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/tally .\n"),
                ("go.mod", "module example.org/tally\n"),
                ("cmd/tally/main.go", "package main\n\nfunc main() {}\n"),
                ("cmd/import/main.go", "package main\n\nfunc main() {}\n"),
            ],
            subject: "no Go files",
            remedy: Some((
                "build-program",
                &[("Dockerfile", "FROM golang:1.23\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/tally ./cmd/tally\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"package (\S+): cannot find package ""#,
    r#"cannot find package "([^"]+)""#,
    r"package (\S+): no Go files in",
    r"import path does not begin with hostname.*?(\S+)",
    r"package (\S+) is not in (?:GOROOT|std)",
    r#"local import "([^"]+)""#,
    r"cannot find module for path (\S+)",
    r"(go\.mod) file not found in current directory",
    r"cannot find (main module)",
    r"directory (\S+) outside (?:available modules|main module)",
    r"directory prefix (\S+) does not contain",
    r"(no Go files) in \S+",
    r"(working directory) is not part of a module",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = match subject {
        "no Go files" => "the folder that is built holds no program".to_owned(),
        subject => format!("go has no module for `{subject}`"),
    };
    let hit = Hit::at(found.line, subject, why);
    Some(match case.failing_instruction().and_then(|index| Some((index, meant(case, index)?))) {
        Some((index, program)) => {
            let why = format!("the folder that is built holds no program; the program is in `{program}`");
            let line = case.dockerfile.instructions()[index].first_line;
            Hit { why, ..hit }.place(case.dockerfile_path, line).weight(Weight::Root)
        }
        None => hit,
    })
}

/// The folder of the program that instruction `index` was to build, when it names one without Go files.
fn meant(case: &Case<'_>, index: usize) -> Option<String> {
    let build = golang::build(case, index)?;
    let workdir = case.dockerfile.workdir_at(index);
    let named = build.package.trim_start_matches("./").trim_end_matches('/');
    if build.package.contains("...")
        || build.package.ends_with(".go")
        || build.package.contains('$')
        || named.contains("..")
    {
        return None;
    }
    let folder = path::seen_from(&workdir, named);
    let programs = golang::programs(case);
    let origins = copying::origins(case, &format!("/{folder}/main.go"));
    let has_files = |origin: &String| {
        let folder = origin.rsplit_once('/').map_or(".", |(folder, _)| folder);
        programs.iter().any(|program| program == folder)
    };
    if origins.is_empty() || origins.iter().any(has_files) {
        return None;
    }
    // By the name of what is built; else the only program there is.
    let wanted = build.output.as_deref().or(named.rsplit('/').next()).unwrap_or_default();
    let by_name: Vec<&String> = programs.iter().filter(|program| program.rsplit('/').next() == Some(wanted)).collect();
    match (by_name.as_slice(), programs.as_slice()) {
        ([one], _) => Some((*one).clone()),
        ([], [one]) => Some(one.clone()),
        _ => None,
    }
}

/// A program that is built where there are no Go files.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let hit = |index: usize| {
        let (build, program) = (golang::build(case, index)?, meant(case, index)?);
        let named = build.package.trim_start_matches("./").trim_end_matches('/');
        let folder = path::seen_from(&case.dockerfile.workdir_at(index), named);
        let origins = copying::origins(case, &format!("/{folder}/main.go"));
        let has_go = |origin: &String| {
            let folder = origin.rsplit_once('/').map_or("", |(folder, _)| folder);
            let all = case.workspace.under(&case.facts.context).map(|path| path.rsplit_once('/').unwrap_or(("", path)));
            let there = case.in_repository(folder);
            all.into_iter().any(|(of, name)| of == there.trim_end_matches('/') && name.ends_with(".go"))
        };
        let plain = !build.package.contains("://") && !build.command.contains(" -C ");
        (plain && !origins.iter().any(has_go)).then(|| {
            let why = format!("the folder that is built holds no program; the program is in `{program}`");
            case.foreseen(index, "no Go files", why)
        })
    };
    case.runs().find_map(hit).into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let index = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let found = index.and_then(|index| Some((index, golang::build(case, index)?, meant(case, index)?)));
    let Some((index, build, program)) = found else { return Prescription::none() };
    let package = if program == "." { ".".to_owned() } else { format!("./{program}") };
    let new = match build.command.strip_suffix(&build.package).filter(|_| !build.package.is_empty()) {
        Some(start) => format!("{start}{package}"),
        None if build.package.is_empty() => format!("{} {package}", build.command),
        None => return Prescription::none(),
    };
    let replace = |from: &str, to: &str| {
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, from, to)
    };
    // A build over several lines is changed where its last words stand.
    let tail = |text: &str| text.rsplit(['\\', '\n']).next().unwrap_or_default().trim().to_owned();
    let edit = replace(&build.command, &new).or_else(|| replace(&tail(&build.command), &tail(&new)));
    Prescription::none().with(
        "build-program",
        format!("Build `{package}`"),
        "that is where the program's `main` is",
        Applicability::Rehearse,
        edit,
    )
}
