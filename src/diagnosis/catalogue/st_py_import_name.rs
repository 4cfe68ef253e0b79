//! `st-py-import-name`: a name cannot be imported from a module that is there.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
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

static SAYS: Phrases =
    Phrases::new(&[r"cannot import name '?(\w+)'?(?: from (?:partially initialized module )?'([\w.]+)')?"]);
static FRAME: Phrases = Phrases::new(&[r#"File "([^"]+)", line \d+"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let importer =
        FRAME.above(case, found.line, 12).map(|frame| frame.subject().to_owned()).filter(|path| !path.starts_with('<'));
    let by_project = importer.as_deref().is_some_and(|path| !crate::diagnosis::python::is_foreign(path));
    // The project's own module lacks the name: that is its code's matter.
    let module = found.get(2);
    let own = module.is_some_and(|module| crate::diagnosis::python::is_own(case, module));
    if own && !case.text(found.line).contains("circular") && !case.text(found.line).contains("partially initialized") {
        return Some(
            Hit::at(
                found.line,
                &found[1],
                format!("the project's module `{}` has no `{}`", module.unwrap_or_default(), &found[1]),
            )
            .policy(Policy::Human),
        );
    }
    let subject = found.subject();
    let why = format!("the name `{subject}` is not in the module it is imported from");
    let hit = Hit::at(found.line, subject, why).confidence(0.88);
    // Without the module's name an import in the project's own code is its author's matter.
    Some(if by_project && module.is_none() { hit.policy(Policy::Human) } else { hit })
}
