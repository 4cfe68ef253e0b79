//! `st-rails-pid`: A stale pid file is in the image.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-rails-pid",
    what: "A stale pid file is in the image",
    why: "Rails finds tmp/pids/server.pid and believes that it is running already.",
    advice: "Ignore `tmp` in .dockerignore, and remove the file before the server starts.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["A server is already running", "tmp/pids/server.pid"],
    detect,
    examples: &[Example {
        log: "=> Booting Puma\nA server is already running. Check /app/tmp/pids/server.pid.\nExiting",
        subject: "/app/tmp/pids/server.pid",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"A server is already running.*?(?:Check )?(\S+server\.pid)", r"(server) is already running"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("Rails finds `{subject}` and will not start");
    Some(Hit::at(found.line, subject, why))
}
