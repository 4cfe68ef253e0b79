//! `py-conda-solve`: conda cannot put the environment together.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "py-conda-solve",
    what: "conda cannot resolve the environment",
    why: "An exported environment names exact builds, or packages of another platform or channel, that conda no longer finds.",
    advice: "Drop build strings from environment.yml, use conda-forge, and leave out what belongs to another system.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "unsatisfiableerror",
        "resolvepackagenotfound",
        "packagesnotfounderror",
        "environmentfilenotfound",
        "condahttperror",
        "libmambaunsatisfiableerror",
        "terms of service have not been accepted",
        "solving environment: failed",
        "invalidarchiveerror",
        "the following specifications were found to be incompatible",
        "could not solve for environment specs",
        "nothing provides",
        "missing in current",
    ],
    detect,
    examples: &[Example {
        log: "Solving environment: ...working... failed\n\nResolvePackageNotFound: \n  - conda-build==3.18.2=py36_0\n  - gcc==4.8.5=7",
        subject: "conda-build==3.18.2=py36_0",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(UnsatisfiableError|ResolvePackageNotFound|PackagesNotFoundError|EnvironmentFileNotFound|CondaHTTPError|LibMambaUnsatisfiableError|Terms of Service have not been accepted|InvalidArchiveError|specifications were found to be incompatible|Could not solve for environment specs|PackageNotFoundError: Packages missing in current channels|Dependency missing in current [\w-]+ channels)|nothing provides (\S+)",
]);
static ITEM: Phrases = Phrases::new(&[r"^\s+- ([\w.\-]+(?: ?[=<>]+\S+)*)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let named = ITEM.below(case, found.line, 12).map(|item| item.subject().replace(" =", "="));
    let subject = named.unwrap_or_else(|| found.subject().to_owned());
    let why = format!("conda cannot resolve `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
