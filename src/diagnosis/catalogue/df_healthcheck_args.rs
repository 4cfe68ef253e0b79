//! `df-healthcheck-args`: HEALTHCHECK lacks its CMD.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "df-healthcheck-args",
    what: "HEALTHCHECK lacks its CMD",
    why: "HEALTHCHECK takes the word CMD before the command, or NONE alone.",
    advice: "Write `HEALTHCHECK CMD command`.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["HEALTHCHECK"],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "Dockerfile:2\n--------------------\n   2 | >>> HEALTHCHECK curl -f http://localhost/\n--------------------\nERROR: failed to solve: dockerfile parse error on line 2: Unknown type \"CURL\" in HEALTHCHECK (try CMD)",
        files: &[("Dockerfile", "FROM debian\nHEALTHCHECK curl -f http://localhost/\n")],
        subject: "CURL",
        remedy: Some(("insert-cmd", &[("Dockerfile", "FROM debian\nHEALTHCHECK CMD curl -f http://localhost/\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"Unknown type "?(?P<word>[^"\s]+)"? in HEALTHCHECK \(try CMD\)"#,
    r"Missing command after HEALTHCHECK CMD|HEALTHCHECK NONE takes no arguments|HEALTHCHECK requires at least one argument",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["word"]).to_owned();
    let why = "HEALTHCHECK does not say what to run";
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    static SAID: Phrases = Phrases::new(&[
        r#"Unknown type "(?P<what>[^"]+)" in HEALTHCHECK|HEALTHCHECK NONE takes|after HEALTHCHECK CMD"#,
    ]);
    crate::diagnosis::parsing::problems(case, &SAID, |_| "HEALTHCHECK does not say what to run".to_owned())
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let wrong = case.dockerfile.instructions().iter().position(|each| {
        each.keyword == "HEALTHCHECK"
            && each.args.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(&hit.subject))
    });
    let Some(index) = wrong else { return Prescription::none() };
    let first = case.dockerfile.instructions()[index].args.split_whitespace().next().unwrap_or_default().to_owned();
    Prescription::none().with(
        "insert-cmd",
        "Write CMD before the command",
        "that is how HEALTHCHECK tells a command from options",
        Applicability::Rehearse,
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            &first,
            &format!("CMD {first}"),
        ),
    )
}
