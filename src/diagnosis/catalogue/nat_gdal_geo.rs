//! `nat-gdal-geo`: GDAL or GEOS is missing.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_header};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-gdal-geo",
    what: "A geographical library is missing",
    why: "GDAL, GEOS and PROJ are system libraries that Python packages are compiled against, in a version that has to match.",
    advice: "Install libgdal-dev and gdal-bin, and pin GDAL to the version that `gdal-config --version` prints.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "a gdal api version must be specified",
        "could not find the gdal library",
        "geos_c.h",
        "proj_api.h",
        "gdal-config: not found",
        "gdal-config: command not found",
        "gdal.h: no such file",
        "cpl_port.h",
        "could not find library geos_c",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "      gdal-config: not found\n      A GDAL API version must be specified. Provide a path to gdal-config using a GDAL_CONFIG environment variable",
        files: &[(
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        )],
        subject: "gdal",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential libgdal-dev gdal-bin \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(GDAL) API version must be specified|[Cc]ould not find (?:the )?(GDAL) library|(geos_c)\.h|(proj_api)\.h|(gdal)-config: (?:command )?not found|(gdal)\.h: No such file|(cpl_port)\.h|library (geos_c)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = {
        let said = found.subject().to_ascii_lowercase();
        if said.contains("geos") || said.contains("proj") { said } else { "gdal".to_owned() }
    };
    let why = format!("the library behind `{subject}` is not installed");
    Some(Hit::at(found.line, subject, why).confidence(0.94))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let header = if hit.subject.contains("geos") {
        "geos_c.h"
    } else if hit.subject.contains("proj") {
        "proj.h"
    } else {
        "gdal.h"
    };
    let needs: Vec<_> = [Some(compiler()), for_header(header)].into_iter().flatten().collect();
    native::prescribe(case, &needs, "a package is compiled against this library")
}
