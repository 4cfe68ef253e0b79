//! `os-command-missing`: a step calls a tool that the image does not have.

use crate::diagnosis::base::Family;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, accounts, base, commands, installs, node, toolless};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "os-command-missing",
    what: "A build step calls a tool that the image does not have",
    why: "Slim and Alpine images come with very few tools. git, curl, make, a compiler and the like have to be installed \
          before the step that uses them.",
    advice: "Install the package that brings the tool, in the same stage and before it is used.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "not found",
        "No such file or directory",
        "can't execute",
        "Command not found",
        "unrecognized option",
        "is ambiguous",
        "Unknown option:",
        "is not installed or it's not in your PATH",
        "No wkhtmltopdf executable found",
        "Bad git executable",
        "spawn ",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#6 [3/4] RUN git clone https://example.com/x.git\n#6 0.3 /bin/sh: 1: git: not found\n#6 ERROR: process \"/bin/sh -c git clone https://example.com/x.git\" did not complete successfully: exit code: 127",
            files: &[("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nRUN git clone https://example.com/x.git\n")],
            subject: "git",
            remedy: Some((
                "install-tool",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nRUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*\nRUN git clone https://example.com/x.git\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 3/3 : RUN sudo mkdir /data\n ---> Running in 1\n/bin/sh: 1: sudo: not found\nThe command '/bin/sh -c sudo mkdir /data' returned a non-zero code: 127",
            files: &[("Dockerfile", "FROM debian\nWORKDIR /app\nRUN sudo mkdir /data\n")],
            subject: "sudo",
            remedy: Some(("drop-sudo", &[("Dockerfile", "FROM debian\nWORKDIR /app\nRUN mkdir /data\n")])),
            ..Example::BLANK
        },
        Example {
            log: "#5 [2/5] RUN groupadd -r lots && useradd -r -g lots lots\n#5 0.3 /bin/sh: groupadd: not found\n#5 ERROR: process \"/bin/sh -c groupadd -r lots && useradd -r -g lots lots\" did not complete successfully: exit code: 127",
            files: &[(
                "Dockerfile",
                "FROM node:20-alpine\nRUN groupadd -r lots && useradd -r -g lots lots\nUSER lots\n",
            )],
            subject: "groupadd",
            remedy: Some((
                "translate-accounts",
                &[(
                    "Dockerfile",
                    "FROM node:20-alpine\nRUN addgroup -S lots && adduser -S -D -G lots lots\nUSER lots\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#5 [2/5] RUN addgroup -S lots && adduser -S -G lots lots\n#5 0.3 Option s is ambiguous (shell, system)\n#5 0.3 adduser [--uid id] [--firstuid id] [--lastuid id]\n#5 ERROR: process \"/bin/sh -c addgroup -S lots && adduser -S -G lots lots\" did not complete successfully: exit code: 1",
            files: &[("Dockerfile", "FROM node:20-slim\nRUN addgroup -S lots && adduser -S -G lots lots\nUSER lots\n")],
            subject: "adduser",
            remedy: Some((
                "translate-accounts",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nRUN groupadd --system lots && useradd --system --gid lots --create-home lots\nUSER lots\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "/bin/sh: 1: rackup: not found\n==> Exited with status 127",
            files: &[(
                "Dockerfile",
                "FROM debian:trixie-slim\nRUN apt-get update && apt-get install -y puma ruby\nCMD rackup -o 0.0.0.0 -p $PORT\n",
            )],
            subject: "rackup",
            remedy: Some((
                "install-tool",
                &[(
                    "Dockerfile",
                    "FROM debian:trixie-slim\nRUN apt-get update && apt-get install -y puma ruby ruby-rackup\nCMD rackup -o 0.0.0.0 -p $PORT\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "  File \"/usr/local/lib/python3.12/subprocess.py\", line 1955, in _execute_child\n    raise child_exception_type(errno_num, err_msg, err_filename)\nFileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'\n==> Exited with status 1",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nUSER nobody\nCMD [\"python\", \"a.py\"]\n",
            )],
            subject: "ffmpeg",
            remedy: Some((
                "install-tool",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*\nUSER nobody\nCMD [\"python\", \"a.py\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            files: &[("Dockerfile", "FROM node:20-slim\nRUN git clone https://example.com/x.git\n")],
            subject: "git",
            remedy: Some((
                "install-tool",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nRUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*\nRUN git clone https://example.com/x.git\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:^|\s|/)(?:ba|da|a)?sh: (?:line )?(?:\d+: )?(?P<command>[A-Za-z0-9_][\w.+-]*): (?:command )?not found",
    r"(?:^|\s)[\w./-]+(?:: line)?:? \d+: (?:[\w./-]+: )?(?P<command>[A-Za-z0-9_][\w.+-]*): (?:command )?not found",
    r"env: (?:can't execute )?['‘`]?(?P<command>[\w.+-]+)['’`]?: No such file or directory",
    r"make(?:\[\d+\])?: (?P<command>[A-Za-z][\w.+-]*): (?:No such file or directory|Command not found)",
    r#"exec: \\?"(?P<command>[\w.+-]+)\\?": executable file not found in \$PATH"#,
    r"(?P<command>adduser|addgroup): unrecognized option",
    r"^(?P<adduser>Option [sdhg] is ambiguous|Unknown option: [SDGHh])",
    r"(?P<command>git|bzr|hg|svn)(?: executable)? (?:was )?not found|cannot find (?:the )?(?:command|program) ['`]?(?P<command2>[\w.+-]+)",
]);

/// What libraries say of a program that they call while the service runs.
static CALLED: Phrases = Phrases::new(&[
    r"(tesseract|ffmpeg|ffprobe) is not installed or it's not in your PATH",
    r"No (wkhtmltopdf) executable found",
    r"ImportError: Bad (git) executable",
    r"Error: spawn ([\w.+-]+) ENOENT",
    r"FileNotFoundError: \[Errno 2\] No such file or directory: '([\w+-]+)'$",
]);

/// Tools that come from the language's own package manager: those failures have classes of their own.
const OF_LANGUAGES: &[&str] = &[
    "tsc",
    "vite",
    "next",
    "webpack",
    "ng",
    "nest",
    "react-scripts",
    "rimraf",
    "cross-env",
    "nuxt",
    "gulp",
    "grunt",
    "bower",
    "eslint",
    "jest",
    "rollup",
    "parcel",
    "turbo",
    "nx",
    "husky",
    "is-ci",
    "patch-package",
    "prisma",
    "vue-cli-service",
    "tsup",
    "ts-node",
    "nodemon",
    "pm2",
    "serve",
    "poetry",
    "pipenv",
    "uv",
    "gunicorn",
    "uvicorn",
    "flask",
    "alembic",
    "celery",
    "django-admin",
    "pnpm",
    "yarn",
    "bun",
    "corepack",
    "bundle",
    "rake",
    "rails",
    "puma",
    "dep",
    "glide",
    "govendor",
    "gb",
    "apk",
    "apt",
    "apt-get",
    "yum",
    "dnf",
    "microdnf",
    "cargo",
    "rustup",
];
const KEYWORDS: &[&str] =
    &["CMD", "ENTRYPOINT", "RUN", "COPY", "ADD", "ENV", "WORKDIR", "EXPOSE", "FROM", "source", "export"];

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let called = CALLED.last(case, lines).filter(|called| {
        let command = called.subject();
        case.log.failing.is_none() && (commands::is_known(command) || command == "wkhtmltopdf")
    });
    if let Some(called) = called {
        let why = format!("the service calls `{}`, which the image does not have", called.subject());
        let hit = Hit::at(called.line, called.subject(), why).confidence(0.93);
        return Some(Hit { stage: Some(Stage::Startup), ..hit });
    }
    let seen = SHAPES.last(case, lines)?;
    let command = match seen.named(&["adduser"]) {
        "" => seen.named(&["command", "command2"]).to_owned(),
        _ => "adduser".to_owned(),
    };
    let numeric = command.chars().all(|each| each.is_ascii_digit());
    if OF_LANGUAGES.contains(&command.as_str()) || KEYWORDS.contains(&command.as_str()) || numeric {
        return None;
    }
    let ran = case.log.failing.as_ref().and_then(|step| step.exit_code);
    let account = accounts::COMMANDS.contains(&command.as_str());
    let known = commands::is_known(&command) || account || command == "sudo" || command == "python";
    // Exit code 127 is the shell's word for it; other codes come when a script goes on or a tool wraps it.
    let weight = if ran == Some(127) || known { Weight::Root } else { Weight::Symptom };
    let why = match (ran, account) {
        (Some(code), true) if code != 127 => format!("`{command}` has other options in this image"),
        _ => format!("the image has no command `{command}`"),
    };
    let hit = Hit::at(seen.line, &command, why).confidence(if ran == Some(127) { 0.95 } else { 0.85 }).weight(weight);
    Some(match case.failing_instruction() {
        Some(index) => hit.place(case.dockerfile_path, case.dockerfile.instructions()[index].first_line),
        None => hit,
    })
}

/// `useradd` and `groupadd` in an official Alpine image: they come with the package shadow.
fn shadowless(case: &Case<'_>) -> Option<Hit> {
    let found = case.runs().find_map(|index| {
        let script = node::script_of(case, index);
        let called = node::commands(&script).into_iter().filter_map(|command| command.split_whitespace().next());
        let command = called.into_iter().find(|word| matches!(*word, "useradd" | "groupadd"))?;
        let base = base::of(case, index).filter(|base| base.image.official().is_some());
        let base = base.filter(|base| base.family() == Some(Family::Alpine))?;
        let steps = node::history(case, index).into_iter().chain([index]);
        let brought = steps.into_iter().any(|at| {
            let each = &case.dockerfile.instructions()[at];
            ["shadow", "apk add $", ".sh", "||", "command -v"].iter().any(|word| each.args.contains(word))
        });
        (!brought).then(|| (index, command.to_owned(), base.image.with_tag(&base.image.tag)))
    });
    let (index, command, image) = found?;
    let why = format!("this step calls `{command}`, which `{image}` does not have");
    Some(case.foreseen(index, command, why))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let wants = toolless::wants(case);
    let tools = wants.into_iter().map(|want| {
        let why = format!("`{}` calls `{}`, which the image does not have", want.place.path, want.command);
        let hit = Hit { place: Some(want.place), ..Hit::at(0, want.command, why) };
        Hit { line: None, ..hit }.confidence(0.9)
    });
    shadowless(case).into_iter().chain(tools).collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let in_dockerfile = hit.place.as_ref().filter(|place| place.path == case.dockerfile_path);
    let by_place = in_dockerfile.and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let by_script =
        || toolless::wants(case).into_iter().find(|want| want.command == hit.subject).map(|want| want.instruction);
    // What the start command misses is installed in the stage that runs.
    let by_start = || {
        let command = case.dockerfile.final_command();
        command.entrypoint.or(command.cmd).filter(|_| case.log.failing.is_none() && hit.line.is_some())
    };
    let Some(index) = case.failing_instruction().or(by_place).or_else(by_script).or_else(by_start) else {
        return Prescription::none();
    };
    if hit.subject == "sudo" {
        return Prescription::none().with(
            "drop-sudo",
            "Leave `sudo` out",
            "build steps run as root unless USER says otherwise",
            Applicability::Rehearse,
            without_sudo(case, index),
        );
    }
    let Some(family) = installs::family_at(case, index) else { return Prescription::none() };
    if accounts::COMMANDS.contains(&hit.subject.as_str()) {
        return Prescription::none().with(
            "translate-accounts",
            "Make the account with the commands that this image has",
            "the same user and group, in the words of the distribution",
            Applicability::Rehearse,
            translated(case, index, family),
        );
    }
    let python = (family == Family::Debian && hit.subject == "python").then_some("python-is-python3");
    // Rack 3, in Debian from trixie on, has its starter in a package of its own.
    let split = matches!(base::of(case, index).and_then(|base| base.suite()), Some("trixie" | "forky" | "sid"));
    let starter = if split { "ruby-rackup" } else { "ruby-rack" };
    let rackup = (family == Family::Debian && hit.subject == "rackup").then_some(starter);
    let Some(package) = commands::provider(family, &hit.subject).or(python).or(rackup) else {
        return Prescription::none();
    };
    Prescription::none().with(
        "install-tool",
        format!("Install the package `{package}`"),
        format!("it brings the command `{}`", hit.subject),
        Applicability::Rehearse,
        within(case, index, &hit.subject, package).or_else(|| installs::provide(case, index, &[package])),
    )
}

/// Adds the package to the install command of the same step, when that comes before the first use of the tool.
fn within(case: &Case<'_>, index: usize, command: &str, package: &str) -> Option<Edit> {
    let own = installs::named(case, index);
    let first = own.first()?;
    let texts = case.workspace.lines(case.dockerfile_path);
    let instruction = &case.dockerfile.instructions()[index];
    let used = (instruction.first_line..=instruction.last_line).find(|line| {
        let text = texts.get(line - 1).copied().unwrap_or_default();
        let from = if *line == first.line { first.range.end } else { 0 };
        *line >= first.line
            && text[from.min(text.len())..]
                .split(|each: char| !each.is_alphanumeric() && !"-_.+".contains(each))
                .any(|word| word == command)
    });
    let earlier = (instruction.first_line..first.line)
        .any(|line| texts.get(line - 1).is_some_and(|text| text.split_whitespace().any(|word| word == command)));
    used.filter(|_| !earlier)?;
    installs::add_to(case, index, &[package], &[first.manager.as_str()])
}

/// The step with its account commands in the words of `family`.
fn translated(case: &Case<'_>, index: usize, family: Family) -> Option<Edit> {
    let instruction = &case.dockerfile.instructions()[index];
    let texts = case.workspace.lines(case.dockerfile_path);
    let old = texts.get(instruction.first_line - 1..instruction.last_line)?;
    let mut new: Vec<String> = old.iter().map(|text| (*text).to_owned()).collect();
    for line in &mut new {
        let bare = line.trim_start().trim_start_matches("RUN ").trim_end().trim_end_matches('\\').to_owned();
        for command in node::commands(&bare) {
            let verb = command.split_whitespace().next().unwrap_or_default();
            if accounts::COMMANDS.contains(&verb) {
                let other = accounts::translate(command, family)?;
                *line = line.replacen(command, &other, 1);
            }
        }
    }
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    if old.iter().eq(new.iter()) {
        return None;
    }
    Edit::replace(case.workspace, case.dockerfile_path, instruction.first_line, instruction.last_line, &new)
}

fn without_sudo(case: &Case<'_>, index: usize) -> Option<Edit> {
    let instruction = &case.dockerfile.instructions()[index];
    let texts = case.workspace.lines(case.dockerfile_path);
    let old = texts.get(instruction.first_line - 1..instruction.last_line)?;
    let plain: Vec<String> = old.iter().map(|text| text.replace("sudo -E ", "").replace("sudo ", "")).collect();
    let new: Vec<&str> = plain.iter().map(String::as_str).collect();
    if old.iter().eq(new.iter()) {
        return None;
    }
    let user = case.dockerfile.user_at(index).is_none_or(|user| matches!(user.as_str(), "root" | "0"));
    let edit =
        || Edit::replace(case.workspace, case.dockerfile_path, instruction.first_line, instruction.last_line, &new);
    user.then(edit).flatten()
}
