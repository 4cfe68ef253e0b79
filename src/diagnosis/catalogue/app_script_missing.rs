//! `app-script-missing`: package.json has no such script.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-script-missing",
    what: "package.json has no such script",
    why: "The Dockerfile calls a script that package.json does not define.",
    advice: "Call the script that exists, or drop the step when there is nothing to build.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Missing script:", "ERR_PNPM_NO_SCRIPT", "Missing script", "error Command \""],
    detect,
    examples: &[
        Example {
            log: "npm error Missing script: \"build\"\nnpm error\nnpm error To see a list of scripts, run:\nnpm error   npm run",
            subject: "build",
            ..Example::BLANK
        },
        Example { log: "error Command \"build\" not found.", subject: "build", ..Example::BLANK },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"[Mm]issing script: "?([\w:.-]+)"#,
    r#"ERR_PNPM_NO_SCRIPT\S*.*?Missing script: "?([\w:.-]+)"#,
    r#"ERR_PNPM_NO_SCRIPT.*?"([\w:.-]+)""#,
    r#"error Command "([^"]+)" not found"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("package.json has no script `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
