//! `ctx-git-metadata-missing`: a build step needs .git.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "ctx-git-metadata-missing",
    what: "A build step needs .git",
    why: "Version tools (setuptools-scm, pbr, Go's VCS stamping, Maven git plugins) read the git history, which is not part of the build.",
    advice: "Give the version by a variable (SETUPTOOLS_SCM_PRETEND_VERSION, PBR_VERSION), or switch the stamp off (go build -buildvcs=false).",
    stage: Stage::ContextCopy,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "setuptools-scm was unable",
        "Versioning for this project requires",
        "error obtaining VCS status",
        "detected dubious ownership",
        "dotGitDirectory",
        "setGitDir or setWorkTree",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN go build -o /app .\n#6 0.5 error obtaining VCS status: exit status 128\n#6 0.5 \tUse -buildvcs=false to disable VCS stamping.\n#6 ERROR: process \"/bin/sh -c go build -o /app .\" did not complete successfully: exit code: 1",
        files: &[("Dockerfile", "FROM golang:1.23\nRUN go build -o /app .\n")],
        subject: "VCS status",
        remedy: Some(("no-vcs-stamp", &[("Dockerfile", "FROM golang:1.23\nRUN go build -buildvcs=false -o /app .\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<a>setuptools-scm) was unable to detect version|LookupError: (?P<a2>setuptools-scm)",
    r"(?P<b>Versioning for this project) requires either an sdist",
    r"error obtaining (?P<c>VCS status)",
    r"(?P<d>dubious ownership) in repository",
    r"(?P<e>[\w.-]+-maven-plugin|[\w.]+:[\w-]*git[\w-]*).*(?:\.git directory is not found|setGitDir or setWorkTree)",
    r"(?P<f>\.git) directory is not found|One of (?P<g>setGitDir) or setWorkTree",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = {
        let named = seen.named(&["a", "a2", "e", "f", "g"]);
        let other = seen.named(&["b", "c", "d"]);
        if named.is_empty() { other.to_owned() } else { named.to_owned() }
    };
    let why = "a build step reads the git history, which the build does not have";
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction().filter(|_| hit.subject == "VCS status") else {
        return Prescription::none();
    };
    Prescription::none().with(
        "no-vcs-stamp",
        "Build without the stamp of the git commit",
        "Go asks git for the commit only to write it into the binary",
        Applicability::Rehearse,
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            "go build ",
            "go build -buildvcs=false ",
        ),
    )
}
