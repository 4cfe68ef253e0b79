//! `nat-wheel-build-failed`: a wheel cannot be built; the lines above tell why.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::pins;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-wheel-build-failed",
    what: "A Python package cannot be built from source",
    why: "pip found no ready wheel that fits and tried to compile. What failed stands above this line.",
    advice: "Look for the first error above. A version with a ready wheel for this Python avoids the build.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Wrapper,
    needles: &[
        "failed building wheel for",
        "could not build wheels for",
        "failed to build installable wheels",
        "failed to build one or more wheels",
        "legacy-install-failure",
        "command 'gcc' failed",
        "command 'x86_64-linux-gnu-gcc' failed",
        "command 'cc' failed",
        "command 'g++' failed",
        "error: failed-wheel-build-for-install",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "  ERROR: Failed building wheel for uwsgi\nFailed to build uwsgi\nERROR: Failed to build one or more wheels",
        subject: "uwsgi",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Failed building wheel for ([\w.-]+)|Could not build wheels for ([\w.-]+)|Failed to build \(?([\w.-]+)|error: command '[^']*(?:gcc|g\+\+|cc)' failed|legacy-install-failure|Failed to build (?:installable|one or more) wheels",
]);
static SETUP: Phrases = Phrases::new(&[r"Running setup\.py install for ([\w.\-]+)|Building wheel for ([\w.\-]+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let named = lines
        .iter()
        .find_map(|at| SAYS.on(case, *at))
        .filter(|found| !found.subject().is_empty())
        .map(|found| (found.line, found.subject()));
    let fallback = SETUP.above(case, found.line, 200).map(|found| found.subject());
    let (line, subject) = named.unwrap_or_else(|| (found.line, fallback.unwrap_or_else(|| found.subject())));
    let why = format!("the package `{subject}` cannot be built from source");
    Some(Hit::at(line, subject, why).confidence(0.7))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    match pins::pin_of(case, &hit.subject) {
        Some(pin) => pins::fit_python(case, case.failing_instruction(), &hit.subject, Some(&pin)),
        None => Prescription::none(),
    }
}
