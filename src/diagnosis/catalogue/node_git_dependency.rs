//! `node-git-dependency`: A dependency comes from git and cannot be cloned.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-git-dependency",
    what: "A dependency comes from git and cannot be cloned",
    why: "The image has no git or no ssh, or the repository asks for a key that the build does not have.",
    advice: "Install git in the image for public repositories; use https instead of ssh addresses. A private one \
          needs a token.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "Host key verification failed",
        "spawn git ENOENT",
        "npm ERR! code 128",
        "npm error code 128",
        "Permission denied (publickey)",
        "cannot run ssh",
        "/root/.npm/_git-remotes/",
        "spawn git",
        "syscall spawn git",
        "executable \"git\"",
    ],
    detect,
    examples: &[
        Example {
            log: "npm error code ENOENT\nnpm error syscall spawn git\nnpm error path git\nnpm error errno -2\nnpm error enoent An unknown git error occurred",
            subject: "git",
            ..Example::BLANK
        },
        Example {
            log: "npm ERR! code 128\nnpm ERR! An unknown git error occurred\nnpm ERR! command git --no-replace-objects ls-remote ssh://git@github.com/acme/private-lib.git\nnpm ERR! git@github.com: Permission denied (publickey).",
            subject: "ssh://git@github.com/acme/private-lib.git",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(?:npm ERR!|npm error|error).*?spawn (git) ENOENT",
    r"syscall spawn (git)",
    r#"npm (?:ERR!|error) .*?((?:ssh|git|https)(?:\+ssh)?://\S*github\.com\S*?)(?:'|"|$|\s)"#,
    r"(Host key verification failed)",
    r"(git)@\S+: Permission denied \(publickey\)",
    r"cannot run (ssh): No such file",
    r"Permission denied \((publickey)\)",
    r"npm (?:ERR!|error) code (128)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a dependency from git cannot be cloned ({subject})");
    Some(Hit::at(found.line, subject, why))
}
