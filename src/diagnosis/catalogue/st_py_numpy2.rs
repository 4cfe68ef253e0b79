//! `st-py-numpy2`: a package was compiled for NumPy 1.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::{Phrases, Words};
use crate::diagnosis::python;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "st-py-numpy2",
    what: "A package does not work with NumPy 2",
    why: "NumPy 2 changed its binary interface and dropped names. A package that was built or written for NumPy 1 fails with it.",
    advice: "Pin numpy below 2 (or raise the package to a release for NumPy 2).",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "numpy.core.multiarray failed to import",
        "module 'numpy' has no attribute",
        "a module that was compiled using numpy 1.x cannot be run",
        "numpy.dtype size changed",
        "_array_api not found",
        "was removed in the numpy 2.0 release",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.0.0 as it may crash.\nImportError: numpy.core.multiarray failed to import",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n",
                ),
                ("requirements.txt", "pandas==2.0.3\n"),
            ],
            subject: "numpy",
            remedy: Some(("bound-numpy", &[("requirements.txt", "pandas==2.0.3\nnumpy<2\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/app/model.py\", line 4, in <module>\n    x = np.zeros(3, dtype=np.float)\nAttributeError: module 'numpy' has no attribute 'float'.\n`np.float` was a deprecated alias for the builtin `float`.",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.10-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"model.py\"]\n",
                ),
                ("requirements.txt", "numpy\n"),
            ],
            subject: "numpy",
            remedy: Some(("bound-numpy", &[("requirements.txt", "numpy<1.24\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(numpy\.core\.multiarray) failed to import|module 'numpy' has no attribute '(\w+)'|compiled using (NumPy 1\.x) cannot be run|(numpy\.dtype size changed)|(_ARRAY_API) not found|`([\w.]+)` was removed in the NumPy 2",
]);

/// Names that NumPy 1.20 deprecated and 1.24 dropped: plain Python types under another name.
const ALIASES: &[&str] = &["bool", "int", "float", "complex", "object", "str", "long", "unicode", "typeDict"];

/// The newest Python with wheels of NumPy 1.23.
const NEWEST_WITH_ALIASES: python::version::Minor = python::version::Minor(3, 11);

/// The NumPy that still has what was missed.
fn bound(found: &Words<'_>) -> &'static str {
    if found.get(2).is_some_and(|name| ALIASES.contains(&name)) { "numpy<1.24" } else { "numpy<2" }
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = "numpy";
    let why = match (bound(&found), found.get(2)) {
        ("numpy<1.24", Some(name)) => {
            format!("the code uses `{subject}.{name}`, which NumPy dropped with 1.24")
        }
        _ => format!("an installed package does not work with this NumPy: `{subject}`"),
    };
    Some(Hit::at(found.line, subject, why).confidence(0.94))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(found) = hit.line.and_then(|line| SAYS.on(case, line)) else { return Prescription::none() };
    let wanted = bound(&found);
    let install = python::installs(case).last().map(|install| install.index);
    if wanted == "numpy<1.24" && python::minor_at(case, install).is_none_or(|minor| minor > NEWEST_WITH_ALIASES) {
        return Prescription::none();
    }
    let limit = wanted.trim_start_matches("numpy<");
    Prescription::none().with(
        "bound-numpy",
        format!("Keep NumPy below {limit}"),
        format!("what is installed was made for a NumPy before {limit}, and nothing kept NumPy there"),
        Applicability::Rehearse,
        python::numpy::add(case, wanted),
    )
}
