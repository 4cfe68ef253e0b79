//! `py-requires-python`: a package does not support the Python of the image.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::version::Minor;
use crate::diagnosis::python::{self, minor_at, move_base, outlook, pins, unfound};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Registry, Release};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-requires-python",
    what: "A package does not support the Python of the image",
    why: "Each release of a package supports some versions of Python. When the image moves to another, an old pin has no file \
          that fits, and building it from source fails in ways that do not name the reason: since Python 3.12 for example as \
          `Cannot import 'setuptools.build_meta'`.",
    advice: "Base the image on a Python that the pinned versions support, or raise the pin to a release that supports this one.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "ignored the following versions that require a different python version",
        "requires a different python:",
        "but the running python is",
        "is not allowed by the project (",
        "does not satisfy python",
        "cannot import 'setuptools.build_meta'",
        "python version >= 3",
        "or >= 3.4 required",
        "requires an up-to-date ssl module",
        "requires python '",
        "incompatible with the project's python requirement",
        "current python version (",
        "syntaxerror: ",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#8 [4/5] RUN pip install --no-cache-dir -r requirements.txt\n#8 1.9 Collecting numpy==1.24.4 (from -r requirements.txt (line 2))\n#8 2.0   Downloading numpy-1.24.4.tar.gz (10.9 MB)\n#8 5.1   Getting requirements to build wheel: finished with status 'done'\n#8 6.0 ERROR: Exception:\n#8 6.0   File \"/usr/local/lib/python3.13/site-packages/pip/_internal/cli/base_command.py\", line 106, in _run_wrapper\n#8 6.0 pip._vendor.pyproject_hooks._impl.BackendUnavailable: Cannot import 'setuptools.build_meta'\n#8 ERROR: executor failed running [/bin/sh -c pip install --no-cache-dir -r requirements.txt]: exit code: 2",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.13-slim\nWORKDIR /srv\nCOPY requirements.txt ./\nRUN pip install --no-cache-dir -r requirements.txt\n",
                ),
                ("requirements.txt", "flask==3.0.3\nnumpy==1.24.4\n"),
            ],
            subject: "numpy==1.24.4",
            knowledge: numpy,
            remedy: Some((
                "move-python",
                &[(
                    "Dockerfile",
                    "FROM python:3.11-slim\nWORKDIR /srv\nCOPY requirements.txt ./\nRUN pip install --no-cache-dir -r requirements.txt\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: Ignored the following versions that require a different python version: 1.21.2 Requires-Python >=3.7,<3.11; 1.21.3 Requires-Python >=3.7,<3.11\nERROR: Could not find a version that satisfies the requirement numpy==1.21.2 (from versions: 1.3.0, 1.26.4, 2.1.0)\nERROR: No matching distribution found for numpy==1.21.2",
            files: &[
                (
                    "Dockerfile",
                    "ARG PYTHON=3.12\nFROM python:${PYTHON}-slim\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "numpy==1.21.2\n"),
            ],
            subject: "numpy==1.21.2",
            knowledge: numpy,
            remedy: Some((
                "move-python",
                &[(
                    "Dockerfile",
                    "ARG PYTHON=3.9\nFROM python:${PYTHON}-slim\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: Package 'shop' requires a different Python: 3.9.19 not in '>=3.11'",
            files: &[
                ("Dockerfile", "FROM python:3.9-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n"),
                ("pyproject.toml", "[project]\nname = \"shop\"\nrequires-python = \">=3.11\"\n"),
            ],
            subject: "shop",
            remedy: Some((
                "move-python",
                &[("Dockerfile", "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n")],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.13-slim\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "numpy==1.21.2\n"),
            ],
            subject: "numpy==1.21.2",
            knowledge: numpy,
            remedy: Some((
                "move-python",
                &[(
                    "Dockerfile",
                    "FROM python:3.9-slim\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn numpy() -> Knowledge {
    let release = |version: &str, requires: &str, pythons: &[u8]| Release {
        version: version.into(),
        requires: Some(requires.into()),
        wheels: pythons.iter().map(|minor| format!("cp3{minor}-manylinux_2_17_x86_64")).collect(),
        has_source: true,
        ..Release::default()
    };
    let releases = vec![
        release("1.21.2", ">=3.7,<3.11", &[7, 8, 9]),
        release("1.24.4", ">=3.8", &[8, 9, 10, 11]),
        release("1.26.4", ">=3.9", &[9, 10, 11, 12]),
        release("2.1.0", ">=3.10", &[10, 11, 12, 13]),
    ];
    Knowledge { packages: vec![((Registry::Pypi, "numpy".into()), releases)], ..Knowledge::default() }
}

static PACKAGE: Phrases =
    Phrases::new(&[r"Package '?([\w.\-\[\]]+)'? requires a different Python: ([\d.]+) not in '?([^']+)'?"]);
static REQUIRES: Phrases = Phrases::new(&[r"(\S+) requires Python '?([^']+?)'? but the running Python is ([\d.]+)"]);
static POETRY: Phrases =
    Phrases::new(&[r"[Pp]ython version \(?([\d.]+\S*?)\)? is not allowed by the project \(([^)]+)\)"]);
static UV: Phrases = Phrases::new(&[
    r"current Python version \(([\d.]+)\) does not satisfy Python([<>=!~][^\s,]+)",
    r"resolved to Python ([\d.]+), which is incompatible with the project's Python requirement: `([^`]+)`",
]);
static BACKEND: Phrases = Phrases::new(&[r"Cannot import '(setuptools\.build_meta)'"]);
static IN_SETUP: Phrases = Phrases::new(&[
    r"(?:RuntimeError: |^\s*)(Python version >= ?[\d.]+ required|Python version 2\.7 or >= 3\.4 required)|requires an up-to-date (SSL) module",
]);
static SYNTAX: Phrases = Phrases::new(&[r"^\s*SyntaxError: (?:invalid syntax|future feature|expected ':'|f-string)"]);
static FRAME: Phrases = Phrases::new(&[r#"File "([^"]+)", line \d+"#]);
static FOLDER: Phrases = Phrases::new(&[r"(?:site-packages|dist-packages|easy_install-\w+|pip-[\w-]+)/([\w.\-]+)"]);
static COLLECTING: Phrases = Phrases::new(&[r"^\s*Collecting (\S+?)(?: \(from .*)?$"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let all: Vec<usize> = (0..case.log.lines.len()).collect();
    if let Some(found) = unfound::read(case, &all)
        && let Some((line, needs)) = &found.other_python
    {
        let why = format!("`{}` needs Python {needs}", found.requirement);
        return Some(Hit::at(*line, found.requirement.clone(), why).confidence(0.97));
    }
    if let Some(found) = PACKAGE.last(case, lines) {
        let why = format!("`{}` needs Python {}, the image has {}", &found[1], &found[3], &found[2]);
        return Some(Hit::at(found.line, &found[1], why).confidence(0.97));
    }
    if let Some(found) = REQUIRES.last(case, lines) {
        let why = format!("`{}` needs Python {}, the image has {}", &found[1], &found[2], &found[3]);
        return Some(Hit::at(found.line, &found[1], why).confidence(0.97));
    }
    if let Some(found) = POETRY.last(case, lines).or_else(|| UV.last(case, lines)) {
        let why = format!("the project needs Python {}, the image has {}", &found[2], &found[1]);
        return Some(Hit::at(found.line, found[2].to_owned(), why).confidence(0.95));
    }
    if let Some(found) = BACKEND.last(case, lines) {
        let package = COLLECTING.above(case, found.line, 4_000)?;
        let package = package.subject();
        let python = minor_at(case, case.failing_instruction()).map(|minor| format!(" {minor}")).unwrap_or_default();
        let why = format!("`{package}` has no ready wheel for Python{python}, and its build tools no longer run there");
        return Some(Hit::at(found.line, package, why).confidence(0.9));
    }
    if let Some(hit) = newer_syntax(case, lines) {
        return Some(hit);
    }
    let found = IN_SETUP.last(case, lines)?;
    // Python 2 in the image is a class of its own.
    if case.mentions("python2") {
        return None;
    }
    let subject = COLLECTING.above(case, found.line, 400).map_or_else(|| found.subject(), |package| package.subject());
    let why = format!("`{subject}` says that it needs a newer Python");
    Some(Hit::at(found.line, subject, why).confidence(0.85))
}

/// An installed package whose source this Python cannot read: it was written for a newer one.
fn newer_syntax(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SYNTAX.last(case, lines)?;
    let frame = FRAME.above(case, found.line, 6)?;
    let path = frame.subject();
    if !python::is_foreign(path) || case.text(found.line).contains("Missing parentheses") {
        return None;
    }
    let package = FOLDER.read(path).map_or(path, |found| found.subject());
    let why = format!("`{package}` is written for a newer Python than the image has");
    Some(Hit::at(found.line, package.trim_end_matches(".py").to_owned(), why).confidence(0.85))
}

/// Pins that are known to refuse the Python of the image, or to be older than it.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut out: Vec<Hit> = Vec::new();
    for install in python::installs(case) {
        let Some(minor) = python::base_of(case, install.index).and_then(|base| base.minor) else { continue };
        for entry in python::entries_of(case, &install) {
            let Some((wanted, pin)) = entry.requirement().and_then(|wanted| Some((wanted, wanted.pin()?))) else {
                continue;
            };
            let refused = wanted.marker.is_none()
                && pins::releases(case, &wanted.name)
                    .and_then(|releases| releases.iter().find(|release| release.version == pin))
                    .is_some_and(|release| release.requires.as_deref().is_some_and(|range| !minor.within(range)));
            let subject = format!("{}=={pin}", wanted.name);
            if refused && !out.iter().any(|hit| hit.subject == subject) {
                let why = format!("`{subject}` does not support Python {minor}, which `FROM` gives");
                out.push(Hit::in_file(&entry.path, entry.first_line, subject, why).confidence(0.95));
            }
        }
    }
    for (line, minor) in outlook::aged_pins(case) {
        let subject = format!("{}{}", line.requirement.name, line.requirement.specifier);
        if !out.iter().any(|hit| hit.subject == subject) {
            let why = format!(
                "`{subject}` has no ready wheel for Python {minor}, which `FROM` gives, and the image has no compiler"
            );
            out.push(Hit::in_file(&line.path, line.number, subject, why).confidence(0.95));
        }
    }
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let index = case.failing_instruction().or_else(|| python::installs(case).last().map(|install| install.index));
    let wanted = requirements::requirement(&hit.subject);
    let name = wanted.as_ref().map_or_else(|| hit.subject.clone(), |wanted| wanted.name.clone());
    let pin = wanted.as_ref().and_then(|wanted| wanted.pin().map(str::to_owned)).or_else(|| pins::pin_of(case, &name));
    if pin.is_none() && python::entries_for(case, &name).is_empty() {
        return project_remedy(case, index, &hit.why);
    }
    pins::fit_python(case, index, &name, pin.as_deref())
}

/// The project itself says which Python it needs: the lowest minor in that range above the present one, else the highest below.
fn project_remedy(case: &Case<'_>, index: Option<usize>, why: &str) -> Prescription {
    let declared = case.workspace.text(&case.in_repository("pyproject.toml")).and_then(declared_range);
    let (Some(index), Some(range)) = (index, declared) else { return Prescription::none() };
    let Some(present) = python::base_of(case, index).and_then(|base| base.minor) else { return Prescription::none() };
    let above = (present.1 + 1..=13).map(|number| Minor(3, number)).find(|minor| minor.within(&range));
    let below = (8..present.1).rev().map(|number| Minor(3, number)).find(|minor| minor.within(&range));
    let remedy = above.or(below).filter(|_| !present.within(&range)).and_then(|minor| {
        let edits = move_base(case, index, minor)?;
        Some(Remedy {
            id: "move-python".into(),
            title: format!("Base the image on Python {minor} in place of {present}"),
            why: format!("{why}; {minor} is the nearest that the project allows"),
            applicability: Applicability::Rehearse,
            edits,
        })
    });
    Prescription::of(remedy)
}

/// `requires-python = ">=3.11"`, or Poetry's `python = "^3.11"` as a PEP 440 range.
fn declared_range(text: &str) -> Option<String> {
    let value = |key: &str| {
        let line = text.lines().find(|line| line.split('=').next().is_some_and(|name| name.trim() == key))?;
        Some(line.split_once('=')?.1.split('#').next()?.trim().trim_matches(['"', '\'']).to_owned())
    };
    value("requires-python").or_else(|| {
        let range = value("python")?;
        Some(match range.strip_prefix('^') {
            Some(least) => format!(">={least},<4"),
            None => range,
        })
    })
}
