//! `os-user-missing`: a user or group does not exist.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, accounts, installs};
use crate::dockerfile::{StageBase, edit};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-user-missing",
    what: "A user or group does not exist",
    why: "chown or USER names a user that this base image does not have (any more).",
    advice: "Create it before, or use its number.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "invalid user",
        "unknown user",
        "invalid group",
        "unable to find user",
        "unknown group",
        "no matching entries in passwd",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN chown -R jboss:root /opt\n#6 0.5 chown: invalid user: ‘jboss:root’\n#6 ERROR: process \"/bin/sh -c chown -R jboss:root /opt\" did not complete successfully: exit code: 1",
            subject: "jboss",
            ..Example::BLANK
        },
        Example {
            log: "unable to find user nobody: no matching entries in passwd file",
            files: &[(
                "Dockerfile",
                "FROM golang AS build\nRUN go build -o /a\nFROM scratch\nCOPY --from=build /a /a\nUSER nobody\nCMD [\"/a\"]\n",
            )],
            subject: "nobody",
            remedy: Some((
                "user-number",
                &[(
                    "Dockerfile",
                    "FROM golang AS build\nRUN go build -o /a\nFROM scratch\nCOPY --from=build /a /a\nUSER 65534\nCMD [\"/a\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN chown -R app:app /srv\n#6 0.5 chown: invalid user: ‘app:app’\n#6 ERROR: process \"/bin/sh -c chown -R app:app /srv\" did not complete successfully: exit code: 1",
            files: &[("Dockerfile", "FROM python:3.12-slim\nRUN chown -R app:app /srv\nUSER app\n")],
            subject: "app",
            remedy: Some((
                "create-user",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN useradd --system --user-group --no-create-home app\nRUN chown -R app:app /srv\nUSER app\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"chown: (?:invalid|unknown) (?:user|group):? ['‘`]?(?P<a>[\w.-]+)",
    r"unable to find (?:user|group) (?P<b>[\w.-]+):",
    r"chown: unknown (?:user|group)(?:/group)? (?P<c>[\w.-]+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c"]).to_owned();
    let why = format!("the image has no user `{subject}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let (workspace, path, dockerfile) = (case.workspace, case.dockerfile_path, case.dockerfile);
    let instructions = dockerfile.instructions();
    let user =
        |at: usize| instructions[at].keyword == "USER" && instructions[at].args.split(':').next() == Some(&hit.subject);
    let Some(index) = case.failing_instruction().or_else(|| (0..instructions.len()).rev().find(|at| user(*at))) else {
        return Prescription::none();
    };
    let stage = dockerfile.stage_of(index).and_then(|stage| dockerfile.stages().into_iter().nth(stage));
    let is_name = hit.subject.starts_with(|each: char| each.is_ascii_lowercase() || each == '_');
    let Some(stage) = stage.filter(|_| is_name) else { return Prescription::none() };
    if stage.base == StageBase::Scratch {
        let number = if hit.subject == "nobody" { "65534" } else { "10001" };
        return Prescription::none().with(
            "user-number",
            format!("Run as user number {number}"),
            format!("an empty image knows no names, so `{}` cannot be found; a number needs none", hit.subject),
            Applicability::Rehearse,
            Some(index).filter(|at| user(*at)).and_then(|at| {
                edit::replace_in_instruction(workspace, path, dockerfile, at, &instructions[at].args, number)
            }),
        );
    }
    let Some(family) = installs::family_at(case, index) else { return Prescription::none() };
    // Before the first instruction that names the user, with the rights of root.
    let names = |at: &usize| {
        let each = &instructions[*at];
        let whole = format!("{} {}", each.args, each.flag("chown").unwrap_or_default());
        whole.split(|each: char| !each.is_ascii_alphanumeric() && !"-_".contains(each)).any(|word| word == hit.subject)
    };
    let first = stage.instructions.clone().filter(|at| *at <= index).find(names).unwrap_or(index);
    let root = dockerfile.user_at(first).is_none_or(|user| matches!(user.as_str(), "root" | "0"));
    let line = format!("RUN {}", accounts::create(&hit.subject, family));
    Prescription::none().with(
        "create-user",
        format!("Create the user `{}` before it is named", hit.subject),
        "the base image has no such user; it gets no home and no password",
        Applicability::Rehearse,
        Some(first)
            .filter(|_| root)
            .and_then(|at| edit::insert_before_instruction(workspace, path, dockerfile, at, &[&line])),
    )
}
