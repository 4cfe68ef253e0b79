//! `node-install-script-failed`: an install script of a package failed.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-install-script-failed",
    what: "An install script of a package failed",
    why: "npm runs scripts of packages while it installs them. One ended with an error; npm reports only that, \
          the reason stands in the lines before.",
    advice: "Read the lines above. If it is `husky` or another git hook tool, skip scripts in the image with \
          `--ignore-scripts`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Wrapper,
    needles: &[
        "code ELIFECYCLE",
        "husky: not found",
        "ERR_PNPM_RECURSIVE",
        "husky: command not found",
        "ELIFECYCLE  Command failed",
    ],
    detect,
    examples: &[
        Example {
            log: "npm ERR! code ELIFECYCLE\nnpm ERR! errno 1\nnpm ERR! iltorb@2.4.3 install: `node ./scripts/install.js || node-gyp rebuild`\nnpm ERR! Exit status 1",
            subject: "iltorb@2.4.3",
            ..Example::BLANK
        },
        Example {
            log: "#9 3.1 > app@1.0.0 prepare\n#9 3.1 > husky install\n#9 3.1 sh: husky: not found\n#9 3.2 npm error code 127",
            subject: "husky",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(husky): (?:command )?not found",
    r"npm ERR! (\S+@\S+) \w+: `",
    r"npm (?:ERR!|error) code (ELIFECYCLE)",
    r"(ERR_PNPM_RECURSIVE\w*)",
    r"(ELIFECYCLE)\s+Command failed",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a script that runs while packages are installed failed ({subject})");
    Some(Hit::at(found.line, subject, why))
}
