//! `py-build-tool-too-old`: pip or setuptools of the image is too old for a package.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "py-build-tool-too-old",
    what: "The build tools are too old for a package",
    why: "The image is old, and so are its pip and setuptools: they cannot read the metadata of today's packages.",
    advice: "Raise pip and setuptools before anything is installed (for Python 2.7: `pip<21`, `setuptools<45`), or pin the package to a release of the image's time.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "'extras_require' must be a dictionary",
        "'install_requires' must be a string or list",
        "name 'platform_system' is not defined",
        ".dist-info directory not found",
        "unexpected keyword argument 'python_requires'",
        "name 'platform_python_implementation' is not defined",
        "name 'implementation_name' is not defined",
    ],
    detect,
    examples: &[
        Example {
            log: "AssertionError: zipp>=0.4 .dist-info directory not found",
            subject: "zipp>=0.4",
            ..Example::BLANK
        },
        Example {
            log: "NameError: name 'platform_system' is not defined",
            subject: "platform_system",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"'(extras_require)' must be|'(install_requires)' must be|name '(platform_system|platform_python_implementation|implementation_name)' is not defined|AssertionError: (\S+) \.dist-info directory not found|unexpected keyword argument '(python_requires)'",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the build tools of this image do not understand `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.94))
}
