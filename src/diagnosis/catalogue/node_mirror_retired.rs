//! `node-mirror-retired`: the npm mirror is retired.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-mirror-retired",
    what: "The npm mirror is retired",
    why: "registry.npm.taobao.org moved in 2022 and its certificate expired in January 2024.",
    advice: "Use registry.npmmirror.com, or drop the `--registry` setting.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["registry.npm.taobao.org", "npm.taobao.org"],
    detect,
    examples: &[Example {
        log: "npm error code CERT_HAS_EXPIRED\nnpm error request to https://registry.npm.taobao.org/express failed, reason: certificate has expired",
        subject: "registry.npm.taobao.org",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(registry\.npm\.taobao\.org)\S* failed, reason: certificate has expired",
    r"(npm\.taobao\.org).*(?:CERT_HAS_EXPIRED|certificate has expired)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the mirror `{subject}` is retired: its certificate has expired");
    Some(Hit::at(found.line, subject, why))
}
