//! `ruby-version`: the Ruby of the image is not the one that the Gemfile or a gem wants.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::toolchain;
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "ruby-version",
    what: "The Ruby of the image is not the one that the Gemfile or a gem wants",
    why: "The Gemfile binds the project to a Ruby version, and gems state the oldest Ruby they run on.",
    advice: "Take the ruby image of the Gemfile. For a bare `gem install` the message names the last version for this Ruby: pin that.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "requires Ruby version",
        "The last version of",
        "but your Gemfile specified",
        "because the current Ruby version is",
    ],
    detect,

    remedies,
    examples: &[
        Example {
            log: "#8 [4/5] RUN bundle install\n#8 0.5 Your Ruby version is 2.2.10, but your Gemfile specified 2.4.0",
            files: &[
                ("Dockerfile", "FROM ruby:2.2-slim\nCOPY Gemfile .\nRUN bundle install\n"),
                ("Gemfile", "ruby \"2.4.0\"\n"),
            ],
            subject: "2.4.0",
            remedy: Some((
                "raise-image",
                &[("Dockerfile", "FROM ruby:2.4.0-slim\nCOPY Gemfile .\nRUN bundle install\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 2/4 : RUN gem install bundler\n ---> Running in 1\nERROR:  Error installing bundler:\n\tThe last version of bundler (>= 0) to support your Ruby & RubyGems was 1.17.3. Try installing it with `gem install bundler -v 1.17.3`\n\tbundler requires Ruby version >= 2.3.0. The current ruby version is 2.2.10.230.\nThe command '/bin/sh -c gem install bundler' returned a non-zero code: 1",
            files: &[("Dockerfile", "FROM ruby:2.2\nRUN gem install bundler\n")],
            subject: "bundler",
            remedy: Some(("pin-gem", &[("Dockerfile", "FROM ruby:2.2\nRUN gem install bundler -v 1.17.3\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Your Ruby version is [\d.]+, but your Gemfile specified [~>=< ]*([\d.]+)",
    r"([\w-]+) requires Ruby version [~>=]+ ?([\d.]+)",
    r"The last version of ([\w-]+) \([^)]*\) to support your Ruby",
    r"([\w-]+)-[\d.]+ requires ruby version [~>=]+ ?([\d.]+)",
    r"(Ruby) \(>= ([\d.]+)",
]);

/// Ruby lines whose image exists with the variants slim and alpine (Docker Hub, July 2025).
const LINES: [&str; 12] = ["2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "3.0", "3.1", "3.2", "3.3", "3.4"];

static LAST: Phrases = Phrases::new(&[r"gem install ([\w-]+) -v '?([\w.]+?)'?`"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let why = match found.wording {
        0 => format!("the Gemfile is bound to Ruby {}, the image has another", found.subject()),
        _ => format!("`{}` needs a newer Ruby than the image has", found.subject()),
    };
    Some(Hit::at(found.line, found.subject(), why))
}

fn wanted(case: &Case<'_>, hit: &Hit, _: &str) -> Option<String> {
    if hit.subject.starts_with(|each: char| each.is_ascii_digit()) {
        return Some(hit.subject.clone());
    }
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let needs = SAID.all(case, &lines).iter().map(|found| toolchain::numbers(found.name(1))).max()?;
    LINES
        .iter()
        .find(|line| toolchain::numbers(line) >= needs.iter().copied().take(2).collect::<Vec<_>>())
        .map(|line| (*line).into())
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let mut out = Vec::new();
    let lines: Vec<usize> = (0..case.log.lines.len()).collect();
    let last = LAST.last(case, &lines).filter(|last| last.subject() == hit.subject);
    if let (Some(last), Some(index)) = (last, case.failing_instruction()) {
        let from = format!("gem install {}", last.subject());
        let to = format!("{from} -v {}", last.name(1));
        let edit =
            edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &from, &to);
        out.extend(edit.map(|edit| Remedy {
            id: "pin-gem".into(),
            title: format!("Install {} {}", last.subject(), last.name(1)),
            why: "RubyGems itself names this as the last version for this Ruby".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }));
    }
    if let Some((_, image)) = toolchain::stage_at_fault(case, &["ruby"])
        && let Some(version) = wanted(case, hit, &image)
        && let Some(edits) = toolchain::raise(case, &image, &version)
    {
        out.push(Remedy {
            id: "raise-image".into(),
            title: format!("Build on Ruby {version}"),
            why: format!("`{image}` has another version; the variant stays"),
            applicability: Applicability::Rehearse,
            edits,
        });
    }
    Prescription::of(out)
}
