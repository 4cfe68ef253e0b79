//! `os-download-checksum`: a downloaded file is not the one expected.

use crate::diagnosis::Case;
use crate::diagnosis::downloads;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-download-checksum",
    what: "A downloaded file is not the one expected",
    why: "Its checksum differs: the vendor replaced the file under the same address, or an error page was saved.",
    advice: "Try once; then pin the address of the version whose checksum is written. Never just replace the checksum.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "checksum did NOT match",
        "checksum did not match",
        "sha256sum: WARNING",
        "Checksum mismatch",
        "md5sum: WARNING",
        "sha256 mismatch",
        "FAILED",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN sha256sum -c x.sha256\n#6 0.5 x.tar.gz: FAILED\n#6 0.5 sha256sum: WARNING: 1 computed checksum did NOT match\n#6 ERROR: process \"/bin/sh -c sha256sum -c x.sha256\" did not complete successfully: exit code: 1",
        subject: "x.tar.gz",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"^(?P<file>[\w./+-]+): FAILED(?: open or read)?$",
    r"(?:computed )?checksum did (?:NOT|not) match|[Cc]hecksum mismatch|sha256 mismatch|sum: WARNING",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // Tools that migrate databases compare the sums of their own scripts.
    let seen = SHAPES.first(case, lines).filter(|seen| !case.text(seen.line).contains("igration"))?;
    let subject = match seen.named(&["file"]) {
        "" => downloads::address(case, seen.line),
        file => file.to_owned(),
    };
    let why = format!("the file `{subject}` is not the one expected");
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}
