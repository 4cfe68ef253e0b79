//! `st-py-module-missing`: the code imports a package that is not installed.

use crate::diagnosis::Case;
use crate::diagnosis::python::{self, installs, modules, packages, pins, start};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Registry, Release};

pub const RULE: Rule = Rule {
    id: "st-py-module-missing",
    what: "A Python package that the code imports is not installed",
    why: "The requirements do not name the package, so that the image does not have it. On the machine where the code was written it \
          had been installed some other way.",
    advice: "Add the package that provides the module to the requirements. Its name is not always that of the module.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: modules::NEEDLES,
    detect,
    foresee: |_| vec![],
    remedies,
    examples: &[
        Example {
            log: "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    import yaml\nModuleNotFoundError: No module named 'yaml'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n",
                ),
                ("requirements.txt", "flask==3.0.3\n"),
                ("main.py", "import flask\nimport yaml\n"),
            ],
            subject: "yaml",
            knowledge: pyyaml,
            remedy: Some(("add-requirement", &[("requirements.txt", "flask==3.0.3\nPyYAML==6.0.2\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/srv/bot.py\", line 1, in <module>\n    from bs4 import BeautifulSoup\nModuleNotFoundError: No module named 'bs4'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"bot.py\"]\n",
                ),
                ("requirements.txt", "requests\n"),
                ("bot.py", "from bs4 import BeautifulSoup\n"),
            ],
            subject: "bs4",
            remedy: Some(("add-requirement", &[("requirements.txt", "requests\nbeautifulsoup4\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/usr/local/lib/python3.11/site-packages/acme/client.py\", line 1, in <module>\n    import internal_sdk\nModuleNotFoundError: No module named 'internal_sdk'",
            files: &[("Dockerfile", "FROM python:3.11-slim\nRUN pip install acme\nCMD [\"acme\"]\n")],
            subject: "internal_sdk",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn pyyaml() -> Knowledge {
    let release = Release {
        version: "6.0.2".into(),
        requires: Some(">=3.8".into()),
        wheels: vec!["cp312-manylinux_2_17_x86_64".into()],
        has_source: true,
        ..Release::default()
    };
    Knowledge { packages: vec![((Registry::Pypi, "pyyaml".into()), vec![release])], ..Knowledge::default() }
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let missing = modules::missing(case, lines)?;
    let named_by_start = start::app_path(case).is_some_and(|app| app.module.split('.').next() == Some(missing.top()));
    let of_tools = modules::is_build_tool(&missing.module) && missing.by_package();
    if modules::is_own(case, &missing)
        || named_by_start && !missing.by_package()
        || of_tools
        || modules::while_packaging(case, &missing)
    {
        return None;
    }
    let subject = if packages::providing(&missing.module).is_some() && !missing.module.starts_with("google.") {
        missing.top().to_owned()
    } else {
        missing.module.clone()
    };
    let why = match packages::providing(&missing.module) {
        Some(package) => format!("`{subject}`, which the package {package} provides, is imported and not installed"),
        None => format!("`{subject}` is imported and not installed"),
    };
    Some(Hit::at(missing.line, subject, why).confidence(0.9))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(package) = packages::providing(&hit.subject) else { return Prescription::none() };
    if packages::is_standard(&hit.subject) || python::is_own(case, &hit.subject) || installs(case).is_empty() {
        return Prescription::none();
    }
    // psycopg2 may be there under its other name.
    if package == "psycopg2-binary" && !python::entries_for(case, "psycopg2").is_empty() {
        return Prescription::none();
    }
    pins::add_requirement(case, package, &format!("{package} provides `{}`, which the code imports", hit.subject))
}
