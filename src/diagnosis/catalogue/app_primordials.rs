//! `app-primordials`: gulp 3 or bower on a newer Node.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-primordials",
    what: "gulp 3 or bower on a newer Node",
    why: "gulp 3 uses a graceful-fs that broke with Node 12; bower refuses to run as root.",
    advice: "Base the build on Node 10, or override graceful-fs with 4.2; give bower `--allow-root`.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "primordials is not defined",
        "bower ESUDO",
        "Cannot be run with sudo",
        "Task function must be specified",
    ],
    detect,
    examples: &[
        Example {
            log: "ReferenceError: primordials is not defined\n    at fs.js:45:5",
            subject: "primordials",
            ..Example::BLANK
        },
        Example { log: "bower ESUDO         Cannot be run with sudo", subject: "bower", ..Example::BLANK },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(primordials) is not defined",
    r"(bower) ESUDO",
    r"(Task function) must be specified",
    r"(Cannot be run with sudo)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("an old build tool does not run on this Node ({subject})");
    Some(Hit::at(found.line, subject, why))
}
