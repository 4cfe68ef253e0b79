//! `nat-cmake`: CMake is missing, or cannot configure the build.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_command};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "nat-cmake",
    what: "CMake cannot configure a build",
    why: "A package is built with CMake. CMake is not installed, is too new for an old project file, or does not find what the project needs.",
    advice: "Install cmake; for `Compatibility with CMake < 3.5 has been removed` set CMAKE_POLICY_VERSION_MINIMUM=3.5; else mend what the message names.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    before: &["os-command-missing", "nat-rust-build-script"],
    needles: &[
        "cmake error",
        "-- configuring incomplete, errors occurred!",
        "cmake: not found",
        "cmake: command not found",
        "cmake must be installed to build",
        "compatibility with cmake < 3.5 has been removed",
        "problem with the cmake installation",
        "is `cmake` not installed?",
        "cmake is not installed",
        "could not find a package configuration file provided by",
        "missing dependencies:",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "/bin/sh: 1: cmake: not found",
            files: &[("Dockerfile", "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN make -C native\n")],
            subject: "cmake",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends cmake build-essential \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN make -C native\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "CMake Error at CMakeLists.txt:12 (find_package):\n  Could not find a package configuration file provided by \"LLVM\" with any of\n  the following names:\n-- Configuring incomplete, errors occurred!",
            subject: "LLVM",
            ..Example::BLANK
        },
        Example {
            log: "CMake Error at CMakeLists.txt:1 (cmake_minimum_required):\n  Compatibility with CMake < 3.5 has been removed from CMake.",
            files: &[("Dockerfile", "FROM python:3.12\nCOPY . .\nRUN pip install .\n")],
            subject: "Compatibility with CMake < 3.5",
            remedy: Some((
                "allow-old-policy",
                &[(
                    "Dockerfile",
                    "FROM python:3.12\nCOPY . .\nENV CMAKE_POLICY_VERSION_MINIMUM=3.5\nRUN pip install .\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"([Cc][Mm]ake): (?:command )?not found|(CMake) must be installed to build|is `(cmake)` not installed|Problem with the (CMake) installation|(Compatibility with CMake < 3\.5) has been removed|Could not find a package configuration file provided by \"([\w+.-]+)\"|Could NOT find (\w+)|CMake Error at ([^:\s]+:\d+)|CMake Error: (.{1,80})|Configuring incomplete, (errors) occurred|(CMake) is not installed"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    // The line that names something tells more than the one that only counts.
    let named = lines
        .iter()
        .rev()
        .filter_map(|at| SAYS.on(case, *at))
        .find(|found| found.get(6).or(found.get(7)).or(found.get(5)).is_some());
    let found = named.unwrap_or(found);
    let subject = match found.subject() {
        "CMake" => "cmake",
        said => said,
    };
    let why = format!("CMake stops at `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.85))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if hit.subject.eq_ignore_ascii_case("cmake") {
        let needs: Vec<_> = for_command("cmake").into_iter().collect();
        return native::prescribe(case, &needs, "the build calls it");
    }
    let Some(index) = case.failing_instruction().or_else(|| last_run(case)) else { return Prescription::none() };
    if !hit.subject.starts_with("Compatibility") {
        return Prescription::none();
    }
    let line = ["ENV CMAKE_POLICY_VERSION_MINIMUM=3.5"];
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &line);
    Prescription::of(edit.map(|edit| Remedy {
        id: "allow-old-policy".into(),
        title: "Let CMake read project files written for versions before 3.5".into(),
        why: "CMake 4 refuses them unless it is told which policies to use".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

fn last_run(case: &Case<'_>) -> Option<usize> {
    case.dockerfile.instructions().iter().rposition(|each| each.keyword == "RUN")
}
