//! `os-wrong-package-manager`: the step uses the package manager of another distribution.

use crate::diagnosis::base::Family;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, base, images, managers};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

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
        "apt: command not found",
        "yum: command not found",
        "dnf: command not found",
        "dnf: not found",
        "microdnf: not found",
        "microdnf: command not found",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN apk add git\n#6 0.5 /bin/sh: 1: apk: not found\n#6 ERROR: process \"/bin/sh -c apk add git\" did not complete successfully: exit code: 127",
            files: &[("Dockerfile", "FROM python:3.12-slim\nRUN apk add git\n")],
            subject: "apk",
            remedy: Some((
                "translate-install",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/5] RUN apt-get update && apt-get install -y --no-install-recommends     build-essential     libssl-dev  && rm -rf /var/lib/apt/lists/*\n#6 0.2 /bin/sh: apt-get: not found\n#6 ERROR: process \"/bin/sh -c apt-get update && apt-get install -y --no-install-recommends     build-essential     libssl-dev  && rm -rf /var/lib/apt/lists/*\" did not complete successfully: exit code: 127",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-alpine\nRUN apt-get update && apt-get install -y --no-install-recommends \\\n    build-essential \\\n    libssl-dev \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nRUN apt-get update && apt-get install -y curl\n",
            )],
            subject: "apt-get",
            remedy: Some((
                "translate-install",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-alpine\nRUN apk add --no-cache \\\n    build-base \\\n    openssl-dev\nWORKDIR /app\nRUN apk add --no-cache curl\n",
                )],
            )),
            ..Example::BLANK
        },
        // A package that only Debian is known to have: the image is what fits the step.
        Example {
            log: "Step 2/3 : RUN apt-get update && apt-get install -y libreoffice-writer-nogui\n ---> Running in 1\n/bin/sh: apt-get: not found\nThe command '/bin/sh -c apt-get update && apt-get install -y libreoffice-writer-nogui' returned a non-zero code: 127",
            files: &[(
                "Dockerfile",
                "FROM node:20-alpine3.19\nRUN apt-get update && apt-get install -y libreoffice-writer-nogui\nCMD [\"node\"]\n",
            )],
            subject: "apt-get",
            remedy: Some((
                "matching-variant",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nRUN apt-get update && apt-get install -y libreoffice-writer-nogui\nCMD [\"node\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        // Neither the packages nor another variant are known: it is said, and nothing is guessed.
        Example {
            log: "#6 [2/3] RUN yum install -y epel-release oracle-instantclient\n#6 0.5 /bin/sh: 1: yum: not found\n#6 ERROR: process \"/bin/sh -c yum install -y epel-release oracle-instantclient\" did not complete successfully: exit code: 127",
            files: &[("Dockerfile", "FROM debian:12\nRUN yum install -y epel-release oracle-instantclient\n")],
            subject: "yum",
            ..Example::BLANK
        },
    ],
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
    let mut why = format!("the image has no `{subject}`: it is of another distribution");
    if let Some((index, family)) = case.failing_instruction().and_then(|index| at_fault(case, index)) {
        let unknown = managers::unknown(case, index, family);
        if !unknown.is_empty() {
            let name = managers::name_of(family);
            why += &format!("; what {name} calls `{}` is not known here", unknown.join("`, `"));
        }
    }
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}

/// The step at fault, and the family of the image that it runs on.
fn at_fault(case: &Case<'_>, index: usize) -> Option<(usize, Family)> {
    let family = base::of(case, index)?.family()?;
    managers::is_foreign(case, index, family).then_some((index, family))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some((index, family)) = case.step(hit).and_then(|index| at_fault(case, index)) else {
        return Prescription::none();
    };
    let Some(stage) = case.dockerfile.stage_of(index).and_then(|at| case.dockerfile.stages().into_iter().nth(at))
    else {
        return Prescription::none();
    };
    // All steps of the stage that would fail alike.
    let foreign: Vec<usize> = stage.instructions.clone().filter(|at| managers::is_foreign(case, *at, family)).collect();
    let edits: Option<Vec<Edit>> = foreign.iter().map(|at| managers::translated(case, *at, family)).collect();
    let name = managers::name_of(family);
    let translated = edits.map(|edits| Remedy {
        id: "translate-install".into(),
        title: format!("Install with {name}'s package manager"),
        why: format!("the same packages, by the names that {name} has for them"),
        applicability: Applicability::Rehearse,
        edits,
    });
    Prescription::of(translated).with(
        "matching-variant",
        format!("Take the variant of the image that has `{}`", hit.subject),
        "the same version of the image, made on the distribution that its steps are written for",
        Applicability::Rehearse,
        on_debian(case, stage.instructions, family, index),
    )
}

/// The edit that puts the stage on Debian, when nothing in it is written for Alpine.
fn on_debian(case: &Case<'_>, steps: std::ops::Range<usize>, family: Family, index: usize) -> Option<Edit> {
    let base = base::of(case, index)?;
    let for_alpine = steps.into_iter().any(|at| managers::is_foreign(case, at, Family::Debian));
    if family != Family::Alpine || for_alpine || base.from_argument {
        return None;
    }
    let image = images::on_debian(&base.image)?;
    edit::set_image(case.workspace, case.dockerfile_path, case.dockerfile, base.stage, &image)
}
