//! `st-ruby-load`: a gem or a program it needs is not there at the start.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, installs};
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "st-ruby-load",
    what: "A gem is not there at the start",
    why: "It stands in a group of the Gemfile that is left out (development, test), is not in the bundle at all, or \
          needs something of the system such as time zones or a JavaScript runtime.",
    advice: "Move the gem out of the group, or install what is missing in the image.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "cannot load such file -- ",
        "Bundler::GemNotFound",
        "Gem::LoadError",
        "Gem::MissingSpecError",
        "TZInfo::DataSourceNotFound",
        "ExecJS::RuntimeUnavailable",
        "Could not find a JavaScript runtime",
        "in locally installed gems",
        "can't find executable",
        "is not currently included in the bundle",
        "bundler: command not found",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "/usr/lib/ruby/3.1.0/bundler/rubygems_integration.rb:308:in `block in replace_bin_path': can't find executable puma for gem puma. puma is not currently included in the bundle, perhaps you meant to add it to your Gemfile? (Gem::Exception)\n==> Exited with status 1",
            files: &[
                ("Dockerfile", "FROM ruby:3.1\nENV BUNDLE_WITHOUT=development:test\nCMD bundle exec puma\n"),
                (
                    "Gemfile",
                    "source \"https://rubygems.org\"\n\ngem \"kramdown\", \"~> 2.4\"\ngem \"rouge\", \"~> 3.30\"\n\ngroup :development do\n  gem \"puma\", \"~> 5.6\"\nend\n\ngroup :test do\n  gem \"rake\"\nend\n",
                ),
            ],
            subject: "puma",
            remedy: Some((
                "move-out-of-group",
                &[(
                    "Gemfile",
                    "source \"https://rubygems.org\"\n\ngem \"kramdown\", \"~> 2.4\"\ngem \"rouge\", \"~> 3.30\"\ngem \"puma\", \"~> 5.6\"\n\ngroup :test do\n  gem \"rake\"\nend\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "#12 [7/8] RUN bundle exec rake assets:precompile\n#12 3.1 rake aborted!\n#12 3.1 ExecJS::RuntimeUnavailable: Could not find a JavaScript runtime. See https://github.com/rails/execjs for a list of available runtimes.\n#12 ERROR: process \"/bin/sh -c bundle exec rake assets:precompile\" did not complete successfully: exit code: 1",
            files: &[(
                "Dockerfile",
                "FROM ruby:3.3-slim\nRUN apt-get update && apt-get install -y build-essential\nCOPY . .\nRUN bundle exec rake assets:precompile\n",
            )],
            subject: "JavaScript runtime",
            remedy: Some((
                "install-system-package",
                &[(
                    "Dockerfile",
                    "FROM ruby:3.3-slim\nRUN apt-get update && apt-get install -y build-essential nodejs\nCOPY . .\nRUN bundle exec rake assets:precompile\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"can't find executable \S+ for gem ([\w-]+)",
    r"bundler: command not found: ([\w-]+)",
    r"Could not find (\S+?)-[\d.]+ in (?:any of the sources|locally installed gems)",
    r"Could not find gem '([\w-]+)",
    r"(TZInfo::DataSourceNotFound)",
    r"Could not find a (JavaScript runtime)",
    r"cannot load such file -- ([\w/.-]+)",
    r"Could not find '([\w-]+)' \([^)]*\)",
    r"([\w-]+) is not (?:currently included in|part of) the bundle",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let gem = found.subject();
    let of_system = of_system(gem).is_some();
    // While a bundle is installed, a gem that is not there is bundler's own matter.
    if case.log.failing.is_some() && !of_system {
        return None;
    }
    let why = match place(case, gem) {
        Some(place) => format!("`{gem}` stands in the group `{}` of the Gemfile, which is left out", place.group),
        None => format!("`{gem}` is not there when the service starts"),
    };
    let hit = Hit::at(found.line, gem, why).confidence(0.93);
    Some(match case.log.failing.is_some() {
        true => Hit { stage: Some(Stage::AppBuild), ..hit },
        false => hit,
    })
}

/// The system's package that Ruby code looks for, by what it says it misses.
fn of_system(missing: &str) -> Option<&'static str> {
    match missing {
        "JavaScript runtime" => Some("nodejs"),
        "TZInfo::DataSourceNotFound" => Some("tzdata"),
        _ => None,
    }
}

/// A gem inside a group block of the Gemfile. Lines are indices.
struct InGroup {
    line: usize,
    group: String,
    first: usize,
    last: usize,
}

fn place(case: &Case<'_>, gem: &str) -> Option<InGroup> {
    let lines = case.workspace.lines(&case.in_repository("Gemfile"));
    let mut group: Option<(usize, String)> = None;
    for (index, line) in lines.iter().enumerate() {
        let text = line.trim();
        if text.starts_with("group ") && text.ends_with("do") {
            group = Some((
                index,
                text.trim_start_matches("group ").trim_end_matches("do").trim().trim_start_matches(':').to_owned(),
            ));
        } else if text == "end" {
            group = None;
        } else if text.starts_with(&format!("gem \"{gem}\"")) || text.starts_with(&format!("gem '{gem}'")) {
            let (first, name) = group?;
            let last = index + lines[index..].iter().position(|line| line.trim() == "end")?;
            return Some(InGroup { line: index, group: name, first, last });
        }
    }
    None
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if let Some(package) = of_system(&hit.subject) {
        let command = case.dockerfile.final_command();
        let index = case.failing_instruction().or(command.entrypoint).or(command.cmd);
        return Prescription::none().with(
            "install-system-package",
            format!("Install the package `{package}`"),
            "a gem looks for it in the system",
            Applicability::Rehearse,
            index.and_then(|index| installs::provide(case, index, &[package])),
        );
    }
    let path = case.in_repository("Gemfile");
    let lines = case.workspace.lines(&path);
    let Some(place) = place(case, &hit.subject) else { return Prescription::none() };
    let Some(top) = lines.iter().take(place.first).rposition(|line| line.starts_with("gem ")) else {
        return Prescription::none();
    };
    let is_alone = place.last == place.first + 2;
    let (gone_from, mut gone_to) = if is_alone { (place.first, place.last) } else { (place.line, place.line) };
    if is_alone && lines.get(gone_to + 1).is_some_and(|line| line.trim().is_empty()) {
        gone_to += 1;
    }
    let moved = lines[place.line].trim();
    let new: Vec<&str> = std::iter::once(lines[top])
        .chain([moved])
        .chain(lines[top + 1..gone_from].iter().copied())
        .chain(lines[gone_to + 1..=place.last.max(gone_to)].iter().copied())
        .collect();
    let edit = Edit::replace(case.workspace, &path, top + 1, place.last.max(gone_to) + 1, &new);
    Prescription::of(edit.map(|edit| Remedy {
        id: "move-out-of-group".into(),
        title: format!("Move `{}` out of the group `{}`", hit.subject, place.group),
        why: "the service needs it to run, so it belongs to the gems that are always there".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
