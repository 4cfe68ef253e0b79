//! `st-server-not-installed`: the program of the start command is not in the image.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{self, installs, packages, pins, start};
use crate::diagnosis::ruby;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "st-server-not-installed",
    what: "The server that the start command calls is not installed",
    why: "gunicorn, uvicorn and other servers are packages of their own. The start command calls one that the requirements (for Node: the \
          production dependencies) do not name.",
    advice: "Add the server to the requirements, or call it in a way that finds it.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "gunicorn",
        "uvicorn",
        "daphne",
        "hypercorn",
        "streamlit",
        "flask: ",
        "flask\": ",
        "celery: ",
        "celery\": ",
        "puma: ",
        "puma\": ",
        "ts-node",
        "nodemon",
        "serve: ",
        "serve\": ",
        "pm2",
        "waitress-serve",
        "waitress",
        "granian",
        "ts-node-dev",
        "tsx: ",
        "tsx\": ",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "/bin/sh: 1: gunicorn: not found",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD gunicorn app:app\n",
                ),
                ("requirements.txt", "flask\n"),
                ("app.py", "import flask\napp = flask.Flask(__name__)\n"),
            ],
            subject: "gunicorn",
            remedy: Some(("add-requirement", &[("requirements.txt", "flask\ngunicorn\n")])),
            ..Example::BLANK
        },
        Example {
            log: "docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"uvicorn\": executable file not found in $PATH: unknown.",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"uvicorn\", \"main:app\"]\n",
                ),
                ("requirements.txt", "fastapi\n"),
                ("main.py", "import fastapi\napp = fastapi.FastAPI()\n"),
            ],
            subject: "uvicorn",
            remedy: Some(("add-requirement", &[("requirements.txt", "fastapi\nuvicorn\n")])),
            ..Example::BLANK
        },
        Example {
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"gunicorn\", \"app:app\"]\n",
                ),
                ("requirements.txt", "flask\n"),
                ("app.py", "import flask\napp = flask.Flask(__name__)\n"),
            ],
            subject: "gunicorn",
            remedy: Some(("add-requirement", &[("requirements.txt", "flask\ngunicorn\n")])),
            ..Example::BLANK
        },
        Example {
            log: "/bin/sh: 1: gunicorn: not found\n==> Exited with status 127",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN useradd -m web\nUSER web\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD gunicorn app:app\n",
                ),
                ("requirements.txt", "flask\ngunicorn\n"),
                ("app.py", "import flask\napp = flask.Flask(__name__)\n"),
            ],
            subject: "gunicorn",
            remedy: Some((
                "user-programs",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN useradd -m web\nUSER web\nCOPY requirements.txt .\nENV PATH=/home/web/.local/bin:$PATH\nRUN pip install -r requirements.txt\nCOPY . .\nCMD gunicorn app:app\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"(?:^|[\s"'`/])(gunicorn|uvicorn|daphne|hypercorn|granian|waitress-serve|streamlit|flask|celery|puma|ts-node-dev|ts-node|tsx|nodemon|serve|pm2)["'`]?: (?:command not found|not found|executable file not found|No such file or directory)|exec: (gunicorn|uvicorn|daphne|hypercorn|granian|waitress-serve|streamlit|flask|celery|puma|ts-node|nodemon|serve|pm2): not found|No module named '?(gunicorn|uvicorn|daphne|hypercorn|granian|waitress)'?\s*$"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    // A module of that name that code imports is another matter.
    if found.get(3).is_some()
        && start::commands(case).iter().all(|index| !start::words(case, *index).iter().any(|word| word == subject))
    {
        return None;
    }
    let why = format!("the start command calls `{subject}`, which is not in the image");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

/// A server of Ruby that `bundle exec` starts, and that stands in a group which is not installed.
fn left_out(case: &Case<'_>) -> Option<Hit> {
    let bundle = ruby::bundle(case)?;
    let index = start::commands(case).into_iter().next_back()?;
    let words = start::words(case, index);
    let at = words.windows(2).position(|pair| pair[0] == "bundle" && pair[1] == "exec")?;
    let gem = bundle.left_out(words.get(at + 2)?)?;
    let why = format!(
        "the start command calls `{}`, which the Gemfile has for {} only, and the image leaves that out",
        gem.name,
        gem.groups.join(" and ")
    );
    Some(Hit::in_file(&bundle.path, gem.line, gem.name.clone(), why).confidence(0.95))
}

/// The remedy that installs a left out gem everywhere.
fn for_everybody(case: &Case<'_>, name: &str) -> Prescription {
    let found = ruby::bundle(case).and_then(|bundle| {
        let gem = bundle.left_out(name)?;
        bundle.for_everybody(case, gem)
    });
    Prescription::none().with(
        "out-of-group",
        format!("Take `{name}` out of its group in the Gemfile"),
        "the service needs it to run, not only to be developed; its version stays",
        Applicability::Rehearse,
        found,
    )
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    left_out(case).into_iter().chain(gunicorn(case)).collect()
}

/// gunicorn comes with no other package: without a line of its own it is not there.
fn gunicorn(case: &Case<'_>) -> Vec<Hit> {
    let Some(index) = start::commands(case).into_iter().find(|index| {
        let words = start::words(case, *index);
        words.iter().find(|word| *word != "exec").is_some_and(|word| word == "gunicorn")
    }) else {
        return vec![];
    };
    let installs = installs(case);
    let entries = python::all_entries(case);
    let official = python::base_of(case, index).is_some_and(|base| !base.image.contains('/') && base.minor.is_some());
    let named =
        installs.iter().flat_map(|install| &install.named).any(|word| word.contains("gunicorn") || word.contains('$'));
    let all_read = installs.iter().all(|install| {
        install.direct.is_empty()
            && install.files.iter().all(|file| python::file_behind(case, install.index, file).is_some())
    });
    let plain = entries.iter().all(|entry| {
        entry
            .requirement()
            .is_some_and(|found| !matches!(found.normal_name().as_str(), "gunicorn" | "mlflow" | "meinheld"))
    });
    let other_tools = case.dockerfile.instructions().iter().any(|each| {
        matches!(each.keyword.as_str(), "RUN" | "COPY")
            && (["poetry", "pipenv", "uv ", "conda", "gunicorn", "apt-get install python3-g", "pip-sync"]
                .iter()
                .any(|tool| each.args.contains(tool))
                || each.flag("from").is_some() && !each.args.contains("requirements"))
    });
    if installs.is_empty() || !official || named || !all_read || !plain || other_tools || entries.is_empty() {
        return vec![];
    }
    let line = case.dockerfile.instructions()[index].first_line;
    let why = "the start command calls `gunicorn`, and no requirement names it".to_owned();
    vec![Hit::in_file(case.dockerfile_path, line, "gunicorn", why).confidence(0.9)]
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let in_group = for_everybody(case, &hit.subject);
    if !in_group.remedies.is_empty() {
        return in_group;
    }
    let package = match hit.subject.as_str() {
        "waitress-serve" | "waitress" => Some("waitress"),
        "streamlit" | "granian" => Some(hit.subject.as_str()),
        name => packages::providing(name),
    };
    let Some(package) = package else { return Prescription::none() };
    if installs(case).is_empty() {
        return Prescription::none();
    }
    if !python::entries_for(case, package).is_empty() {
        return on_path(case);
    }
    pins::add_requirement(
        case,
        package,
        &format!("the start command calls `{}`, which this package brings", hit.subject),
    )
}

/// pip that runs as another user than root puts programs into that user's home, which no PATH names.
fn on_path(case: &Case<'_>) -> Prescription {
    let Some(install) = installs(case).last().map(|install| install.index) else { return Prescription::none() };
    let dockerfile = case.dockerfile;
    let user = dockerfile.user_at(install).filter(|user| !matches!(user.as_str(), "root" | "0"));
    let Some(user) = user.map(|user| user.split(':').next().unwrap_or_default().to_owned()) else {
        return Prescription::none();
    };
    let made = |each: &crate::dockerfile::Instruction| {
        let words = each.words();
        let at = words.iter().position(|word| word == "useradd" || word == "adduser");
        let at = at.filter(|_| each.keyword == "RUN");
        at.is_some_and(|at| {
            let command: Vec<&String> =
                words[at..].iter().take_while(|word| !word.starts_with(['&', ';', '|'])).collect();
            let elsewhere =
                command.iter().any(|word| matches!(word.as_str(), "-d" | "--home" | "--home-dir" | "-h" | "-b"));
            command.iter().any(|word| word.trim_end_matches(';') == user) && !elsewhere
        })
    };
    let home = format!("/home/{user}");
    let known = user == "node" || dockerfile.instructions().iter().any(made);
    let path = dockerfile.env_at(dockerfile.instructions().len()).get("PATH").cloned().unwrap_or_default();
    if !known || path.contains(".local/bin") || path.contains("venv") {
        return Prescription::none();
    }
    let line = format!("ENV PATH={home}/.local/bin:$PATH");
    Prescription::none().with(
        "user-programs",
        format!("Let PATH name `{home}/.local/bin`"),
        format!("pip ran as `{user}`, and puts that user's programs there"),
        Applicability::Rehearse,
        edit::insert_before_instruction(case.workspace, case.dockerfile_path, dockerfile, install, &[&line]),
    )
}
