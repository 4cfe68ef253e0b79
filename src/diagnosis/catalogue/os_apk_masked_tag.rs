//! `os-apk-masked-tag`: an apk package is no longer in the tagged repository.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-apk-masked-tag",
    what: "An apk package is no longer in the tagged repository",
    why: "It moved, usually from testing to community.",
    advice: "Change the @tag, or drop it when the release has the package.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["masked in: @"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN apk add gosu@testing\n#6 0.5   gosu-1.12-r0:\n#6 0.5     masked in: @testing\n#6 0.5     satisfies: world[gosu@testing]\n#6 ERROR: process \"/bin/sh -c apk add gosu@testing\" did not complete successfully: exit code: 1",
        subject: "testing",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[r"(?P<pkg>[\w.+-]+)-\d\S*:$|masked in: @?(?P<tag>\w+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["pkg", "tag"]).to_owned();
    let why = format!("the package is not in the repository `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}
