//! `st-entrypoint-missing`: what the container shall start is not there.

use crate::diagnosis::base::{self, Family};
use crate::diagnosis::dotnet;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::{reach, script};
use crate::diagnosis::{Case, installs, node};
use crate::dockerfile::{StageBase, edit};
use crate::remedy::{Applicability, Edit, Remedy};
use crate::workspace::path;

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
    needles: &[
        "no such file or directory",
        "executable file not found in $PATH",
        "sh\r: not found",
        "/bin/sh^M",
        ": not found",
        ".dll' does not exist",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
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
        },
        Example {
            log: "OCI runtime create failed: runc create failed: unable to start container process: exec: \"./tally\": stat ./tally: no such file or directory: unknown",
            files: &[(
                "Dockerfile",
                "FROM golang AS build\nRUN go build -o /out/tally\nFROM debian\nWORKDIR /srv\nCOPY --from=build /out/tally /usr/local/bin/\nCMD [\"./tally\"]\n",
            )],
            subject: "tally",
            remedy: Some((
                "correct-path",
                &[(
                    "Dockerfile",
                    "FROM golang AS build\nRUN go build -o /out/tally\nFROM debian\nWORKDIR /srv\nCOPY --from=build /out/tally /usr/local/bin/\nCMD [\"/usr/local/bin/tally\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "/usr/local/bin/docker-entrypoint.sh: exec: line 11: ./start.sh: not found\n==> Exited with status 127",
            files: &[
                ("Dockerfile", "FROM node:20-alpine\nWORKDIR /app\nCOPY start.sh ./\nCMD [\"./start.sh\"]\n"),
                ("start.sh", "#!/bin/bash\nset -euo pipefail\nexport SALE=\"${SALE:-spring}\"\nexec node server.js\n"),
            ],
            executable: &["start.sh"],
            subject: "start.sh",
            remedy: Some((
                "use-sh",
                &[("start.sh", "#!/bin/sh\nset -euo pipefail\nexport SALE=\"${SALE:-spring}\"\nexec node server.js\n")],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "The command could not be loaded, possibly because:\n  * You intended to execute a .NET application:\n      The application 'Orders.dll' does not exist.\n  * You intended to execute a .NET SDK command:\n      No .NET SDKs were found.\n==> Exited with status 145",
            files: &[
                (
                    "Dockerfile",
                    "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build\nWORKDIR /src\nCOPY . .\nRUN dotnet publish src/Orders.Api/Orders.Api.csproj -c Release -o /out\nFROM mcr.microsoft.com/dotnet/aspnet:8.0\nWORKDIR /app\nCOPY --from=build /out .\nENTRYPOINT [\"dotnet\", \"Orders.dll\"]\n",
                ),
                ("src/Orders.Api/Orders.Api.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>\n"),
                ("src/Orders.Core/Orders.Core.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>\n"),
            ],
            subject: "Orders.dll",
            remedy: Some((
                "start-published",
                &[(
                    "Dockerfile",
                    "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build\nWORKDIR /src\nCOPY . .\nRUN dotnet publish src/Orders.Api/Orders.Api.csproj -c Release -o /out\nFROM mcr.microsoft.com/dotnet/aspnet:8.0\nWORKDIR /app\nCOPY --from=build /out .\nENTRYPOINT [\"dotnet\", \"Orders.Api.dll\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "exec ./start.sh: no such file or directory\n==> Exited with status 255",
            files: &[
                ("Dockerfile", "FROM node:20-alpine\nWORKDIR /app\nCOPY start.sh ./\nCMD [\"./start.sh\"]\n"),
                ("start.sh", "#!/usr/bin/env bash\nif [[ $SALE == s* ]]; then echo spring; fi\nexec node server.js\n"),
            ],
            executable: &["start.sh"],
            subject: "start.sh",
            remedy: Some((
                "install-bash",
                &[(
                    "Dockerfile",
                    "FROM node:20-alpine\nWORKDIR /app\nCOPY start.sh ./\nRUN apk add --no-cache bash\nCMD [\"./start.sh\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"exec: \\?"([^"\\]+)\\?": (?:stat \S+: )?no such file or directory"#,
    r"exec (?:container process )?`?(\S+?)`?: [Nn]o such file or directory",
    r#"exec: \\?"([^"\\]*/[^"\\]+)\\?": executable file not found in \$PATH"#,
    r#"exec user process caused:? "?no such file or directory"#,
    r"(\S+\.sh): no such file or directory",
    r"exec: (?:line )?\d*:? ?(\S*/\S+): not found",
    r"^(?:/bin/)?sh: (?:\d+: )?(\.{0,2}/[\w./-]+): not found",
    r"The application '([^']+\.dll)' does not exist",
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

/// The start of the program that the project is published as.
fn published(case: &Case<'_>, hit: &Hit) -> Option<Remedy> {
    let program = dotnet::program(case)?;
    let right = format!("{program}.dll");
    let command = case.command();
    let edit = [command.entrypoint, command.cmd].into_iter().flatten().find_map(|index| {
        let words = case.dockerfile.instructions()[index].words();
        let old = words.iter().find(|word| word.rsplit('/').next() == Some(hit.subject.as_str()))?;
        let new = format!("{}{right}", old.strip_suffix(hit.subject.as_str())?);
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, old, &new)
    });
    edit.map(|edit| Remedy {
        id: "start-published".into(),
        title: format!("Start `{right}`"),
        why: format!("that is what `dotnet publish` makes of the project; there is no `{}`", hit.subject),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let broken = script::started(case).filter(|script| {
        let first = case.workspace.lines(&script.path).first().is_some_and(|line| line.starts_with("#!"));
        let mended = case.dockerfile.text().contains("dos2unix") || case.dockerfile.text().contains("\\r");
        script.has_carriage_returns && first && script.called_directly && !mended
    });
    let windows = broken.map(|script| {
        let name = script.path.rsplit('/').next().unwrap_or(&script.path).to_owned();
        let why = format!("`{}` has Windows line ends: its first line names a shell that does not exist", script.path);
        Hit::in_file(&script.path, 1, name, why).confidence(0.95)
    });
    windows.or_else(|| without_bash(case)).into_iter().chain(elsewhere(case)).collect()
}

/// A script for bash that an official Alpine image starts, where no step installs bash.
fn without_bash(case: &Case<'_>) -> Option<Hit> {
    let script = script::started(case).filter(|script| script.called_directly)?;
    let first = (*case.workspace.lines(&script.path).first()?).to_owned();
    let last = case.dockerfile.instructions().len().checked_sub(1)?;
    let base = base::of(case, last).filter(|base| base.image.official().is_some())?;
    let steps = node::history(case, last).into_iter().chain([last]);
    let brought = steps.into_iter().any(|at| {
        let each = &case.dockerfile.instructions()[at];
        each.keyword == "RUN" && ["bash", ".sh", "xargs", "$("].iter().any(|word| each.args.contains(word))
    });
    // The image of nginx and those of databases come with it.
    let bare = ["alpine", "node", "python", "golang", "ruby", "php", "rust"].contains(&base.image.official()?);
    let wanted = matches!(
        first.trim_start_matches("#!").trim(),
        "/bin/bash" | "/usr/bin/env bash" | "/usr/bin/bash" | "/bin/bash -e"
    );
    (bare && wanted && !brought && base.family() == Some(Family::Alpine)).then(|| {
        let name = script.path.rsplit('/').next().unwrap_or(&script.path).to_owned();
        let why = format!("`{}` is there, but the program of its first line, bash, is not", script.path);
        Hit::in_file(&script.path, 1, name, why).confidence(0.95)
    })
}

/// A program that the image starts by a path where no step puts it, while another stage's result of that name goes elsewhere.
fn elsewhere(case: &Case<'_>) -> Option<Hit> {
    let command = case.command();
    let index = command.entrypoint.or(command.cmd)?;
    let words = case.dockerfile.instructions()[index].exec()?;
    let word = words.first().filter(|word| word.contains('/') && !word.contains('$'))?;
    let name = word.rsplit('/').next()?;
    let end = case.dockerfile.instructions().len();
    let wanted = path::rooted(&case.dockerfile.workdir_at(end), word);
    let there = script::program(case, name).filter(|there| *there != wanted)?;
    let last = end.checked_sub(1)?;
    let bare = matches!(case.dockerfile.stages().last()?.base, StageBase::Scratch)
        || base::of(case, last)
            .is_some_and(|base| matches!(base.image.official(), Some("alpine" | "debian" | "ubuntu" | "busybox")));
    let steps = node::history(case, last).into_iter().chain([last]);
    let settled = steps.into_iter().all(|at| !may_put(case, at, &wanted));
    (bare && settled).then(|| {
        case.foreseen(index, name, format!("the image has no `{word}`: the Dockerfile copies it to `{there}`"))
    })
}

/// Whether instruction `at` may bring a program to `wanted`, an absolute path.
fn may_put(case: &Case<'_>, at: usize, wanted: &str) -> bool {
    let each = &case.dockerfile.instructions()[at];
    let (folder, name) = wanted.rsplit_once('/').unwrap_or(("", wanted));
    match each.keyword.as_str() {
        "RUN" => {
            let moves = ["mv ", "cp ", "ln ", "tar ", "curl", "wget", "install "];
            each.args.contains(name)
                || moves.iter().any(|verb| node::commands(&each.args).iter().any(|each| each.starts_with(verb)))
        }
        "COPY" | "ADD" => each.copy_paths().is_none_or(|(sources, to)| {
            let to = path::rooted(&case.dockerfile.workdir_at(at), &to);
            let to = to.trim_end_matches('/');
            let is_folder = sources.iter().any(|source| source.ends_with(['/', '.', '*']) || !source.contains('.'));
            let goes_there = to == folder || to == wanted || wanted.starts_with(&format!("{to}/"));
            let is_program = sources.iter().all(|source| source.rsplit('/').next() == Some(name));
            goes_there && is_folder && !(is_program && to != folder && to != wanted)
        }),
        _ => false,
    }
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
    if hit.subject.ends_with(".dll") {
        return Prescription::of(published(case, hit));
    }
    if let Some(script) = named {
        if script.has_carriage_returns {
            let edit = Edit::LineFeeds { path: script.path.clone() };
            let title = format!("Give `{}` Unix line ends", script.path);
            return Prescription::of([remedy("unix-line-ends", title, "only the line ends change", edit)]);
        }
        let first = case.workspace.lines(&script.path).first().map(|line| (*line).to_owned()).unwrap_or_default();
        let edit = Edit::replace(case.workspace, &script.path, 1, 1, &["#!/bin/sh"]);
        let wants_bash = first.contains("bash");
        let plain = script::is_plain(case.workspace.text(&script.path).unwrap_or_default());
        let use_sh = edit.filter(|_| wants_bash && plain).map(|edit| Remedy {
            applicability: Applicability::Rehearse,
            ..remedy(
                "use-sh",
                format!("Run `{}` with /bin/sh", script.path),
                "it uses nothing that only bash knows",
                edit,
            )
        });
        let command = case.dockerfile.final_command();
        let start = command.entrypoint.or(command.cmd).filter(|_| wants_bash);
        let install = start.and_then(|index| installs::provide(case, index, &["bash"])).map(|edit| Remedy {
            applicability: Applicability::Rehearse,
            ..remedy("install-bash", "Install bash".into(), "the script is written for it", edit)
        });
        return Prescription::of(use_sh.into_iter().chain(install));
    }
    let found = script::find(case, &hit.subject).map(|found| found.destination);
    let Some(found) = found.or_else(|| script::program(case, &hit.subject)) else { return Prescription::none() };
    let command = case.command();
    let edit = [command.entrypoint, command.cmd].into_iter().flatten().find_map(|index| {
        let words = case.dockerfile.instructions()[index].words();
        let old = words.iter().find(|word| word.ends_with(&format!("/{}", hit.subject)) && **word != found)?;
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, old, &found)
    });
    let title = format!("Start `{found}`");
    Prescription::of(edit.map(|edit| remedy("correct-path", title, "that is where the Dockerfile copies it", edit)))
}
