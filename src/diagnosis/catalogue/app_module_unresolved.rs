//! `app-module-unresolved`: the bundler cannot resolve an import.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-module-unresolved",
    what: "The bundler cannot resolve an import",
    why: "The package is not in package.json, or the file has another name: letter case matters on Linux.",
    advice: "Add the package, or correct the path or its letter case.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "Can't resolve",
        "Cannot resolve module",
        "Could not resolve entry module",
        "failed to resolve import",
        "Could not resolve \"./",
        "Could not resolve \"../",
        "Could not resolve \"",
        "Failed to resolve import",
    ],
    detect,
    examples: &[
        Example {
            log: "Module not found: Error: Can't resolve './components/Header' in '/app/src'",
            subject: "./components/Header",
            ..Example::BLANK
        },
        Example {
            log: "[vite]: Rollup failed to resolve import \"axios\" from \"/app/src/api.ts\".",
            subject: "axios",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Can't resolve '([^']+)'",
    r#"[Ff]ailed to resolve import "([^"]+)""#,
    r#"Could not resolve entry module "([^"]+)""#,
    r#"Could not resolve "([^"]+)""#,
    r"Cannot resolve module '([^']+)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the bundler cannot resolve `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
