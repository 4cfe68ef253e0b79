//! `nat-pkgconfig`: pkg-config does not find a library, or is itself missing.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_command, for_pkg_config};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-pkgconfig",
    what: "pkg-config does not know a library that is built against",
    why: "A build asks pkg-config where a library is. Either the program is missing, or the development package with the library's `.pc` file.",
    advice: "Install pkg-config and the -dev package of the named library.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "was not found in the pkg-config search path",
        "pkg-config: not found",
        "pkg-config script could not be found",
        "pkg-config exited with",
        "the system library `",
        "required by 'virtual:world', not found",
        "no package '",
        "pkg-config: command not found",
        "did not find pkg-config",
        "pkg-config is required",
        "pkgconfig.packagenotfounderror",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Package libffi was not found in the pkg-config search path.\nPerhaps you should add the directory containing `libffi.pc'",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
            )],
            subject: "libffi",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends libffi-dev \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Package 'libzip', required by 'virtual:world', not found",
            subject: "libzip",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Package '?([\w.+/-]+?)'? was not found in the pkg-config|Package '([\w.+-]+)', required by '[^']+', not found|The system library `([\w.+-]+)` required by crate|No package '([\w.+-]+)' found|(pkg-config)(?: script could not be found|: not found|: command not found| is required)|Did not find (pkg-config)|pkgconfig\.PackageNotFoundError: ([\w.+-]+) not found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    // The conda and PHP builds' own classes know better what to do.
    let name = found.subject();
    let name = name.rsplit('/').next().unwrap_or(name).to_owned();
    let subject = name;
    let why = format!("the library `{subject}` is not installed with its development files");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let name = hit.subject.trim_end_matches(".pc");
    let Some(need) = for_pkg_config(name).or_else(|| for_command(name)) else { return Prescription::none() };
    native::prescribe(case, &[need], "the build looks for it with pkg-config")
}
