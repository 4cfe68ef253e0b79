//! `df-stage-undefined`: a stage is used that the Dockerfile does not have.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "df-stage-undefined",
    what: "A stage is used that the Dockerfile does not have",
    why: "`COPY --from`, `FROM` and `--target` name a stage by its name. A misspelt name, or one defined later, is taken for an image or refused.",
    advice: "Use the name behind AS of an earlier stage.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "could not be found",
        "cannot copy from stage",
        "circular dependency detected on stage",
        "defined before current stage",
        "invalid from flag value",
        "pull access denied",
        "failed to resolve source metadata",
        "repository does not exist",
    ],
    detect,
    foresee,
    remedies,
    before: &["img-registry-unreachable", "img-private-or-missing-repo"],
    examples: &[
        Example {
            log: "#2 [internal] load metadata for docker.io/library/build:latest\n#2 ERROR: pull access denied, repository does not exist or may require authorization\nDockerfile:4\n--------------------\n   4 | >>> COPY --from=build /out/shuffle /usr/bin/shuffle\n--------------------\nERROR: failed to solve: build: failed to resolve source metadata for docker.io/library/build:latest: pull access denied, repository does not exist or may require authorization",
            files: &[(
                "Dockerfile",
                "FROM golang:1.23 AS compile\nRUN go build -o /out/shuffle .\nFROM alpine:3\nCOPY --from=build /out/shuffle /usr/bin/shuffle\n",
            )],
            subject: "build",
            remedy: Some((
                "correct-stage",
                &[(
                    "Dockerfile",
                    "FROM golang:1.23 AS compile\nRUN go build -o /out/shuffle .\nFROM alpine:3\nCOPY --from=compile /out/shuffle /usr/bin/shuffle\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Dockerfile:4\n--------------------\n   4 | >>> COPY --from=biulder /app/dist ./dist\n--------------------\nERROR: failed to solve: biulder: failed to resolve source metadata for docker.io/library/biulder:latest: pull access denied, repository does not exist or may require authorization",
            files: &[(
                "Dockerfile",
                "FROM node:20 AS builder\nRUN npm run build\nFROM node:20-slim\nCOPY --from=biulder /app/dist ./dist\n",
            )],
            subject: "biulder",
            remedy: Some((
                "correct-stage",
                &[(
                    "Dockerfile",
                    "FROM node:20 AS builder\nRUN npm run build\nFROM node:20-slim\nCOPY --from=builder /app/dist ./dist\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"target stage "?(?P<a>[^"\s]+)"? could not be found"#,
    r#"(?:cannot copy from stage|circular dependency detected on stage:?) "?(?P<a2>[^"\s,]+)"#,
    r"invalid from flag value (?P<a3>[^:\s]+)",
    r"failed to resolve source metadata for (?:docker\.io/(?:library/)?)?(?P<image>[\w.-]+)(?::latest)?: ",
    r"pull access denied for (?P<image2>[\w.-]+),",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let image = seen.named(&["image", "image2"]);
    let subject = if image.is_empty() { seen.named(&["a", "a2", "a3"]) } else { image };
    // An image that cannot be had is a misspelt stage only where a stage has nearly that name.
    if !image.is_empty() && wanted(case, image).is_none() {
        return None;
    }
    Some(Hit::at(seen.line, subject, format!("the Dockerfile has no stage `{subject}`")).confidence(0.97))
}

/// `--from` with a name that is one slip from a stage and no image anybody knows.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let copies = case.dockerfile.instructions().iter().enumerate().filter(|(_, each)| each.keyword == "COPY");
    copies
        .filter_map(|(_, each)| {
            let name = each.flag("from").filter(|name| !name.contains(['/', ':', '$', '.']))?;
            let known = crate::diagnosis::images::exists(&crate::diagnosis::images::Reference::parse(name)).is_some();
            wanted(case, name).filter(|_| !known)?;
            let why = format!("the Dockerfile has no stage `{name}`");
            Some(Hit::in_file(case.dockerfile_path, each.first_line, name, why).confidence(0.9))
        })
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some((index, right)) = wanted(case, &hit.subject) else { return Prescription::none() };
    let (from, to) = if case.dockerfile.instructions()[index].keyword == "FROM" {
        (hit.subject.clone(), right.clone())
    } else {
        (format!("--from={}", hit.subject), format!("--from={right}"))
    };
    Prescription::none().with(
        "correct-stage",
        format!("Spell the stage `{right}`"),
        format!("`{right}` is the only stage that `{}` can mean", hit.subject),
        Applicability::Rehearse,
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &from, &to),
    )
}

/// Names that people give to stages and no official image bears.
const STAGE_NAMES: &[&str] = &[
    "app",
    "assets",
    "backend",
    "base",
    "build",
    "builder",
    "bundle",
    "client",
    "common",
    "compile",
    "compiler",
    "dependencies",
    "deps",
    "dev",
    "development",
    "dist",
    "final",
    "frontend",
    "install",
    "installer",
    "prepare",
    "prod",
    "production",
    "release",
    "runner",
    "runtime",
    "server",
    "source",
    "src",
    "test",
    "vendor",
    "web",
];

/// The instruction that uses `name` as a stage, and the one earlier stage that was meant.
fn wanted(case: &Case<'_>, name: &str) -> Option<(usize, String)> {
    let instructions = case.dockerfile.instructions();
    let index = instructions.iter().position(|each| match each.keyword.as_str() {
        "COPY" => each.flag("from") == Some(name),
        "FROM" => each.words().first().is_some_and(|image| image == name),
        _ => false,
    })?;
    let own = case.dockerfile.stage_of(index)?;
    let stages = case.dockerfile.stages();
    let earlier = stages.iter().filter(|stage| stage.index < own).filter_map(|stage| stage.name.clone());
    let lower = name.to_ascii_lowercase();
    if stages.iter().any(|stage| stage.index < own && stage.name.as_deref() == Some(lower.as_str())) {
        return None;
    }
    let mut near: Vec<String> =
        earlier.filter(|stage| crate::diagnosis::images::one_slip(stage, &lower) || is_stem(stage, &lower)).collect();
    near.dedup();
    if near.is_empty() && STAGE_NAMES.contains(&lower.as_str()) && instructions[index].keyword == "COPY" {
        // Where there is one stage to copy from, no other can be meant; a stage without name goes by its number.
        near.extend(
            stages
                .iter()
                .filter(|stage| stage.index < own)
                .map(|stage| stage.name.clone().unwrap_or(stage.index.to_string())),
        );
    }
    near.pop().filter(|_| near.is_empty()).map(|right| (index, right))
}

/// `build` and `builder` are taken for one another.
fn is_stem(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= 4 && long.strip_prefix(short).is_some_and(|rest| matches!(rest, "er" | "r" | "s" | "ing"))
}
