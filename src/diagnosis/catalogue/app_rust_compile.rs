//! `app-rust-compile`: the Rust sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "app-rust-compile",
    what: "The Rust sources do not compile",
    why: "The compiler refuses the code of the project or of a crate that moved on.",
    advice: "Correct the line named; if it is a dependency, commit Cargo.lock or go back with `cargo update -p \
          <crate> --precise <version>`.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["aborting due to", "error: could not compile `", "error[E0", "could not compile `"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "error[E0308]: mismatched types\n   --> src/main.rs:10:5\nerror: aborting due to previous error\nerror: could not compile `wireguard-p2p`",
            subject: "wireguard-p2p",
            ..Example::BLANK
        },
        Example {
            log: "Step 3/4 : RUN cargo install --path .\nerror[E0308]: mismatched types\nerror: could not compile `gate`\nThe command '/bin/sh -c cargo install --path .' returned a non-zero code: 101",
            files: &[
                ("Dockerfile", "FROM rust:1.80\nCOPY . .\nRUN cargo install --path .\nCMD [\"gate\"]\n"),
                ("Cargo.lock", "version = 3\n"),
            ],
            subject: "gate",
            remedy: Some((
                "install-locked",
                &[("Dockerfile", "FROM rust:1.80\nCOPY . .\nRUN cargo install --locked --path .\nCMD [\"gate\"]\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"(?i)error: could not compile `([\w-]+)`", r"error\[(E\d{4})\]", r"(aborting due to)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = compilers::refusal_of_rustc(case).unwrap_or_else(|| format!("Rust sources do not compile ({subject})"));
    let hit = Hit::at(found.line, subject, why);
    Some(if is_unlocked(case) { hit.policy(Policy::Fix) } else { hit })
}

/// Whether a `cargo install` failed that takes newer dependencies than those the lock file names.
fn is_unlocked(case: &Case<'_>) -> bool {
    let Some(step) = &case.log.failing else { return false };
    let Some((_, install)) = step.command.split_once("cargo install") else { return false };
    let own = install.split(['&', ';', '|']).next().unwrap_or(install);
    // Nothing is known of the lock file where only a log and a Dockerfile were given.
    let files_known = case.workspace.paths().nth(1).is_some();
    let has_lock = case.context.paths().any(|path| path.rsplit('/').next() == Some("Cargo.lock"));
    !own.contains("--locked") && (has_lock || !files_known || !own.contains("--path"))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction().filter(|_| is_unlocked(case)) else { return Prescription::none() };
    Prescription::none().with(
        "install-locked",
        "Install with the dependencies of the lock file",
        "`cargo install` takes the newest dependencies unless it is told `--locked`",
        Applicability::Rehearse,
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            "cargo install",
            "cargo install --locked",
        ),
    )
}
