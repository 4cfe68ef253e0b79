//! `img-tag-not-found`: the tag of a base image does not exist.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::images::{self, Reference};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "img-tag-not-found",
    what: "The tag of a base image does not exist",
    why: "The repository is there, but not with this tag: a typo, the words of the tag in the wrong order, a version that was \
          never published for this variant, or one that was taken away.",
    advice: "Use a tag that exists: the same version on a newer suite, the same minor version, or the next one.",
    stage: Stage::BaseImage,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["not found", "manifest unknown", "failed to do request: Head", "no such image"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#2 [internal] load metadata for docker.io/library/node:20-slim-bookworm\n#2 ERROR: docker.io/library/node:20-slim-bookworm: not found\n------\n > [internal] load metadata for docker.io/library/node:20-slim-bookworm:\n------\nDockerfile:1\n--------------------\n   1 | >>> FROM node:20-slim-bookworm\n--------------------\nerror: failed to solve: node:20-slim-bookworm: failed to resolve source metadata for docker.io/library/node:20-slim-bookworm: docker.io/library/node:20-slim-bookworm: not found",
            files: &[("Dockerfile", "FROM node:20-slim-bookworm\nCOPY . .\n")],
            subject: "node:20-slim-bookworm",
            remedy: Some(("use-tag", &[("Dockerfile", "FROM node:20-bookworm-slim\nCOPY . .\n")])),
            ..Example::BLANK
        },
        Example {
            log: "Step 1/3 : FROM python:3.12.99-slim\nmanifest for python:3.12.99-slim not found: manifest unknown: manifest unknown",
            files: &[("Dockerfile", "FROM python:3.12.99-slim AS app\nCOPY . .\nCMD [\"python\"]\n")],
            subject: "python:3.12.99-slim",
            remedy: Some(("use-tag", &[("Dockerfile", "FROM python:3.12-slim AS app\nCOPY . .\nCMD [\"python\"]\n")])),
            ..Example::BLANK
        },
        Example {
            log: "Step 1/2 : FROM sysdig/falco:0.14.0\nmanifest for sysdig/falco:0.14.0 not found",
            subject: "sysdig/falco:0.14.0",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"failed to resolve source metadata for (?P<ref>\S+): (?:\S+: )?not found",
    r"manifest for (?P<ref>\S+) not found",
    r"(?:ERROR|error): (?:failed to solve: )?(?P<ref>[\w.-]+(?:[/:][\w./-]+)*:[\w.-]+): not found",
    r"(?P<ref>[\w./-]+:[\w.-]+): (?:manifest unknown|no such image)",
    r"manifest unknown|failed to resolve reference .* not found",
]);
static UNREACHED: Phrases =
    Phrases::new(&[r#"failed to do request: Head "https://[^/]+/v2/(?P<repo>[^"]+)/manifests/(?P<tag>[^"]+)""#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(seen) = SHAPES.last(case, lines) {
        let reference = seen.named(&["ref"]);
        let written = stage_with(case, reference).map(|(_, written)| written);
        let subject = written.unwrap_or_else(|| short(reference));
        if images::moved(&Reference::parse(&subject)).is_some() && replacement_list(&subject).is_empty() {
            return None;
        }
        return Some(found(case, seen.line, subject));
    }
    // A registry that could not be asked proves nothing, but words in an order that no official image uses do.
    let seen = UNREACHED.last(case, lines)?;
    let reference = format!("{}:{}", seen.named(&["repo"]), seen.named(&["tag"]));
    let subject = stage_with(case, &reference).map_or_else(|| short(&reference), |(_, written)| written);
    (images::exists(&Reference::parse(&subject)) == Some(false) && !replacement_list(&subject).is_empty())
        .then(|| found(case, seen.line, subject))
}

fn found(case: &Case<'_>, at: usize, subject: String) -> Hit {
    let why = format!("the image `{subject}` does not exist");
    let policy = if replacement_list(&subject).is_empty() { Policy::Human } else { Policy::Fix };
    let line = stage_with(case, &subject).and_then(|(stage, _)| base::of_stage(case, stage)).map(|base| base.line);
    let hit = Hit::at(at, subject, why).confidence(0.96).policy(policy);
    match line {
        Some(line) => hit.place(case.dockerfile_path, line),
        None => hit,
    }
}

fn replacement_list(reference: &str) -> Vec<String> {
    images::replacements(&Reference::parse(reference))
}

/// Without the registry and `library/` that Docker adds.
fn short(reference: &str) -> String {
    let rest = reference.strip_prefix("docker.io/").unwrap_or(reference);
    rest.strip_prefix("library/").unwrap_or(rest).to_owned()
}

/// The stage that starts from `reference`, and how the Dockerfile writes it.
fn stage_with(case: &Case<'_>, reference: &str) -> Option<(usize, String)> {
    let wanted = short(reference);
    (0..case.dockerfile.stages().len()).find_map(|stage| {
        let base = base::of_stage(case, stage).filter(|base| base.stage == stage)?;
        let written =
            if base.image.tagged { base.image.with_tag(&base.image.tag) } else { base.image.repository.clone() };
        let full = base.image.with_tag(&base.image.tag);
        (short(&full) == wanted || short(&written) == wanted).then_some((stage, written))
    })
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut out = Vec::new();
    for stage in 0..case.dockerfile.stages().len() {
        let Some(base) = base::of_stage(case, stage).filter(|base| base.stage == stage) else { continue };
        let written = base.image.with_tag(&base.image.tag);
        if base.image.digest.is_none() && images::exists(&base.image) == Some(false) {
            let why = format!("the image `{written}` does not exist");
            // The table ages; how tags are put together does not change.
            let confidence = if images::is_disordered(&base.image) { 0.95 } else { 0.8 };
            out.push(Hit::in_file(case.dockerfile_path, base.line, written, why).confidence(confidence));
        }
    }
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some((stage, _)) = stage_with(case, &hit.subject) else { return Prescription::none() };
    let Some(base) = base::of_stage(case, stage) else { return Prescription::none() };
    let mut out = Prescription::none();
    for image in images::replacements(&base.image) {
        let edit = if base.from_argument {
            argument(case, &base, &image)
        } else {
            edit::set_image(case.workspace, case.dockerfile_path, case.dockerfile, stage, &image)
        };
        // Each its own: what was tried is known by it.
        let id = match out.remedies.len() {
            0 => "use-tag".to_owned(),
            1 => "use-other-tag".to_owned(),
            more => format!("use-other-tag-{more}"),
        };
        out = out.with(
            &id,
            format!("Use `{image}`"),
            "this tag exists and keeps the version and the variant as far as it can be kept",
            Applicability::Rehearse,
            edit,
        );
    }
    out
}

/// The edit of the ARG that holds the tag, where it holds exactly the tag.
fn argument(case: &Case<'_>, base: &base::Base, image: &str) -> Option<crate::remedy::Edit> {
    let new = Reference::parse(image).tag;
    let instructions = case.dockerfile.instructions();
    let index = instructions.iter().position(|each| {
        each.keyword == "ARG" && each.pairs().iter().any(|(_, value)| value.as_deref() == Some(base.image.tag.as_str()))
    })?;
    edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &base.image.tag, &new)
}
