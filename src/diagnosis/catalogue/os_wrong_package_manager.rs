//! `os-wrong-package-manager`: the step uses the package manager of another distribution.

use crate::diagnosis::Case;
use crate::diagnosis::base::{self, Family};
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "os-wrong-package-manager",
    what: "The step uses the package manager of another distribution",
    why: "apk is Alpine's, apt-get Debian's, yum CentOS'. Often the base image was changed and the steps were not.",
    advice: "Translate the install command, or take the variant of the image that has this manager.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "apk: not found",
        "apt-get: not found",
        "apt: not found",
        "yum: not found",
        "apk: command not found",
        "apt-get: command not found",
        "yum: command not found",
        "dnf: command not found",
        "dnf: not found",
        "microdnf: not found",
    ],
    detect,
    foresee,
    examples: &[Example {
        log: "#6 [2/3] RUN apk add git\n#6 0.5 /bin/sh: 1: apk: not found\n#6 ERROR: process \"/bin/sh -c apk add git\" did not complete successfully: exit code: 127",
        files: &[("Dockerfile", "FROM python:3.12-slim\nRUN apk add git\n")],
        subject: "apk",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?:^|[\s/:])(?P<cmd>apk|apt-get|apt|yum|dnf|microdnf|add-apt-repository): (?:command )?not found",
]);

/// A manager of another distribution, called without a question whether it is there, in an official image.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    const OF: &[(&str, Family)] = &[
        ("apt-get", Family::Debian),
        ("apt", Family::Debian),
        ("apk", Family::Alpine),
        ("yum", Family::RedHat),
        ("dnf", Family::RedHat),
        ("microdnf", Family::RedHat),
    ];
    let wrong = case.runs().find_map(|index| {
        const KNOWN: &[&str] = &[
            "alpine", "debian", "ubuntu", "python", "node", "golang", "ruby", "rust", "php", "nginx", "redis",
            "postgres",
        ];
        let script = node::script_of(case, index);
        let called = node::commands(&script).into_iter().filter_map(|command| command.split_whitespace().next());
        let (name, of) = called.into_iter().find_map(|word| OF.iter().find(|(name, _)| *name == word))?;
        let base =
            base::of(case, index).filter(|base| base.image.official().is_some_and(|name| KNOWN.contains(&name)))?;
        if base.family().is_none_or(|family| family == *of)
            || ["command -v", "which ", "||", "if "].iter().any(|question| script.contains(question))
        {
            return None;
        }
        // Who brings another manager along knows what they do.
        let brought = case.dockerfile.text().matches(&format!("install {name}")).count() > 0;
        (!brought).then(|| (index, *name, base.image.with_tag(&base.image.tag)))
    });
    let hit = wrong.map(|(index, name, image)| {
        case.foreseen(index, name, format!("`{image}` has no `{name}`: it is of another distribution"))
    });
    hit.into_iter().collect()
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["cmd"]).to_owned();
    let why = format!("the image has no `{subject}`: it is of another distribution");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}
