//! `img-moved-namespace`: the publisher retired or renamed the image line.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::images::{self, Reference};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "img-moved-namespace",
    what: "The base image was retired or moved to another name",
    why: "Publishers give up image lines: the official openjdk image was followed by eclipse-temurin, dotnet/core by dotnet, \
          k8s.gcr.io by registry.k8s.io, the free Bitnami images by bitnamilegacy.",
    advice: "Use the documented successor with the same version.",
    stage: Stage::BaseImage,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["not found", "manifest unknown", "pull access denied"],
    detect,
    remedies,
    examples: &[Example {
        log: "Dockerfile:1\n--------------------\n   1 | >>> FROM openjdk:17-jre-slim\n--------------------\nERROR: failed to solve: openjdk:17-jre-slim: failed to resolve source metadata for docker.io/library/openjdk:17-jre-slim: docker.io/library/openjdk:17-jre-slim: not found",
        files: &[("Dockerfile", "FROM openjdk:17-jre-slim\nCOPY app.jar /app.jar\n"), ("app.jar", "x")],
        subject: "openjdk:17-jre-slim",
        remedy: Some(("use-successor", &[("Dockerfile", "FROM eclipse-temurin:17-jre\nCOPY app.jar /app.jar\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"failed to resolve source metadata for (?P<ref>\S+): ",
    r"manifest for (?P<ref>\S+) not found",
    r"pull access denied for (?P<ref>[\w./:-]+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let said = seen.named(&["ref"]).trim_end_matches([',', ':']);
    let subject = stage_with(case, said).map_or_else(
        || said.trim_start_matches("docker.io/").trim_start_matches("library/").to_owned(),
        |(_, written)| written,
    );
    let successor = images::moved(&Reference::parse(&subject))?;
    let why = format!("`{subject}` is no longer published; its successor is `{successor}`");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}

fn stage_with(case: &Case<'_>, said: &str) -> Option<(usize, String)> {
    let bare = |text: &str| text.trim_start_matches("docker.io/").trim_start_matches("library/").to_owned();
    (0..case.dockerfile.stages().len()).find_map(|stage| {
        let base = base::of_stage(case, stage).filter(|base| base.stage == stage)?;
        let full = base.image.with_tag(&base.image.tag);
        (bare(&full) == bare(said) || bare(&base.image.repository) == bare(said)).then_some((stage, full))
    })
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some((stage, written)) = stage_with(case, &hit.subject) else { return Prescription::none() };
    let Some(successor) = images::moved(&Reference::parse(&written)) else { return Prescription::none() };
    Prescription::none().with(
        "use-successor",
        format!("Use `{successor}`"),
        "it is the documented successor and has the same version",
        Applicability::Rehearse,
        edit::set_image(case.workspace, case.dockerfile_path, case.dockerfile, stage, &successor),
    )
}
