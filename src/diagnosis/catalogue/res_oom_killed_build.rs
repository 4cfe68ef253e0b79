//! `res-oom-killed-build`: a build step was killed for its use of memory.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "res-oom-killed-build",
    what: "A build step was killed for its use of memory",
    why: "The kernel ends a process when the builder is out of memory; exit code 137 or \"Killed\" is all that is printed.",
    advice: "Compile with fewer jobs at once, use wheels instead of source builds, or take a larger build plan.",
    stage: Stage::Resource,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "exit code: 137",
        "non-zero code: 137",
        "signal: killed",
        "SIGKILL",
        "ResourceExhausted",
        "cannot allocate memory",
        "Killed",
        "errno 137",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN cargo build --release\n#6 0.5 error: could not compile `app`\n#6 0.5   process didn't exit successfully: `rustc` (signal: 9, SIGKILL: kill)\n#6 ERROR: process \"/bin/sh -c cargo build --release\" did not complete successfully: exit code: 101",
            files: &[("Dockerfile", "FROM rust:1.82\nRUN cargo build --release\n")],
            subject: "cargo build --release",
            remedy: Some((
                "fewer-jobs",
                &[("Dockerfile", "FROM rust:1.82\nENV CARGO_BUILD_JOBS=1\nRUN cargo build --release\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN make -j8 all\n#6 ERROR: process \"/bin/sh -c make -j8 all\" did not complete successfully: exit code: 137",
            files: &[("Dockerfile", "FROM gcc:13\nRUN make -j8 all\n")],
            subject: "make -j8 all",
            remedy: Some(("fewer-jobs", &[("Dockerfile", "FROM gcc:13\nRUN make -j1 all\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<a>(?:c\+\+|g\+\+|gcc|clang)[\w+.-]*: fatal error: Killed signal)",
    r"(?P<b>signal: (?:9, )?(?:SIGKILL|killed))",
    r"(?P<c>[Cc]annot allocate memory)",
    r"^\s*(?:/bin/sh: line \d+:\s+\d+ )?(?P<d>Killed)\b",
    r"(?P<e>ResourceExhausted)",
    r"(?P<f>errno 137)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let step = case.log.failing.as_ref()?;
    let killed = step.exit_code == Some(137);
    let seen = SHAPES.last(case, lines).map(|seen| seen.line);
    let at =
        seen.or_else(|| lines.iter().rev().copied().find(|at| case.text(*at).contains("137")).filter(|_| killed))?;
    let command: String = step.command.trim_start_matches("RUN ").chars().take(80).collect();
    let why = format!("`{command}` was killed: the builder was out of memory");
    Some(Hit::at(at, command, why).confidence(if killed { 0.96 } else { 0.9 }))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    static JOBS: Phrases = Phrases::new(&[r"-j ?(?:\d+|\$\(nproc\)|`nproc`|\$\{?\w+\}?)"]);
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let args = &dockerfile.instructions()[index].args;
    let edit = match JOBS.read(args) {
        Some(jobs) => edit::replace_in_instruction(workspace, path, dockerfile, index, &jobs[0], "-j1"),
        None => {
            let variable = [
                ("cargo ", "CARGO_BUILD_JOBS=1"),
                ("go build", "GOFLAGS=-p=1"),
                ("go install", "GOFLAGS=-p=1"),
                ("pip", "MAKEFLAGS=-j1"),
                ("make", "MAKEFLAGS=-j1"),
            ]
            .iter()
            .find(|(word, _)| args.contains(word));
            variable.filter(|(_, set)| !dockerfile.text().contains(set.split('=').next().unwrap_or(set))).and_then(
                |(_, set)| {
                    edit::insert_before_instruction(workspace, path, dockerfile, index, &[&format!("ENV {set}")])
                },
            )
        }
    };
    Prescription::none().with(
        "fewer-jobs",
        "Compile with one job at a time",
        "each job needs memory of its own; one at a time takes longer and fits",
        Applicability::Rehearse,
        edit,
    )
}
