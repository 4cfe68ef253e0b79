//! `node-ignored-builds`: pnpm does not run the install scripts of packages.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-ignored-builds",
    what: "pnpm does not run the install scripts of packages",
    why: "pnpm 10 and later run install scripts only for packages that are listed, so native add-ons are not \
          built.",
    advice: "List the packages that need it under `pnpm.onlyBuiltDependencies` in package.json.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["ERR_PNPM_IGNORED_BUILDS"],
    detect,
    examples: &[Example {
        log: " ERR_PNPM_IGNORED_BUILDS  Ignored build scripts: bcrypt@5.1.1, esbuild@0.25.0\n\nRun \"pnpm approve-builds\" to pick which dependencies should be allowed to run scripts.",
        subject: "bcrypt@5.1.1",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"ERR_PNPM_IGNORED_BUILDS.*?Ignored build scripts: ([^,\s]+)", r"(ERR_PNPM_IGNORED_BUILDS)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("pnpm did not run the install script of `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
