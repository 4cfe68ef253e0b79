//! `pf-internal-error`: the platform had an internal error.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-internal-error",
    what: "The platform had an internal error",
    why: "Nothing in the repository is wrong: the platform itself failed.",
    advice: "Try again; if it stays, look at the status page.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Retry,
    weight: Weight::Typical,
    needles: &["internal error", "Internal server error", "Something went wrong"],
    detect,
    examples: &[Example {
        log: "==> Building\n==> There was an internal error. Please try again or contact support.",
        subject: "internal error",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?i)(?:we encountered|there was|an) (?:an )?(?P<a>internal (?:server )?error)(?: occurred)?",
    r"^==> .*(?P<b>[Ss]omething went wrong|[Ii]nternal (?:server )?error)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    if case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some()) {
        return None;
    }
    let subject = seen.named(&["a", "b"]).to_owned();
    let why = "the platform had an internal error";
    Some(Hit::at(seen.line, subject, why).confidence(0.85))
}
