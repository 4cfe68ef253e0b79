//! `pf-log-truncated`: the builder cut the output of the failing step; the cause may stand in the part that is gone.

use crate::diagnosis::base;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, commands, installs, phrase, toolless};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "pf-log-truncated",
    what: "The log of the failing step was cut off",
    why: "BuildKit drops the output of a step that prints too much or too fast. The message that tells the cause can be among \
          what was dropped.",
    advice: "Let the step print less (without debug output, with pip -q, npm --loglevel=error) and build again.",
    stage: Stage::Platform,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Symptom,
    needles: &["[output clipped, log limit", "output clipped", "Log output truncated", "logs have been truncated"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#8 [7/7] RUN sh tools/make-sheets avatars\n#8 0.1 DEBUG face 1\n#8 1.4 [output clipped, log limit 200KiB/s reached]\n#8 1.5 make-sheets: something went wrong, see above\n#8 ERROR: process \"/bin/sh -c sh tools/make-sheets avatars\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.11-slim\nWORKDIR /app\nCOPY tools tools\nRUN sh tools/make-sheets avatars\n",
                ),
                ("tools/make-sheets", "#!/bin/sh\noptipng -quiet \"$1/light.png\" || exit 1\n"),
            ],
            subject: "optipng",
            remedy: Some((
                "install-tool",
                &[(
                    "Dockerfile",
                    "FROM python:3.11-slim\nWORKDIR /app\nCOPY tools tools\nRUN apt-get update && apt-get install -y --no-install-recommends optipng && rm -rf /var/lib/apt/lists/*\nRUN sh tools/make-sheets avatars\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#8 [7/7] RUN make all\n#8 1.4 [output clipped, log limit 2MiB reached]\n#8 ERROR: process \"/bin/sh -c make all\" did not complete successfully: exit code: 2",
            subject: "make all",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let step = case.log.failing.as_ref()?;
    let at = lines.iter().rev().copied().find(|at| phrase::is_relevant(case, *at))?;
    let wanted = wanted(case);
    let hit = match &wanted {
        Some(want) => {
            let why = format!(
                "the log is cut where the cause would stand; `{}` calls `{}`, which the image does not have",
                want.place.path, want.command
            );
            Hit::at(at, &want.command, why).policy(Policy::Fix).confidence(0.8)
        }
        None => {
            let command: String = step.command.trim_start_matches("RUN ").chars().take(80).collect();
            Hit::at(at, command, "the log is cut where the cause would stand").confidence(0.6)
        }
    };
    Some(hit)
}

/// A tool that the failing step, or a script it runs, calls and that the image lacks.
fn wanted(case: &Case<'_>) -> Option<toolless::Want> {
    let index = case.failing_instruction()?;
    toolless::wants(case).into_iter().find(|want| want.instruction == index)
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(want) = wanted(case) else { return Prescription::none() };
    let family = base::of(case, want.instruction).and_then(|base| base.family());
    let Some(package) = family.and_then(|family| commands::provider(family, &want.command)) else {
        return Prescription::none();
    };
    Prescription::none().with(
        "install-tool",
        format!("Install the package `{package}`"),
        format!("the failing step calls `{}`, which the image does not have", want.command),
        Applicability::Rehearse,
        installs::provide(case, want.instruction, &[package]),
    )
}
