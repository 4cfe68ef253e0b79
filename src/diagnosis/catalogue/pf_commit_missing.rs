//! `pf-commit-missing`: the commit is not there any more.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "pf-commit-missing",
    what: "The commit is not there any more",
    why: "The commit or branch was force-pushed away, or never pushed.",
    advice: "Push it, then deploy the head of the branch.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    before: &["py-vcs-requirement"],
    needles: &[
        "reference is not a tree",
        "unable to read tree",
        "couldn't find remote ref",
        "upload-pack: not our ref",
    ],
    detect,
    examples: &[Example {
        log: "==> Checking out commit\nfatal: reference is not a tree: 0123456789abcdef0123456789abcdef01234567",
        subject: "0123456789abcdef0123456789abcdef01234567",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?:reference is not a tree:|unable to read tree|couldn't find remote ref|not our ref) \(?(?P<ref>[\w./-]+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    if case.log.failing.as_ref().is_some_and(|step| step.exit_code.is_some()) {
        return None;
    }
    let subject = seen.named(&["ref"]).to_owned();
    let why = format!("`{subject}` is not in the repository any more");
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}
