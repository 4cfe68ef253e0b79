//! `nat-python-abi-old-package`: an old package does not compile with this Python.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::pins;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Registry, Release};

pub const RULE: Rule = Rule {
    id: "nat-python-abi-old-package",
    what: "The C code of a Python package is too old for this Python",
    why: "Python's C interface changes. A release from before that change does not compile with a newer Python, and has no ready wheel for it.",
    advice: "Raise the package to a release with a wheel for this Python, or base the image on an older Python.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "pyinterpreterstate",
        "pythreadstate",
        "tp_print",
        "longintrepr.h",
        "implicit declaration of function ‘py",
        "_pyunicode_",
        "pybaseexceptionobject",
        "pyframeobject",
        "implicit declaration of function 'py",
        "_pydict_",
        "_pylong_asbytearray",
        "pyunicode_get_size",
        "ma_version_tag",
        "to function '_py",
        "to function ‘_py",
        "to function 'py",
        "to function ‘py",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "  Building wheel for pyyaml (setup.py): started\n      numpy/core/src/multiarray/scalartypes.c.src:3242:12: error: too few arguments to function '_Py_HashDouble'\n  ERROR: Failed building wheel for numpy",
        files: &[
            ("Dockerfile", "FROM python:3.13-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
            ("requirements.txt", "numpy==1.21.2\n"),
        ],
        subject: "numpy",
        knowledge: numpy,
        remedy: Some((
            "move-python",
            &[("Dockerfile", "FROM python:3.9-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n")],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:error|note): .*(PyInterpreterState|PyThreadState|PyFrameObject|tp_print|PyBaseExceptionObject|ma_version_tag)|(longintrepr\.h): No such file|error: (?:implicit declaration of function|too (?:few|many) arguments to function) ['‘`]?(_?Py\w+)",
]);
static PACKAGE: Phrases = Phrases::new(&[
    r"Failed building wheel for ([\w.\-]+)|Failed to build ([\w.\-]+)$|Running setup\.py install for ([\w.\-]+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = PACKAGE
        .below(case, found.line, 400)
        .or_else(|| PACKAGE.above(case, found.line, 400))
        .map_or_else(|| found.subject(), |package| package.subject());
    let why = format!("`{subject}` does not compile with this Python");
    Some(Hit::at(found.line, subject, why).confidence(0.92))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    match pins::pin_of(case, &hit.subject) {
        Some(pin) => pins::fit_python(case, case.failing_instruction(), &hit.subject, Some(&pin)),
        None => Prescription::none(),
    }
}

fn numpy() -> Knowledge {
    let release = Release {
        version: "1.21.2".into(),
        requires: Some(">=3.7,<3.11".into()),
        wheels: vec!["cp39-manylinux_2_12_x86_64".into()],
        has_source: true,
        ..Release::default()
    };
    Knowledge { packages: vec![((Registry::Pypi, "numpy".into()), vec![release])], ..Knowledge::default() }
}
