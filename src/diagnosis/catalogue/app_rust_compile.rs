//! `app-rust-compile`: the Rust sources do not compile.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, compilers, toolchain};
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
    needles: &[
        "aborting due to",
        "error: could not compile `",
        "error[E0",
        "could not compile `",
        "target may not be installed",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "error[E0308]: mismatched types\n   --> src/main.rs:10:5\nerror: aborting due to previous error\nerror: could not compile `wireguard-p2p`",
            subject: "wireguard-p2p",
            ..Example::BLANK
        },
        Example {
            log: "#9 [build 4/4] RUN cargo build --release --target x86_64-unknown-linux-musl\n#9 1.2 error[E0463]: can't find crate for `core`\n#9 1.2   |\n#9 1.2   = note: the `x86_64-unknown-linux-musl` target may not be installed\n#9 1.2   = help: consider downloading the target with `rustup target add x86_64-unknown-linux-musl`\n#9 ERROR: process \"/bin/sh -c cargo build --release --target x86_64-unknown-linux-musl\" did not complete successfully: exit code: 101",
            files: &[(
                "Dockerfile",
                "FROM rust:1.82 AS build\nCOPY . .\nRUN cargo build --release --target x86_64-unknown-linux-musl\n",
            )],
            subject: "x86_64-unknown-linux-musl",
            remedy: Some((
                "add-target",
                &[(
                    "Dockerfile",
                    "FROM rust:1.82 AS build\nCOPY . .\nRUN rustup target add x86_64-unknown-linux-musl\nRUN cargo build --release --target x86_64-unknown-linux-musl\n",
                )],
            )),
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

static TARGET: Phrases = Phrases::new(&[r"the `([\w.-]+)` target may not be installed"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(found) = TARGET.first(case, lines) {
        let why = format!("the image has no standard library for the target `{}`", found.subject());
        return Some(Hit::at(found.line, found.subject(), why).policy(Policy::Fix).confidence(0.97));
    }
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

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if hit.line.is_some_and(|line| TARGET.fits(case.text(line))) {
        // Only the official images bring rustup for certain.
        let index = case.failing_instruction().filter(|_| toolchain::stage_at_fault(case, &["rust"]).is_some());
        let line = format!("RUN rustup target add {}", hit.subject);
        return Prescription::none().with(
            "add-target",
            format!("Install the target `{}`", hit.subject),
            "the build is for it, and the image only has its own",
            Applicability::Rehearse,
            index.and_then(|index| {
                edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[&line])
            }),
        );
    }
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
