//! `pf-blueprint-invalid`: render.yaml does not validate.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-blueprint-invalid",
    what: "render.yaml does not validate",
    why: "A field of the blueprint is unknown or has a value that the platform does not accept.",
    advice: "Correct the field by the blueprint specification.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["render.yaml", "blueprint", "invalid service type", "invalid region", "is not a valid plan"],
    detect,
    examples: &[Example {
        log: "A render.yaml file was found, but there was an issue.\nservices[0].plan\nfree2 is not a valid plan",
        subject: "render.yaml",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:render\.yaml|[Bb]lueprint).*(?:invalid|error|field .* not found|cannot unmarshal)(?P<a>.*)",
    r"(?P<b>invalid service type|invalid region|is not a valid plan)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    if case.log.failing.is_some() {
        return None;
    }
    let subject = "render.yaml".to_owned();
    let why = "render.yaml does not validate";
    Some(Hit::at(seen.line, subject, why).confidence(0.85))
}
