//! `st-exit-wrapper`: the process ended.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-exit-wrapper",
    what: "The process ended",
    why: "The platform reports how it ended; why stands in the lines before.",
    advice: "Read the lines before it.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Wrapper,
    needles: &[
        "Exited with status",
        "while running your code",
        "Application exited with code",
        "container ended with status",
    ],
    detect,
    examples: &[
        Example {
            log: "==> Exited with status 1\n==> Common ways to troubleshoot your deploy: https://render.com/docs/troubleshooting-deploys",
            subject: "1",
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "/app/server.js:2\nconsole.log(chalk.red(1));\n                  ^\nTypeError: chalk.red is not a function\n    at Object.<anonymous> (/app/server.js:2:19)\n==> Exited with status 1",
            subject: "1",
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Exited with status (\d+)",
    r"exited with code (\d+)",
    r"container ended with status (\d+)",
    r"while running your (code)",
]);

/// How languages word an error that nobody caught.
static LAST_WORDS: Phrases = Phrases::new(&[
    r"^\s*(?:Uncaught |Unhandled |\[?ERROR\]? )?((?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception)(?: \[\w+\])?: .{1,160})",
    r"^\s*(?i:fatal|error): (.{1,160})",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.last(case, lines)?;
    let subject = found.subject();
    let last_words = LAST_WORDS.last(case, &(0..found.line).collect::<Vec<_>>());
    let why = match last_words {
        Some(said) => format!("the process ended with status {subject}: {}", said.subject()),
        None => format!("the process ended with status {subject}"),
    };
    Some(Hit::at(found.line, subject, why))
}
