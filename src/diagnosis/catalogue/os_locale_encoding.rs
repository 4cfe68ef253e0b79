//! `os-locale-encoding`: the image has no UTF-8 locale.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-locale-encoding",
    what: "The image has no UTF-8 locale",
    why: "Without LANG, many programs take text for ASCII and fail at the first other letter.",
    advice: "Set ENV LANG=C.UTF-8.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "US-ASCII",
        "'ascii' codec can't",
        "need UTF-8 locale",
        "unsupported locale setting",
        "Unable to start worker",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "[1] Puma starting in cluster mode...\n[169] ! Unable to start worker\n[169] /opt/sayings/app.rb:12:in `split'\n[169] Early termination of worker\n==> Timed out after waiting for internal health check to return a successful response code at: 10.0.0.2:10000 /health",
            files: &[
                ("Dockerfile", "FROM debian:bookworm-slim\nRUN apt-get update\nCOPY . /opt/sayings\nCMD [\"puma\"]\n"),
                ("app.rb", "words, from = paragraph.split(/ - /, 2)\n"),
                ("data/sayings.md", "Aller Anfang ist schwer. \u{2014} Volksmund\n"),
            ],
            subject: "LANG",
            remedy: Some((
                "set-locale",
                &[(
                    "Dockerfile",
                    "FROM debian:bookworm-slim\nENV LANG=C.UTF-8\nRUN apt-get update\nCOPY . /opt/sayings\nCMD [\"puma\"]\n",
                )],
            )),
            status: "update_failed",
            health_path: Some("/health"),
            ..Example::BLANK
        },
        Example {
            log: "/app/app.rb:3: invalid multibyte char (US-ASCII)\nArgumentError: invalid byte sequence in US-ASCII",
            files: &[(
                "Dockerfile",
                "FROM debian:bookworm-slim\nRUN apt-get update\nENV RACK_ENV=production\nCMD [\"puma\"]\n",
            )],
            subject: "LANG",
            remedy: Some((
                "set-locale",
                &[(
                    "Dockerfile",
                    "FROM debian:bookworm-slim\nENV LANG=C.UTF-8\nRUN apt-get update\nENV RACK_ENV=production\nCMD [\"puma\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"invalid byte sequence in (?P<a>US-ASCII)|(?P<b>US-ASCII) \(Encoding|incompatible .*(?P<c>US-ASCII)|'(?P<d>ascii)' codec can't (?:de|en)code|need (?P<e>UTF-8 locale)|(?P<f>unsupported locale setting)|\b(?P<g>US-ASCII)\b",
]);

/// Puma's cluster tells of a worker that ends the place, and not the error. These methods fail on text of another encoding.
static WORKER: Phrases = Phrases::new(&[
    r"([^\s/]+\.rb:\d+):in [`'](?:[\w:]+[#.])?(split|gsub!?|sub!?|scan|match\??|=~|strip|encode|tr|squeeze|partition|start_with\?|end_with\?|downcase|upcase|parse|index|===?)'",
]);

/// A worker that ends in a method of text, in an image without a locale, beside text that is not ASCII.
fn of_worker(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let told = |at: &usize| case.text(*at).contains("Unable to start worker");
    let at = lines.iter().rev().copied().find(told)?;
    let place = WORKER.on(case, at + 1)?;
    let stages = case.dockerfile.stages();
    let last = stages.last()?;
    // The official Ruby images set LANG.
    let of_ruby = |image: &str| image.rsplit('/').next().is_some_and(|name| name.starts_with("ruby:"));
    if stages.iter().any(|stage| of_ruby(&stage.image))
        || case.dockerfile.env_at(last.instructions.end).contains_key("LANG")
    {
        return None;
    }
    let is_plain = |path: &str| case.workspace.text(path).is_none_or(str::is_ascii);
    let text = case.context.paths().map(|path| case.in_repository(path)).find(|path| !is_plain(path))?;
    let why = format!(
        "a worker ends at {} in `{}`: the image has no UTF-8 locale, and `{text}` holds letters that are not ASCII",
        &place[1], &place[2]
    );
    Some(Hit::at(at, "LANG", why).confidence(0.75))
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let Some(seen) = SHAPE.last(case, lines) else { return of_worker(case, lines) };
    let subject = "LANG".to_owned();
    let why = "the image has no UTF-8 locale";
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let stages = case.dockerfile.stages();
    let failing = case.failing_instruction().and_then(|index| case.dockerfile.stage_of(index));
    let Some(stage) = failing.and_then(|stage| stages.get(stage)).or(stages.last()) else {
        return Prescription::none();
    };
    let env = case.dockerfile.env_at(stage.instructions.end);
    if env.get("LANG").is_some_and(|lang| lang.to_ascii_uppercase().contains("UTF")) && env.contains_key("LC_ALL") {
        return Prescription::none();
    }
    let line = if env.contains_key("LANG") { "ENV LC_ALL=C.UTF-8" } else { "ENV LANG=C.UTF-8" };
    Prescription::none().with(
        "set-locale",
        format!("Set `{}`", line.trim_start_matches("ENV ")),
        "C.UTF-8 is in every image and makes programs read text as UTF-8",
        Applicability::Rehearse,
        edit::insert_after_instruction(case.workspace, case.dockerfile_path, case.dockerfile, stage.from, &[line]),
    )
}
