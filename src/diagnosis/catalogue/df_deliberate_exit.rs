//! `df-deliberate-exit`: the Dockerfile stops the build on purpose.

use crate::diagnosis::Case;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "df-deliberate-exit",
    what: "The Dockerfile stops the build on purpose",
    why: "A step does nothing but fail: the author guards against building this file (a retired image, the wrong Dockerfile).",
    advice: "Build the Dockerfile that the comments around the step name.",
    stage: Stage::DockerfileParse,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["exit 1", "RUN false", "\"/bin/sh -c false\"", "-c exit"],
    detect,
    examples: &[Example {
        log: "Step 11/11 : RUN exit 1\n ---> Running in 12\nThe command '/bin/sh -c exit 1' returned a non-zero code: 1",
        subject: "exit 1",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let step = case.log.failing.as_ref()?;
    let command = step.command.trim_start_matches("RUN ").trim();
    let last = command.rsplit("&&").next().unwrap_or(command).trim();
    let on_purpose = |text: &str| {
        text == "false" || text.strip_prefix("exit ").is_some_and(|code| code.parse::<u8>().is_ok_and(|code| code > 0))
    };
    let announced = command.starts_with("echo") && !command.contains("||");
    if !(on_purpose(command) || announced && on_purpose(last)) {
        return None;
    }
    let at = *lines.first()?;
    Some(Hit::at(at, last, format!("the step `{last}` always fails: it is there to stop the build")).confidence(0.97))
}
