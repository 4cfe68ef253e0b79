//! `other-elixir-version`: the Elixir of the image is out of range.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "other-elixir-version",
    what: "The Elixir of the image is out of range, or Hex is missing",
    why: "The project or an archive supports other versions of Elixir.",
    advice: "Pin the image to a version in the range named.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["it supports only", "Could not find Hex, which is needed", "Could not find an SCM for dependency"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Could not find Hex, which is needed to build dependency :phoenix\nShall I install Hex? (if running non-interactively, use \"mix local.hex --force\") [Yn] \n** (Mix) Could not find an SCM for dependency :phoenix from App.MixProject",
            files: &[("Dockerfile", "FROM elixir:1.17\nCOPY mix.exs .\nRUN mix deps.get\n")],
            subject: "Hex",
            remedy: Some((
                "install-hex",
                &[(
                    "Dockerfile",
                    "FROM elixir:1.17\nCOPY mix.exs .\nRUN mix local.hex --force && mix local.rebar --force\nRUN mix deps.get\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "** (Mix) You're trying to run :phx_new on Elixir v1.11.4 but it has declared in its mix.exs file it supports only Elixir ~> 1.15",
            subject: "1.11.4",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"on Elixir v?([\d.]+).*it has declared in its mix\.exs file it supports only",
    r"mix\.exs file it supports only Elixir (.+)",
    r"Could not find (Hex), which is needed",
    r"Could not find an (SCM) for dependency",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = match subject {
        "Hex" | "SCM" => "mix asks for Hex, its package manager, and nobody answers in a build".to_owned(),
        version => format!("Elixir {version} is outside the supported range"),
    };
    Some(Hit::at(found.line, subject, why))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let runs_mix = |at: &usize| case.dockerfile.instructions()[*at].args.contains("mix ");
    let all = 0..case.dockerfile.instructions().len();
    let step = case.failing_instruction().or_else(|| all.clone().find(runs_mix));
    let Some(index) = step.filter(|_| matches!(hit.subject.as_str(), "Hex" | "SCM")) else {
        return Prescription::none();
    };
    let line = ["RUN mix local.hex --force && mix local.rebar --force"];
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &line);
    Prescription::none().with(
        "install-hex",
        "Install Hex and rebar before the dependencies",
        hit.why.as_str(),
        Applicability::Rehearse,
        edit,
    )
}
