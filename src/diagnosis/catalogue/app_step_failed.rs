//! `app-step-failed`: a step failed, and no class says why.

use std::ops::Range;

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-step-failed",
    what: "A step of the build failed, and no known failure fits",
    why: "The command ended with an error that this version has no class for. What it said last is quoted.",
    advice: "Read the lines quoted; run the same command in the same image by hand.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Fallback,
    needles: &["did not complete successfully: exit code", "executor failed running", "returned a non-zero code"],
    detect,
    examples: &[
        Example {
            log: "Step 4/6 : RUN nimble install -y\n ---> Running in 1f2e\n  Verifying dependencies for app@0.1.0\n     Error: cannot satisfy the dependency on jester 9.0\nThe command '/bin/sh -c nimble install -y' returned a non-zero code: 1",
            subject: "nimble install -y",
            ..Example::BLANK
        },
        Example {
            log: "#9 [5/6] RUN ./tools/render-assets.sh\n#9 0.31 painting 12 sheets\n#9 0.90 sheet 7 is upside down\n#9 ERROR: process \"/bin/sh -c ./tools/render-assets.sh\" did not complete successfully: exit code: 3",
            subject: "./tools/render-assets.sh",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

/// A command and the stage in which it usually stands, first match counts.
const STAGES: &[(Stage, &[&str])] = &[
    (
        Stage::OsPackage,
        &["apt-get ", "apt ", "apk ", "yum ", "dnf ", "zypper ", "pacman ", "apt-key ", "curl ", "wget "],
    ),
    (
        Stage::DepResolution,
        &[
            "pip install",
            "pip3 install",
            "poetry ",
            "uv sync",
            "uv pip",
            "pipenv ",
            "conda ",
            "npm ci",
            "npm i",
            "yarn install",
            "pnpm i",
            "bundle install",
            "gem install",
            "composer ",
            "go mod ",
            "go get ",
            "cargo fetch",
            "dotnet restore",
            "mix deps",
            "luarocks ",
            "cpanm ",
            "nimble install",
            "opam ",
            "cabal ",
            "rebar3 get-deps",
        ],
    ),
    (Stage::NativeToolchain, &["./configure", "cmake ", "autoreconf"]),
];

/// How most tools begin the line that says what is wrong.
static LOUD: Phrases =
    Phrases::new(&[r"^\s*(?:\S+: )?(?i:error|fatal(?: error)?|\[error\]|panic|exception)(?:\[\w+\])?: ?(\S.*)$"]);

/// What other lines say that tell of a failure.
static QUIET: Phrases = Phrases::new(&[
    r"(?i)\b(errors?|fatal|failed|failure|cannot|can't|could not|couldn't|not found|no such|denied|unable|exception|aborted|invalid|missing)\b",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let step = case.log.failing.as_ref()?;
    let end = lines.iter().rev().find(|line| step.lines.contains(line)).copied()?;
    let line = last_words(case, step.lines.start..end).unwrap_or(end);
    let command: String = step.command.chars().take(80).collect();
    let ended = step.exit_code.map_or_else(String::new, |code| format!(" with code {code}"));
    let why = match line == end {
        true => format!("`{command}` ended{ended} and did not say why"),
        false => format!("`{command}` ended{ended}: {}", case.text(line).trim().chars().take(160).collect::<String>()),
    };
    let stage = STAGES.iter().find(|(_, words)| words.iter().any(|word| step.command.contains(word)));
    let mut hit = Hit::at(line, command, why).confidence(0.3);
    hit.stage = stage.map(|(stage, _)| *stage);
    Some(hit)
}

/// The line that says most: the first loud one, else the last that sounds like a failure, else the last of all.
fn last_words(case: &Case<'_>, step: Range<usize>) -> Option<usize> {
    let output = || step.clone().skip(1).filter(|line| !case.text(*line).trim().is_empty());
    let says = |phrases: &Phrases, line: usize| phrases.on(case, line).is_some();
    output()
        .find(|line| says(&LOUD, *line))
        .or_else(|| output().rfind(|line| says(&QUIET, *line)))
        .or_else(|| output().rfind(|line| !case.text(*line).starts_with(" ---> ")))
}
