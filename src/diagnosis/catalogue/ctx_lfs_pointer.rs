//! `ctx-lfs-pointer`: a file is only a Git LFS pointer.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ctx-lfs-pointer",
    what: "A file is only a Git LFS pointer",
    why: "The repository keeps the file in Git LFS and the build got the small text that stands for it.",
    advice: "Fetch the file during the build from where it is published, or keep it outside LFS.",
    stage: Stage::ContextCopy,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["git-lfs.github.com/spec", "Smudge error", "invalid load key", "over its data quota"],
    detect,
    examples: &[
        Example {
            log: "Traceback (most recent call last):\n_pickle.UnpicklingError: invalid load key, 'v'.",
            subject: "",
            ..Example::BLANK
        },
        Example {
            log: "/usr/lib/ruby/3.1.0/json/common.rb:216:in `parse': unexpected token at 'version https://git-lfs.github.com/spec/v1' (JSON::ParserError)\n==> Exited with status 1",
            files: &[
                ("Dockerfile", "FROM ruby:3.1-slim\nCOPY . .\nCMD [\"ruby\", \"app.rb\"]\n"),
                ("data/stops.json", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 812345\n"),
            ],
            subject: "data/stops.json",
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"Smudge error: Error downloading (?P<file>\S+)",
    r"version https://git-lfs\.github\.com/spec",
    r"invalid load key, 'v'",
    r"This repository is over its data quota",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = match seen.named(&["file"]) {
        "" => pointer(case).unwrap_or_default(),
        file => file.to_owned(),
    };
    let why = match subject.as_str() {
        "" => "a file of the repository is only a Git LFS pointer".to_owned(),
        file => format!("`{file}` is only a Git LFS pointer; the platform's clone has not the file itself"),
    };
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}

/// The file of the repository that is a pointer: the one that the log names, else the first.
fn pointer(case: &Case<'_>) -> Option<String> {
    let is_pointer = |path: &&str| {
        let text = case.workspace.text(path);
        text.is_some_and(|text| text.starts_with("version https://git-lfs.github.com/spec"))
    };
    let all: Vec<&str> = case.workspace.paths().filter(is_pointer).collect();
    let named = |path: &&&str| path.rsplit('/').next().is_some_and(|name| case.log.contains(name));
    all.iter().find(named).or(all.first()).map(|path| (*path).to_owned())
}
