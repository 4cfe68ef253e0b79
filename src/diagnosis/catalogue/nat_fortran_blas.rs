//! `nat-fortran-blas`: a numerical package finds no Fortran compiler or BLAS.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-fortran-blas",
    what: "A numerical package finds no BLAS or Fortran compiler",
    why: "An old release of scipy and the like has no ready wheel for this Python and is compiled against BLAS and LAPACK.",
    advice: "Raise the package to a release with a wheel for this Python, or base the image on an older Python.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "no lapack/blas",
        "has fortran sources but no fortran compiler",
        "dependency \"openblas\" not found",
        "unknown compiler(s): [['gfortran'",
        "fortran compiler was found",
    ],
    detect,
    examples: &[Example {
        log: "../scipy/meson.build:134:0: ERROR: Dependency \"OpenBLAS\" not found, tried pkgconfig and cmake",
        subject: "OpenBLAS",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"(No lapack/blas)|Fortran sources but (no Fortran compiler)|Dependency \"(OpenBLAS)\" not found|Unknown compiler\(s\): \[\['(gfortran)'"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("a package is compiled here and needs `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
