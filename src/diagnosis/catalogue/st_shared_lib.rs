//! `st-shared-lib`: a shared library is missing when the program starts.

use crate::diagnosis::Case;
use crate::diagnosis::native::{for_shared_object, library_remedy};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-shared-lib",
    what: "A shared library is missing",
    why: "A program or package was built against a system library that the image which runs does not have.",
    advice: "Install the library's runtime package in the final stage (for libGL.so.1: libgl1, or use opencv-python-headless).",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "cannot open shared object file",
        "error while loading shared libraries",
        "error loading shared library",
        "failed to find libmagic",
        "cannot load library",
        "find a valid icu package",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n",
                ),
                ("requirements.txt", "opencv-python==4.10.0.84\n"),
            ],
            subject: "libGL.so.1",
            remedy: Some(("use-headless", &[("requirements.txt", "opencv-python-headless==4.10.0.84\n")])),
            ..Example::BLANK
        },
        Example {
            log: "1. libldap-2.5.so.0: cannot open shared object file: No such file or directory",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim AS wheels\nRUN apt-get update && apt-get install -y gcc\n\nFROM python:3.12-slim\nRUN useradd svc\nUSER svc\nCMD waitress-serve directory.web:app\n",
            )],
            subject: "libldap-2.5.so.0",
            remedy: Some((
                "install-library",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim AS wheels\nRUN apt-get update && apt-get install -y gcc\n\nFROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends libldap-2.5-0 \\\n && rm -rf /var/lib/apt/lists/*\nRUN useradd svc\nUSER svc\nCMD waitress-serve directory.web:app\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(lib[\w.+-]+\.so[\d.]*|lib[\w.+-]+): cannot open shared object file|error while loading shared libraries: ([\w.+-]+):|Error loading shared library ([\w.+-]+):|failed to find (libmagic)|cannot load library '([\w.+-]+)'|find a valid (ICU) package",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    // A build that goes on after such a line fails for another reason.
    let goes_on = case.log.failing.as_ref().is_some_and(|step| step.lines.end > found.line + 60);
    if goes_on {
        return None;
    }
    // Drivers of a graphics card are looked for in vain by programs that then run without.
    let graphics = ["libcuda", "libcudart", "libnvinfer", "libcublas", "libcudnn"]
        .iter()
        .any(|name| case.text(found.line).contains(name));
    if graphics {
        return None;
    }
    let subject = match found.subject() {
        "ICU" => "libicu",
        name => name,
    };
    let why = format!("the library `{subject}` is not in the image");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let mut out = Vec::new();
    if hit.subject.starts_with("libGL") {
        for name in ["opencv-python", "opencv-contrib-python"] {
            let entries = python::entries_for(case, name);
            let [entry] = entries.as_slice() else { continue };
            let Some(found) = entry.requirement() else { continue };
            let new = entry.text.replacen(&found.name, &format!("{name}-headless"), 1);
            out.extend(requirements::set_text(case.workspace, entry, &new).map(|edit| Remedy {
                id: "use-headless".into(),
                title: format!("Use {name}-headless of the same version"),
                why: "a server shows no windows; it is the same code without them".into(),
                applicability: Applicability::Rehearse,
                edits: vec![edit],
            }));
        }
    }
    if let Some(need) = for_shared_object(&hit.subject) {
        out.extend(library_remedy(case, need, &format!("it brings `{}`", hit.subject)));
    }
    Prescription::of(out)
}
