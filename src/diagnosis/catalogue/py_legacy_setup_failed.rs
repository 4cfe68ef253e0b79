//! `py-legacy-setup-failed`: a package cannot give its metadata; the lines above tell why.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{modules, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements;

pub const RULE: Rule = Rule {
    id: "py-legacy-setup-failed",
    what: "A package's own set-up fails",
    why: "pip asks a source package what it needs. The package's set-up program failed; the traceback above this line tells why.",
    advice: "Look for the error above. A version with a ready wheel for this Python avoids the set-up.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Wrapper,
    needles: &[
        "python setup.py egg_info",
        "command errored out with exit status 1",
        "subprocess-exited-with-error",
        "getting requirements to build wheel did not run successfully",
        "metadata-generation-failed",
        "encountered error while generating package metadata",
        "preparing metadata (pyproject.toml) did not run successfully",
        "when getting requirements to build wheel",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Collecting uwsgi==2.0.10 (from -r requirements.txt (line 1))\n  error: subprocess-exited-with-error\n  × python setup.py egg_info did not run successfully.\nerror: metadata-generation-failed",
            subject: "uwsgi==2.0.10",
            ..Example::BLANK
        },
        Example {
            log: "#9 [4/5] RUN pip install -r requirements.txt\n#9 3.1 Collecting pycocotools==2.0.0 (from -r requirements.txt (line 2))\n#9 3.4   Preparing metadata (setup.py): finished with status 'error'\n#9 3.4   error: subprocess-exited-with-error\n#9 3.4   × python setup.py egg_info did not run successfully.\n#9 3.4   ╰─> [6 lines of output]\n#9 3.4       Traceback (most recent call last):\n#9 3.4         File \"/tmp/pip-install-2d/pycocotools_1/setup.py\", line 2, in <module>\n#9 3.4           from Cython.Build import cythonize\n#9 3.4       ModuleNotFoundError: No module named 'Cython'\n#9 3.4       [end of output]\n#9 3.4 error: metadata-generation-failed\n#9 ERROR: process \"/bin/sh -c pip install -r requirements.txt\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM python:3.8-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
                ("requirements.txt", "numpy\npycocotools\n"),
            ],
            subject: "pycocotools==2.0.0",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Failed to build '?([\w.-]+)'? when getting requirements|python setup\.py egg_info.* in \S*/([\w.-]+)/?$|egg_info|Command errored out|subprocess-exited-with-error|did not run successfully|generat\w+[ -](?:package )?metadata|metadata-generation-failed",
]);
static COLLECTING: Phrases = Phrases::new(&[r"^\s*Collecting (\S+?)(?: \(from .*)?$"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = match found.subject() {
        "" => COLLECTING.above(case, found.line, 2_000).map_or("", |found| found.subject()),
        name => name,
    };
    // The import that failed in it tells more than the line that only counts.
    let imports: Vec<usize> =
        case.log.failing_range().filter(|line| case.text(*line).contains("No module named")).collect();
    let import = modules::missing(case, &imports).filter(|missing| modules::while_packaging(case, missing));
    if let Some(import) = import.filter(|import| !modules::is_build_tool(&import.module)) {
        let why =
            format!("the set-up program of `{subject}` imports `{}`, which is not there while it runs", import.module);
        return Some(Hit::at(import.line, subject, why).weight(Weight::Typical).confidence(0.9));
    }
    let why = format!("the set-up program of `{subject}` fails");
    Some(Hit::at(found.line, subject, why).confidence(0.65))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(wanted) = requirements::requirement(&hit.subject) else { return Prescription::none() };
    match pins::pin_of(case, &wanted.name) {
        Some(pin) => pins::fit_python(case, case.failing_instruction(), &wanted.name, Some(&pin)),
        None => Prescription::none(),
    }
}
