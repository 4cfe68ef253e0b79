//! `node-protocol-unsupported`: npm does not know the address of a dependency.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-protocol-unsupported",
    what: "npm does not know the address of a dependency",
    why: "`workspace:`, `catalog:` and `link:` belong to pnpm and yarn workspaces; npm, or a build outside the \
          workspace, cannot follow them.",
    advice: "Install with the manager whose lock file is in the repository, from the top of the workspace.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "EUNSUPPORTEDPROTOCOL",
        "Unsupported URL Type",
        "ERR_PNPM_WORKSPACE_PKG_NOT_FOUND",
        "ERR_PNPM_CATALOG_ENTRY_NOT_FOUND",
    ],
    detect,
    examples: &[Example {
        log: "npm error code EUNSUPPORTEDPROTOCOL\nnpm error Unsupported URL Type \"workspace:\": workspace:*",
        subject: "workspace:",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"Unsupported URL Type "(\w+:)""#,
    r#"ERR_PNPM_WORKSPACE_PKG_NOT_FOUND.*?"(\S+?)@workspace"#,
    r"(ERR_PNPM_WORKSPACE_PKG_NOT_FOUND|EUNSUPPORTEDPROTOCOL|ERR_PNPM_CATALOG_ENTRY_NOT_FOUND)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.name(0);
    let why = format!("a dependency is named by `{subject}`, which this package manager cannot follow here");
    Some(Hit::at(found.line, subject, why))
}
