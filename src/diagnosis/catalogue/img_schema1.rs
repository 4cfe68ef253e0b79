//! `img-schema1`: the image has a format that builders no longer read.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "img-schema1",
    what: "The image has a format that builders no longer read",
    why: "The image was pushed in the first manifest format, which was retired.",
    advice: "Use a newer tag of the image, or an equal one.",
    stage: Stage::BaseImage,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["schema 1", "manifest.v1", "not implemented: media type"],
    detect,
    examples: &[Example {
        log: "ERROR: failed to solve: acme/old:1: not implemented: media type \"application/vnd.docker.distribution.manifest.v1+prettyjws\" is no longer supported since containerd v2.1",
        subject: "acme/old:1",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"schema ?1 .*(?:has been|is deprecated|removed|no longer)|manifest\.v1\+prettyjws|distribution\.manifest\.v1|not implemented: media type",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = {
        static IMAGE: Phrases = Phrases::new(&[r"(?:failed to solve: |FROM )([\w./-]+:[\w.-]+)"]);
        (0..=seen.line).rev().find_map(|at| IMAGE.on(case, at).map(|found| found[1].to_owned())).unwrap_or_default()
    };
    let why = "the base image has a retired format";
    Some(Hit::at(seen.line, subject, why).confidence(0.96))
}
