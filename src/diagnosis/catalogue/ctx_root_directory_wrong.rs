//! `ctx-root-directory-wrong`: the root directory of the service does not exist.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ctx-root-directory-wrong",
    what: "The root directory of the service does not exist",
    why: "The Root Directory set on the service names a folder that this branch does not have.",
    advice: "Correct or clear the Root Directory of the service.",
    stage: Stage::ContextCopy,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["Root Directory", "cd:"],
    detect,
    examples: &[Example {
        log: "==> Service Root Directory \"/opt/render/project/src/backend\" is missing.\nbuilder.sh: line 51: cd: /opt/render/project/src/backend: No such file or directory",
        subject: "backend",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"Service Root Directory "(?:/opt/render/project/src/)?(?P<dir>[^"]+)" is missing"#,
    r#"Root Directory "?(?P<dir2>[^"\s]+)"? does not exist"#,
    r"builder\.sh: line \d+: cd: (?P<dir3>[^:]+): No such file",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.first(case, lines)?;
    let subject = seen.named(&["dir", "dir2", "dir3"]).to_owned();
    let why = format!("the root directory `{subject}` is not in this commit");
    Some(Hit::at(seen.line, subject, why).confidence(0.98))
}
