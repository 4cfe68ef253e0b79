//! `img-platform-mismatch`: the image is not made for this machine.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "img-platform-mismatch",
    what: "The image is not made for this machine",
    why: "Render builds and runs linux/amd64. The image has no such variant, or --platform asks for another one.",
    advice: "Take --platform away, or choose a tag that exists for linux/amd64.",
    stage: Stage::BaseImage,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "no matching manifest for",
        "image operating system",
        "cannot be used on this platform",
        "no match for platform",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "Step 1/2 : FROM --platform=linux/arm64 acme/tool:1\nno matching manifest for linux/arm64 in the manifest list entries",
        files: &[("Dockerfile", "FROM --platform=linux/arm64 acme/tool:1\nCMD [\"x\"]\n")],
        subject: "acme/tool:1",
        remedy: Some(("drop-platform", &[("Dockerfile", "FROM acme/tool:1\nCMD [\"x\"]\n")])),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"image operating system "(?P<os>\w+)" cannot be used on this platform"#,
    r"no matching manifest for (?P<platform>[\w/]+)",
    r"no match for platform in manifest",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = {
        static PULLED: Phrases = Phrases::new(&[
            r"(?:Step \d+/\d+ : FROM(?: --platform=\S+)?|load metadata for) (\S+)|failed to resolve source metadata for (\S+):|: (\S+:\S+): no match",
        ]);
        let image = (0..=seen.line).rev().find_map(|at| {
            let found = PULLED.on(case, at)?;
            (1..=3).find_map(|group| found.get(group)).map(str::to_owned)
        });
        image.unwrap_or_else(|| seen.named(&["platform", "os"]).to_owned())
    };
    let why = "the image is not made for linux/amd64";
    Some(Hit::at(seen.line, subject, why).confidence(0.96))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let fixed = |value: Option<&str>| value.is_some_and(|value| !value.contains('$') && !value.ends_with("amd64"));
    let wrong =
        case.dockerfile.instructions().iter().position(|each| each.keyword == "FROM" && fixed(each.flag("platform")));
    let Some(index) = wrong else { return Prescription::none() };
    let platform = case.dockerfile.instructions()[index].flag("platform").unwrap_or_default().to_owned();
    Prescription::none().with(
        "drop-platform",
        format!("Take `--platform={platform}` away"),
        "the service runs on linux/amd64, which is what an image without the flag is built for",
        Applicability::Rehearse,
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            &format!("--platform={platform} "),
            "",
        ),
    )
}
