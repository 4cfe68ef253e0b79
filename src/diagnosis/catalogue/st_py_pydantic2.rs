//! `st-py-pydantic2`: code for pydantic 1 meets pydantic 2.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::pins;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-py-pydantic2",
    what: "Code for pydantic 1 meets pydantic 2",
    why: "pydantic was not pinned to its major and moved to the next one, which dropped what the code calls.",
    advice: "Pin pydantic below 2 (as long as the other packages allow it), or change the code to the new major.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "has been moved to the `pydantic-settings` package",
        "pydanticimporterror",
        "pydanticusererror",
        "`regex` is removed",
        "cannot import name 'basesettings'",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "pydantic.errors.PydanticImportError: `BaseSettings` has been moved to the `pydantic-settings` package.",
        files: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n",
            ),
            ("requirements.txt", "flask==3.0.3\npydantic\n"),
        ],
        subject: "pydantic",
        remedy: Some(("bound-major", &[("requirements.txt", "flask==3.0.3\npydantic<2\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"`?(BaseSettings)`? has been moved to the `pydantic-settings`|pydantic\.errors\.(Pydantic\w+Error)|`(regex)` is removed|cannot import name '(BaseSettings)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = "pydantic";
    let why = "the code was written for pydantic 1, and pydantic 2 is installed";
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    Prescription::of(pins::below_second_major(case, &hit.subject, "pydantic"))
}
