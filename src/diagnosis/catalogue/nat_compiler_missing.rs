//! `nat-compiler-missing`: something is compiled, and the image has no compiler.

use crate::diagnosis::Case;
use crate::diagnosis::native::{compiler, for_package, install_remedy};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::installs;
use crate::diagnosis::python::outlook::{self, Compiled};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements::normalise;

pub const RULE: Rule = Rule {
    id: "nat-compiler-missing",
    what: "A package is compiled, and the image has no compiler",
    why: "Slim and Alpine images have no C compiler and no make. A package without a ready binary for this platform is built from source \
          and needs them.",
    advice: "Install build-essential (Alpine: build-base) before that step, best in a stage of its own; or take a version that has a ready binary.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    before: &["os-command-missing"],
    needles: &[
        "unable to execute 'gcc'",
        "unable to execute 'cc'",
        "unable to execute 'g++'",
        "make: not found",
        "make: command not found",
        "gcc: not found",
        "gcc: command not found",
        "cc: not found",
        "g++: not found",
        "no acceptable c compiler found",
        "no such file or directory: 'gcc'",
        "no such file or directory: 'cc'",
        "no such file or directory: 'g++'",
        "no such file or directory: 'make'",
        "unknown compiler(s)",
        "command 'gcc' failed: no such file",
        "no cmake_c_compiler could be found",
        "no cmake_cxx_compiler could be found",
        "no such file or directory: 'c++'",
        "failed to find tool. is `",
        "unable to execute gcc",
        "no such file or directory: 'x86_64-linux-gnu-gcc'",
        "exec: \"gcc\": executable file not found",
        "error occurred: failed to find tool",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#10 [wheels 4/4] RUN pip wheel --wheel-dir /wheels -r requirements.txt\n#10 4.2       building '_ldap' extension\n#10 4.2       error: [Errno 2] No such file or directory: 'gcc'\n#10 4.2       [end of output]\n#10 4.2   ERROR: Failed building wheel for python-ldap\n#10 ERROR: executor failed running [/bin/sh -c pip wheel --wheel-dir /wheels -r requirements.txt]: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim AS wheels\nCOPY requirements.txt .\nRUN pip wheel --wheel-dir /wheels -r requirements.txt\n\nFROM python:3.12-slim\nCOPY --from=wheels /wheels /wheels\nCMD [\"python\"]\n",
                ),
                ("requirements.txt", "Flask-SimpleLDAP==2.0.0\n"),
            ],
            subject: "gcc",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim AS wheels\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential libldap2-dev libsasl2-dev \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip wheel --wheel-dir /wheels -r requirements.txt\n\nFROM python:3.12-slim\nCOPY --from=wheels /wheels /wheels\nCMD [\"python\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 3/4 : RUN make\n ---> Running in 1\n/bin/sh: make: not found\nThe command '/bin/sh -c make' returned a non-zero code: 127",
            files: &[("Dockerfile", "FROM alpine:3.19\nCOPY . .\nRUN make\nCMD [\"./a\"]\n")],
            subject: "make",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM alpine:3.19\nRUN apk add --no-cache build-base\nCOPY . .\nRUN make\nCMD [\"./a\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static TOOL: Phrases = Phrases::new(&[
    r#"(?:unable to execute '?|No such file or directory: ')(x86_64-linux-gnu-gcc|gcc|cc|g\+\+|c\+\+|make)'?|(?:^|[\s/:'"])(gcc|cc|g\+\+|make)["']?: (?:not found|command not found|executable file not found|No such file or directory)|(?i:(no acceptable C compiler) found)|(Unknown compiler)\(s\)|No (CMAKE_CX*_COMPILER) could be found|[Ff]ailed to find tool\. Is `([\w+\-]+)`"#,
]);
static PACKAGE: Phrases = Phrases::new(&[
    r"Failed building wheel for ([\w.\-]+)|An error occurred while installing ([\w.\-]+)|Failed to build ([\w.\-]+)$",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = TOOL.last(case, lines)?;
    let said = found.subject();
    let subject = match said {
        tool @ ("gcc" | "cc" | "g++" | "c++" | "make" | "x86_64-linux-gnu-gcc") => tool.to_owned(),
        "musl-gcc" => "musl-gcc".to_owned(),
        _ => "gcc".to_owned(),
    };
    let why = match package_of(case, found.line) {
        Some(package) => format!("`{package}` is compiled, and the image has no `{subject}`"),
        None => format!("the image has no `{subject}`"),
    };
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}

fn package_of(case: &Case<'_>, line: usize) -> Option<String> {
    PACKAGE.below(case, line, 60).map(|found| found.subject().to_owned())
}

/// What is compiled in an image without a compiler, whichever Python it has; pins that only this Python makes compile are told of
/// as what they are, too old for it.
fn foreseen(case: &Case<'_>) -> Vec<Compiled> {
    let mut found = outlook::compiled(case);
    found.retain(|found| !found.has_wheels_elsewhere && !found.lacks_library);
    // These are told of by the library that is missing as well.
    found.retain(|found| !matches!(found.name.as_str(), "psycopg2" | "mysqlclient"));
    found
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut out: Vec<Hit> = Vec::new();
    for found in foreseen(case) {
        let line = case.dockerfile.instructions()[found.index].first_line;
        let by = found.by.map(|by| format!(", which {by} needs,")).unwrap_or_default();
        let why = format!("`{}`{by} is compiled, and the image has no `gcc`", found.name);
        // One compiler helps all that one step compiles.
        if !out.iter().any(|hit| hit.place.as_ref().is_some_and(|place| place.line == line)) {
            out.push(Hit::in_file(case.dockerfile_path, line, "gcc", why).confidence(0.95));
        }
    }
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let named = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let index = case.failing_instruction().or(named).or_else(|| installs(case).last().map(|install| install.index));
    let Some(index) = index else { return Prescription::none() };
    let mut needs = vec![compiler()];
    match hit.line {
        Some(line) => needs.extend(package_of(case, line).and_then(|package| for_package(&normalise(&package)))),
        None => {
            let found = foreseen(case).into_iter().filter(|found| found.index == index);
            needs.extend(found.filter_map(|found| for_package(&found.name)));
        }
    }
    Prescription::of(install_remedy(
        case,
        index,
        &needs,
        "what has no ready binary for this image is compiled in this step",
    ))
}
