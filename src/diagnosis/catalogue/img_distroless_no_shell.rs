//! `img-distroless-no-shell`: a step needs a shell that the image does not have.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

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

static SHAPES: Phrases = Phrases::new(&[
    r#"exec: \\?"(?P<shell>/bin/(?:ba)?sh)\\?": stat /bin/(?:ba)?sh: no such file"#,
    r#"exec: \\?"(?P<shell2>sh|/bin/sh)\\?": executable file not found"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["shell", "shell2"]).to_owned();
    let why = format!("the image has no shell `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}
