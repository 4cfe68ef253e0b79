//! `st-py-extra-missing`: a package says itself which other package it wants beside it.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{self, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements::normalise;
use crate::service::DeployStatus;

pub const RULE: Rule = Rule {
    id: "st-py-extra-missing",
    what: "A Python package wants another one that is optional",
    why: "Some features of a package need a second package, which it does not install by itself. It is found out where \
          the feature is used, often only at the start.",
    advice: "Add the package that the message names to the requirements.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["to be installed", "must be installed", "is not installed", "missing optional dependency"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "  File \"/usr/local/lib/python3.12/site-packages/fastapi/dependencies/utils.py\", line 107, in ensure_multipart_is_installed\n    raise RuntimeError(multipart_not_installed_error) from None\nRuntimeError: Form data requires \"python-multipart\" to be installed.\nYou can install \"python-multipart\" with:\n\npip install python-multipart\n\n==> Exited with status 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"uvicorn\", \"main:app\"]\n",
                ),
                ("requirements.txt", "fastapi\nuvicorn\n"),
                ("main.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
            ],
            subject: "python-multipart",
            remedy: Some(("add-requirement", &[("requirements.txt", "fastapi\nuvicorn\npython-multipart\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "ImportError: email-validator is not installed, run `pip install pydantic[email]`\n==> Exited with status 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n",
                ),
                ("requirements.txt", "pydantic\n"),
            ],
            subject: "email-validator",
            remedy: Some(("add-requirement", &[("requirements.txt", "pydantic\nemail-validator\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "AssertionError: jinja2 must be installed to use Jinja2Templates\n==> Exited with status 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n",
                ),
                ("requirements.txt", "starlette\n"),
            ],
            subject: "jinja2",
            remedy: Some(("add-requirement", &[("requirements.txt", "starlette\njinja2\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"(?:Error|Exception): .*?(?:requires ["'`]([\w.-]+)["'`] to be installed|Missing optional dependency ["'`]([\w.-]+)["'`]|(?:[Tt]he )?["'`]?\b([\w.-]+)["'`]?(?: library| package)? (?:must be installed to use|is not installed, run ["'`]?pip install))"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if matches!(case.status, Some(DeployStatus::Live)) {
        return None;
    }
    let found = SAYS.last(case, lines)?;
    let package = normalise(found.subject());
    if package.is_empty() {
        return None;
    }
    let why = format!("an installed package needs `{package}`, which is not installed");
    Some(Hit::at(found.line, package, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if !python::entries_for(case, &hit.subject).is_empty() {
        return Prescription::none();
    }
    pins::add_requirement(case, &hit.subject, "the package that uses it names it in its message")
}
