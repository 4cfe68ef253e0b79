//! `st-py-import-name`: a name cannot be imported from a module that is there.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnosis::Case;
use crate::diagnosis::evidence::{above, caught, last, pattern};
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-py-import-name",
    what: "A name cannot be imported from a module",
    why: "The module exists and does not have the name: a package moved it in another release, two modules import each other, or a file of the project hides the package.",
    advice: "Pin the package to the release that has the name, or change the import.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &["cannot import name", "most likely due to a circular import", "partially initialized module"],
    detect,
    examples: &[Example {
        log: "ImportError: cannot import name 'sites' from 'invocations.packaging' (/usr/lib/python3/site-packages/invocations/packaging/__init__.py)",
        subject: "sites",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: LazyLock<Regex> =
    pattern!(r"cannot import name '?(\w+)'?(?: from (?:partially initialized module )?'([\w.]+)')?");
static FRAME: LazyLock<Regex> = pattern!(r#"File "([^"]+)", line \d+"#);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let (line, found) = last(case, lines, &SAYS)?;
    let importer = above(case, line, 12, &FRAME).map(|(_, frame)| caught(&frame)).filter(|path| !path.starts_with('<'));
    let by_project = importer.as_deref().is_some_and(|path| !crate::diagnosis::python::is_foreign(path));
    // The project's own module lacks the name: that is its code's matter.
    let module = found.get(2).map(|module| module.as_str().to_owned());
    let own = module.as_deref().is_some_and(|module| crate::diagnosis::python::is_own(case, module));
    if own && !case.text(line).contains("circular") && !case.text(line).contains("partially initialized") {
        return Some(
            Hit::at(
                line,
                &found[1],
                format!("the project's module `{}` has no `{}`", module.unwrap_or_default(), &found[1]),
            )
            .policy(Policy::Human),
        );
    }
    let subject = caught(&found);
    let why = format!("the name `{subject}` is not in the module it is imported from");
    let hit = Hit::at(line, subject, why).confidence(0.88);
    // Without the module's name an import in the project's own code is its author's matter.
    Some(if by_project && module.is_none() { hit.policy(Policy::Human) } else { hit })
}
