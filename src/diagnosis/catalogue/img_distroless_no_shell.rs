//! `img-distroless-no-shell`: a step needs a shell that the image does not have.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnosis::Case;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::sighting::{self, pattern};

pub const RULE: Rule = Rule {
    id: "img-distroless-no-shell",
    what: "A step needs a shell that the image does not have",
    why: "scratch and distroless images have no /bin/sh: RUN and shell-form CMD cannot work there.",
    advice: "Do the work in an earlier stage, and write CMD and ENTRYPOINT in JSON form.",
    stage: Stage::BaseImage,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["/bin/sh", "\"sh\": executable file not found"],
    detect,
    examples: &[Example {
        log: "#6 [2/2] RUN ls\n#6 ERROR: process \"/bin/sh -c ls\" did not complete successfully: exit code: 1\nrunc run failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory",
        subject: "/bin/sh",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [
        pattern(r#"exec: \\?"(?P<shell>/bin/(?:ba)?sh)\\?": stat /bin/(?:ba)?sh: no such file"#),
        pattern(r#"exec: \\?"(?P<shell2>sh|/bin/sh)\\?": executable file not found"#),
    ]
});

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = sighting::last(case, lines, &SHAPES.iter().collect::<Vec<_>>())?;
    let subject = seen.named(&["shell", "shell2"]).to_owned();
    let why = format!("the image has no shell `{subject}`");
    Some(Hit::at(seen.at, subject, why).confidence(0.93))
}
