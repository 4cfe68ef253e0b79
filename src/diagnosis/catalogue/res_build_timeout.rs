//! `res-build-timeout`: the build ran into the platform's time limit.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, base, copying, python};
use crate::dockerfile::edit;
use crate::knowledge::{Question, Registry, Release};
use crate::manifest::requirements::{self, Entry, normalise};
use crate::remedy::{Applicability, Edit};
use crate::service::{DeployStatus, FailureReason};

pub const RULE: Rule = Rule {
    id: "res-build-timeout",
    what: "The build ran into the platform's time limit",
    why: "Something took too long: most often a package without a ready-made wheel for this Python, which pip then compiles \
          from source for many minutes.",
    advice: "Drop heavy packages that no source file imports, or pin a version that has a wheel for the image's Python.",
    stage: Stage::Resource,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#8 [4/8] RUN pip install -r requirements/analytics.txt\n#8 1.871 Collecting numpy==1.26.4 (from -r requirements/analytics.txt (line 2))\n#8 1.930   Downloading numpy-1.26.4.tar.gz (15.8 MB)\n#8 7.593   Preparing metadata (pyproject.toml): started\n#8 70.63   Preparing metadata (pyproject.toml): still running...\n#8 CANCELED\ncontext canceled\n\n-- build ended after its limit of 180 s",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.13\nWORKDIR /app\nCOPY requirements/ requirements/\nRUN pip install -r requirements/analytics.txt\nRUN pip install -r requirements/web.txt\nCOPY app.py .\n",
                ),
                ("requirements/analytics.txt", "# experiments\nnumpy==1.26.4\nscikit-learn==1.3.2\n"),
                ("requirements/web.txt", "flask==3.0.0\n"),
                ("app.py", "import flask\n"),
            ],
            subject: "numpy",
            remedy: Some((
                "drop-unused-install",
                &[(
                    "Dockerfile",
                    "FROM python:3.13\nWORKDIR /app\nCOPY requirements/ requirements/\nRUN pip install -r requirements/web.txt\nCOPY app.py .\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#8 [4/8] RUN pip install -r requirements.txt\n#8 1.871 Collecting numpy==1.26.4 (from -r requirements.txt (line 2))\n#8 1.930   Downloading numpy-1.26.4.tar.gz (15.8 MB)\n#8 70.63   Preparing metadata (pyproject.toml): still running...\nBuild timed out",
            files: &[
                ("Dockerfile", "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"),
                ("requirements.txt", "flask==3.0.0\nnumpy==1.26.4\n"),
                ("app.py", "import flask\nimport numpy as np\n"),
            ],
            subject: "numpy",
            knowledge: || {
                let release = |version: &str, wheel: &str| Release {
                    version: version.into(),
                    wheels: vec![wheel.into()],
                    has_source: true,
                    ..Release::default()
                };
                let mut knowledge = crate::knowledge::Knowledge::default();
                knowledge.packages.push((
                    (Registry::Pypi, "numpy".into()),
                    vec![
                        release("1.26.4", "cp312-manylinux_2_17_x86_64"),
                        release("2.1.0", "cp313-manylinux_2_17_x86_64"),
                        release("2.2.0", "cp313-manylinux_2_17_x86_64"),
                    ],
                ));
                knowledge
            },
            remedy: Some(("pin-with-wheel", &[("requirements.txt", "flask==3.0.0\nnumpy==2.1.0\n")])),
            ..Example::BLANK
        },
        Example {
            log: "==> Building\n#8 [4/8] RUN npm run build\n#8 0.1 > vite build\nYour build exceeded the time limit of 120 minutes. Build timed out.",
            subject: "npm run build",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static LIMIT: Phrases = Phrases::new(&[
    r"(?i)^.{0,80}(?:build (?:has )?timed out|timed out while building|build (?:was )?(?:cancell?ed|killed)[: ].*(?:time|exceeded)|build (?:has )?exceeded|build ended after its limit of|limit of \d+ ?(?:s|sec|min|m)\w*|exceeded the (?:maximum )?(?:build )?time)",
]);
static COLLECTING: Phrases =
    Phrases::new(&[r"Collecting ([A-Za-z0-9][\w.-]*)\S*(?:.*\(from -r (\S+) \(line (\d+)\)\))?"]);
static COMPILING: Phrases = Phrases::new(&[r"Building wheels? for (?:collected packages: )?([\w.-]+)"]);
static WORKING: Phrases = Phrases::new(&[
    r"Preparing metadata|Getting requirements to build|Installing build dependencies|Building wheel|Running setup\.py|still running",
]);
static STEP: Phrases = Phrases::new(&[r"^(?:\[(?:[\w.\-]+ )?\s*\d+/\d+\]|Step \d+/\d+ :) (?:RUN )?(.*)$"]);

/// What was running when time was up.
struct Running {
    /// The package that was being compiled, and the requirements file it comes from.
    package: Option<String>,
    file: Option<String>,
    command: String,
}

fn detect(case: &Case<'_>, _: &[usize]) -> Option<Hit> {
    // A start that took too long is told with the same reason and the same words; the build was fine then.
    if matches!(case.status, Some(DeployStatus::UpdateFailed | DeployStatus::PreDeployFailed | DeployStatus::Live)) {
        return None;
    }
    let told = matches!(case.reason, Some(FailureReason::TimedOut { .. }));
    let limit = (0..case.log.lines.len()).rev().take(40).find(|at| LIMIT.fits(case.text(*at)));
    let finished = case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some());
    if !told && (limit.is_none() || finished) {
        return None;
    }
    let at = limit.or_else(|| (0..case.log.lines.len()).rev().find(|at| !case.text(*at).trim().is_empty()))?;
    let running = running(case);
    let subject = running.package.clone().unwrap_or_else(|| running.command.clone());
    let why = match &running.package {
        Some(package) => format!("time was up while pip was building `{package}` from source"),
        None if running.command.is_empty() => "the build took longer than the platform lets it".to_owned(),
        None => format!("time was up while `{}` was running", running.command),
    };
    let hit = Hit::at(at, subject, why).confidence(0.95);
    let policy = if running.package.is_some() { Policy::Fix } else { Policy::Human };
    Some(hit.policy(policy))
}

fn running(case: &Case<'_>) -> Running {
    let lines = &case.log.lines;
    // The last step that printed something; the package that pip collected last and was still working on.
    let last = lines
        .iter()
        .rposition(|line| line.step.is_some() && !line.text.starts_with("CANCELED") && WORKING.fits(&line.text));
    let last = last.or_else(|| lines.iter().rposition(|line| WORKING.fits(&line.text)));
    let upto = last.map_or(lines.len(), |last| last + 1);
    let step = last.and_then(|last| lines[last].step).or_else(|| lines.iter().rev().find_map(|line| line.step));
    let mine = || (0..upto).rev().filter(|at| step.is_none() || lines[*at].step == step);
    let command = mine().find_map(|at| STEP.on(case, at).map(|found| found[1].to_owned())).unwrap_or_default();
    let mut running = Running { package: None, file: None, command };
    if last.is_none() {
        return running;
    }
    let wheel = mine().find_map(|at| COMPILING.on(case, at).map(|found| normalise(&found[1])));
    let collected = mine().find_map(|at| {
        let found = COLLECTING.on(case, at)?;
        let name = normalise(&found[1]);
        (wheel.is_none() || wheel.as_deref() == Some(name.as_str()))
            .then(|| (name, found.get(2).map(|file| file.to_owned())))
    });
    running.file = collected.as_ref().and_then(|(_, file)| file.clone());
    running.package = wheel.or(collected.map(|(name, _)| name));
    running
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let running = running(case);
    let Some(package) = running.package else { return Prescription::none() };
    let Some(path) = requirements_file(case, running.file.as_deref(), &package) else { return Prescription::none() };
    let names: Vec<String> = requirements::read(case.workspace, &path).iter().filter_map(name_of).collect();
    if !names.is_empty() && names.iter().all(|name| python::is_unused(case, name)) {
        let edit = lone_install(case, &path)
            .and_then(|index| edit::delete_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index));
        let all = Prescription::none().with(
            "drop-unused-install",
            format!("Do not install `{path}`"),
            format!("no source file imports any of its packages ({})", names.join(", ")),
            Applicability::Rehearse,
            edit,
        );
        if !all.remedies.is_empty() {
            return all;
        }
    }
    if python::is_unused(case, &package) {
        return Prescription::none().with(
            "drop-unused-package",
            format!("Drop `{package}` from `{path}`"),
            "no source file imports it, and building it takes longer than the build may last",
            Applicability::Rehearse,
            without(case, &path, &package),
        );
    }
    pin_with_wheel(case, &path, &package)
}

/// The file of the repository in which `package` is required.
fn requirements_file(case: &Case<'_>, named: Option<&str>, package: &str) -> Option<String> {
    let holds = |path: &String| line_of(case, path, package).is_some();
    let by_log = named
        .and_then(|named| copying::origins(case, named).into_iter().map(|path| case.in_repository(&path)).find(holds));
    by_log.or_else(|| {
        let files = case
            .workspace
            .paths()
            .filter(|path| path.ends_with(".txt") && path.contains("requirements"))
            .map(str::to_owned);
        let mut found = files.filter(|path| holds(path));
        found.next().filter(|_| found.next().is_none())
    })
}

/// The RUN that does nothing but install this one requirements file.
fn lone_install(case: &Case<'_>, path: &str) -> Option<usize> {
    let instructions = case.dockerfile.instructions();
    let mut found = instructions.iter().enumerate().filter(|(_, each)| {
        let words = each.words();
        let files: Vec<&String> = words.iter().skip_while(|word| *word != "-r").skip(1).collect();
        let simple = !each.args.contains(['&', ';', '|']) && words.iter().any(|word| word == "install");
        each.keyword == "RUN" && simple && files.len() == 1 && path.ends_with(files[0].trim_start_matches("./"))
    });
    let index = found.next()?.0;
    found.next().is_none().then_some(index)
}

fn line_of(case: &Case<'_>, path: &str, package: &str) -> Option<usize> {
    let entries = requirements::read(case.workspace, path).into_iter();
    entries.filter(|entry| name_of(entry).as_deref() == Some(package)).map(|entry| entry.first_line).next()
}

fn name_of(entry: &Entry) -> Option<String> {
    Some(entry.requirement()?.normal_name())
}

fn without(case: &Case<'_>, path: &str, package: &str) -> Option<Edit> {
    let line = line_of(case, path, package)?;
    Edit::delete(case.workspace, path, line, line)
}

fn pin_with_wheel(case: &Case<'_>, path: &str, package: &str) -> Prescription {
    let Some(python) = python_tag(case) else { return Prescription::none() };
    let Some(releases) = case.knowledge.releases(Registry::Pypi, package) else {
        return Prescription::asking(Question::Package { registry: Registry::Pypi, name: package.to_owned() });
    };
    let Some(line) = line_of(case, path, package) else { return Prescription::none() };
    let text = case.workspace.lines(path)[line - 1].to_owned();
    let Some((head, version)) =
        text.split_once("==").map(|(head, rest)| (head, rest.split([' ', ';', '#']).next().unwrap_or_default()))
    else {
        return Prescription::none();
    };
    let wanted = numbers(version);
    let mut fitting: Vec<&Release> = releases
        .iter()
        .filter(|release| !release.yanked && numbers(&release.version) > wanted && !wanted.is_empty())
        .filter(|release| release.wheels.iter().any(|wheel| fits(wheel, &python)))
        .collect();
    fitting.sort_by_key(|release| numbers(&release.version));
    let Some(next) = fitting.first() else { return Prescription::none() };
    let new = text.replacen(&format!("{head}=={version}"), &format!("{head}=={}", next.version), 1);
    Prescription::none().with(
        "pin-with-wheel",
        format!("Pin `{package}` to {}", next.version),
        format!("it is the nearest version with a ready-made wheel for this Python, so nothing is compiled; {version} has none"),
        Applicability::Rehearse,
        Edit::replace(case.workspace, path, line, line, &[&new]),
    )
}

/// `cp313`, from the tag of the base image.
fn python_tag(case: &Case<'_>) -> Option<String> {
    let stages = case.dockerfile.stages().len();
    let images = (0..stages).filter_map(|stage| base::of_stage(case, stage));
    let python = images.rev().find(|base| base.image.official() == Some("python"))?;
    let minor = python.image.tag.split(['-']).next().unwrap_or_default();
    let mut parts = minor.split('.');
    Some(format!("cp{}{}", parts.next()?, parts.next()?))
}

/// Numbers of a final version; empty for pre-releases, which are never chosen.
fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(str::parse).collect::<Result<_, _>>().unwrap_or_default()
}

fn fits(wheel: &str, python: &str) -> bool {
    let platform = wheel.contains("manylinux") && wheel.contains("x86_64") || wheel.ends_with("-any");
    let stable =
        wheel.contains("abi3") && wheel.split('-').next().is_some_and(|tag| tag.len() <= python.len() && tag <= python);
    platform
        && (wheel.starts_with(python) || wheel.starts_with("py3-none") || wheel.starts_with("py2.py3-none") || stable)
}
