//! `nat-lib-missing`: the linker does not find a library.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_library};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-lib-missing",
    what: "The linker does not find a library",
    why: "A build links against a system library whose development package is not in the image, or one that lacks what the code calls.",
    advice: "Install the development package of the library named after `-l`.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &["cannot find -l", "undefined reference to", "ld returned 1 exit status"],
    detect,
    remedies,
    examples: &[Example {
        log: "/usr/bin/ld: cannot find -lpq: No such file or directory\ncollect2: error: ld returned 1 exit status",
        files: &[(
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        )],
        subject: "pq",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends libpq-dev \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"cannot find -l:?([\w+.-]+)|undefined reference to [`']?([\w:~<>() ]+)|collect2: (?:error: )?ld returned (1) exit status",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = if found.get(3).is_some() { "ld" } else { found.subject() };
    let why = format!("the linker does not find `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.85))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(need) = for_library(&hit.subject) else { return Prescription::none() };
    native::prescribe(case, &[need], "the build links against this library")
}
