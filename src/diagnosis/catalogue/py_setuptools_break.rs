//! `py-setuptools-break`: an old package does not build with today's setuptools, Cython or Python.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::python::packages;
use crate::diagnosis::python::pins;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Registry, Release};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-setuptools-break",
    what: "A package is too old for the build tools",
    why: "Old packages use parts of setuptools, distutils or Cython that are gone from today's releases, or from Python 3.12 on.",
    advice: "Raise that package to a release with a wheel for this Python, or base the image on an older Python.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "attributeerror: cython_sources",
        "cannot import name 'feature'",
        "no module named 'setuptools'",
        "no module named 'distutils'",
        "use_2to3 is invalid",
        "no module named 'pkg_resources'",
        "has no attribute 'impimporter'",
        "the 'sklearn' pypi package is deprecated",
        "no module named 'imp'",
        "no attribute 'safeconfigparser'",
        "no attribute 'find_module'",
        "module 'configparser' has no attribute",
        "cannot import name 'bdist_wheel'",
        "cannot import name 'msvccompiler'",
        "setuptools has no attribute",
        "no attribute 'readfp'",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Collecting markupsafe==1.0 (from -r requirements.txt (line 3))\n  Downloading MarkupSafe-1.0.tar.gz (14 kB)\n    ImportError: cannot import name 'Feature'",
            subject: "markupsafe==1.0",
            ..Example::BLANK
        },
        Example {
            log: "Collecting PyYAML==5.3 (from -r requirements.txt (line 1))\n  AttributeError: cython_sources",
            files: &[
                ("Dockerfile", "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
                ("requirements.txt", "PyYAML==5.3\n"),
            ],
            subject: "PyYAML==5.3",
            knowledge: yaml,
            remedy: Some(("repin-nearest", &[("requirements.txt", "PyYAML==6.0.1\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/usr/local/lib/python3.12/site-packages/flask_x/__init__.py\", line 1, in <module>\n    import pkg_resources\nModuleNotFoundError: No module named 'pkg_resources'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n",
                ),
                ("requirements.txt", "flask\n"),
            ],
            subject: "pkg_resources",
            remedy: Some(("add-requirement", &[("requirements.txt", "flask\nsetuptools<81\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/app/app.py\", line 1, in <module>\n    from distutils.util import strtobool\nModuleNotFoundError: No module named 'distutils'\n==> Exited with status 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"app.py\"]\n",
                ),
                ("requirements.txt", "flask\n"),
            ],
            subject: "distutils",
            remedy: Some(("add-requirement", &[("requirements.txt", "flask\nsetuptools<81\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:AttributeError: (cython_sources)|cannot import name '?(Feature)'?|No module named '(setuptools|distutils|pkg_resources|imp)'|(use_2to3) is invalid|has no attribute '(ImpImporter|SafeConfigParser|find_module|readfp)'|(sklearn)' PyPI package is deprecated)",
]);
static COLLECTING: Phrases =
    Phrases::new(&[r"^\s*(?:Collecting|Searching for|Downloading/unpacking) (\S+?)(?: \(from .*)?$"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let during_install = case.log.lines[..found.line]
        .iter()
        .rev()
        .find_map(|line| COLLECTING.read(&line.text))
        .map(|found| found.subject());
    let tool = found.subject();
    // The project's own start: nothing was being installed.
    let starting = case.log.failing.is_none() && during_install.is_none();
    if starting && matches!(tool, "distutils" | "imp") && !case.text(found.line).contains("ModuleNotFoundError") {
        return None;
    }
    let subject = match during_install {
        Some(package) if !starting => package,
        _ => tool,
    };
    let why = match starting {
        true => format!("the service imports `{subject}`, which this Python no longer brings by itself"),
        false => format!("`{subject}` is too old for the build tools of this image"),
    };
    Some(Hit::at(found.line, subject, why).confidence(0.92))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(wanted) = requirements::requirement(&hit.subject) else { return Prescription::none() };
    let starting = case.log.failing.is_none();
    if matches!(hit.subject.as_str(), "pkg_resources" | "setuptools") || starting && hit.subject == "distutils" {
        return add_setuptools(case);
    }
    if let Some(meant) = packages::meant(&wanted.normal_name()) {
        let entries = python::entries_for(case, &wanted.name);
        let edit = entries.first().and_then(|entry| requirements::set_text(case.workspace, entry, meant));
        return Prescription::of(edit.map(|edit| Remedy {
            id: "rename-requirement".into(),
            title: format!("Ask for {meant} in place of {}", wanted.name),
            why: "the old name is only a pointer to it".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }));
    }
    match pins::pin_of(case, &wanted.name) {
        Some(pin) => pins::fit_python(case, case.failing_instruction(), &wanted.name, Some(&pin)),
        None => Prescription::none(),
    }
}

/// setuptools 81 is announced to drop pkg_resources: until then it is bounded, as its own warning advises.
fn add_setuptools(case: &Case<'_>) -> Prescription {
    let line = "setuptools<81";
    let edit = match python::entries_for(case, "setuptools").as_slice() {
        [] => pins::home_of_requirements(case).and_then(|path| requirements::add(case.workspace, &path, line)),
        [entry] if entry.requirement().is_some_and(|found| found.specifier.is_empty()) => {
            requirements::set_text(case.workspace, entry, line)
        }
        _ => None,
    };
    Prescription::of(edit.map(|edit| Remedy {
        id: "add-requirement".into(),
        title: "Add `setuptools<81` to the requirements".into(),
        why: "since Python 3.12 it is no longer there by itself; it brings `pkg_resources` and stands in for `distutils`".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

fn yaml() -> Knowledge {
    let release = |version: &str, wheels: &[&str]| Release {
        version: version.into(),
        requires: Some(">=3.6".into()),
        wheels: wheels.iter().map(|wheel| (*wheel).into()).collect(),
        has_source: true,
        ..Release::default()
    };
    let releases = vec![release("5.3", &[]), release("6.0.1", &["cp311-manylinux_2_17_x86_64"])];
    Knowledge { packages: vec![((Registry::Pypi, "pyyaml".into()), releases)], ..Knowledge::default() }
}
