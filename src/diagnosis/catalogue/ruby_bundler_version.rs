//! `ruby-bundler-version`: bundler is not the version of the lock file.

use crate::diagnosis::chain::{Chain, Change, flat};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, toolchain};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "ruby-bundler-version",
    what: "Bundler is not the version of the lock file",
    why: "Gemfile.lock names the Bundler that wrote it (BUNDLED WITH); the image has another one.",
    advice: "Install that version: `gem install bundler -v <BUNDLED WITH>`.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Could not find 'bundler' (",
        "To install the missing version, run `gem install bundler",
        "You must use Bundler 2 or greater",
        "requires a different version of Bundler",
        "gems for gem \"bundler\"",
        "versions for gem \"bundler\"",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "/usr/local/lib/ruby/2.7.0/rubygems.rb:275:in `find_spec_for_exe': Could not find 'bundler' (1.11.2) required by your /app/Gemfile.lock. (Gem::GemNotFoundException)\nTo update to the latest version installed on your system, run `bundle update --bundler`.",
            subject: "bundler",
            ..Example::BLANK
        },
        Example {
            log: "#9 [4/5] RUN bundle install --jobs 4\n#9 0.41 /usr/local/lib/ruby/3.2.0/rubygems.rb:275:in `find_spec_for_exe': Could not find 'bundler' (2.5.6) required by your /app/Gemfile.lock. (Gem::GemNotFoundException)\n#9 0.41 To update to the latest version installed on your system, run `bundle update --bundler`.\n#9 0.41 To install the missing version, run `gem install bundler:2.5.6`\n#9 ERROR: process \"/bin/sh -c bundle install --jobs 4\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM ruby:3.2-slim\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install --jobs 4\nCOPY . .\n",
                ),
                ("Gemfile.lock", "BUNDLED WITH\n   2.5.6\n"),
            ],
            subject: "bundler",
            remedy: Some((
                "install-bundler",
                &[(
                    "Dockerfile",
                    "FROM ruby:3.2-slim\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN gem install bundler -v 2.5.6 && bundle install --jobs 4\nCOPY . .\n",
                )],
            )),
            ..Example::BLANK
        },
        // The lock file is of Bundler 2, and the step installs the old one by hand.
        Example {
            log: "#8 [4/4] RUN gem install bundler -v 1.17.3 && bundle install\n#8 2.1 You must use Bundler 2 or greater with this lockfile.\n#8 ERROR: process \"/bin/sh -c gem install bundler -v 1.17.3 && bundle install\" did not complete successfully: exit code: 20",
            files: &[
                (
                    "Dockerfile",
                    "FROM ruby:2.7\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN gem install bundler -v 1.17.3 && bundle install\n",
                ),
                ("Gemfile.lock", "GEM\n  specs:\n\nBUNDLED WITH\n   2.3.26\n"),
            ],
            subject: "Bundler",
            remedy: Some((
                "install-bundler",
                &[(
                    "Dockerfile",
                    "FROM ruby:2.7\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN gem install bundler -v 2.3.26 && bundle install\n",
                )],
            )),
            ..Example::BLANK
        },
        // Bundler 4 runs on Ruby 3.2 and later only: to install it would be the next failure.
        Example {
            log: "#9 [4/5] RUN bundle install\n#9 0.41 Could not find 'bundler' (4.0.2) required by your /app/Gemfile.lock. (Gem::GemNotFoundException)\n#9 ERROR: process \"/bin/sh -c bundle install\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM ruby:2.7-slim\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install\n"),
                ("Gemfile.lock", "BUNDLED WITH\n   4.0.2\n"),
            ],
            subject: "bundler",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Could not find '(bundler)' \(([\d.]+)\)",
    r"run `gem install (bundler):([\d.]+)`",
    r"must use (Bundler) 2 or greater",
    r"different version of (Bundler)",
    r#"versions for gem "(bundler)""#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the image lacks the {subject} that the lock file names");
    Some(Hit::at(found.line, subject, why))
}

/// The oldest Ruby that a Bundler runs on, newest first (`required_ruby_version` of the gem, rubygems.org, November 2025).
const NEEDS_RUBY: [([u32; 2], [u32; 2]); 6] =
    [([4, 0], [3, 2]), ([2, 7], [3, 2]), ([2, 6], [3, 1]), ([2, 5], [3, 0]), ([2, 4], [2, 6]), ([2, 0], [2, 3])];

/// The first Ruby whose own library Bundler 1 no longer loads on (`untaint` went).
const TOO_NEW_FOR_1: [u32; 2] = [3, 2];

/// The Bundler that the lock file was written with: as the log names it, else as the file does.
fn wanted(case: &Case<'_>, hit: &Hit) -> Option<String> {
    let said = hit.line.and_then(|line| SAID.on(case, line)).map(|found| found.name(1).to_owned());
    said.filter(|version| !version.is_empty()).or_else(|| {
        let lines = case.workspace.lines(&case.in_repository("Gemfile.lock"));
        let at = lines.iter().position(|line| line.trim() == "BUNDLED WITH")?;
        Some(lines.get(at + 1)?.trim().to_owned())
    })
}

/// Whether Ruby in `image` runs this Bundler; yes where the image does not tell its version.
fn runs(image: &str, bundler: &str) -> bool {
    let (have, wanted) = (toolchain::numbers(&toolchain::version(image)), toolchain::numbers(bundler));
    let needs = NEEDS_RUBY.iter().find(|(from, _)| wanted[..] >= from[..]).map(|(_, ruby)| *ruby);
    match needs {
        _ if have.len() < 2 => true,
        Some(ruby) => have[..2] >= ruby[..],
        None => have[..2] < TOO_NEW_FOR_1[..],
    }
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(version) = wanted(case, hit).filter(|version| !toolchain::numbers(version).is_empty()) else {
        return Prescription::none();
    };
    let image = toolchain::stage_at_fault(case, &["ruby"]).map(|(_, image)| image).unwrap_or_default();
    let uses =
        |at: &usize| Chain::of(case, *at).is_some_and(|chain| chain.commands().any(|each| calls_bundle(&flat(each))));
    let first = || (0..case.dockerfile.instructions().len()).find(|at| uses(at));
    let Some(index) = case.failing_instruction().filter(|at| uses(at)).or_else(first) else {
        return Prescription::none();
    };
    Prescription::none().with(
        "install-bundler",
        format!("Install Bundler {version}, which wrote the lock file"),
        "it is what Gemfile.lock asks for; the gems it names stay as they are",
        Applicability::Rehearse,
        Some(index).filter(|_| runs(&image, &version)).and_then(|index| installed(case, index, &version)),
    )
}

fn calls_bundle(command: &str) -> bool {
    let mut words = command.split(' ').skip_while(|word| word.contains('='));
    matches!(words.next(), Some("bundle" | "bundler"))
}

/// The edit that installs Bundler `version`: in the step that installs another one, else right before the first `bundle`.
fn installed(case: &Case<'_>, index: usize, version: &str) -> Option<Edit> {
    static BY_HAND: Phrases = Phrases::new(&[r"^gem install (?:.* )?bundler\b"]);
    static NAMED: Phrases =
        Phrases::new(&[r"(?:-v|--version)[ =]?\S+ bundler\b", r"\bbundler(?::[\w.]+| (?:-v|--version)[ =]?\S+)?"]);
    let stage = case.dockerfile.stages().into_iter().nth(case.dockerfile.stage_of(index)?)?;
    let by_hand = |command: &str| BY_HAND.fits(&flat(command));
    let upto = stage.instructions.start..=index;
    let host = upto
        .into_iter()
        .find_map(|at| Some((at, Chain::of(case, at)?)).filter(|(_, chain)| chain.commands().any(by_hand)));
    let install = format!("gem install bundler -v {version}");
    let (chain, is_meant): (Chain, fn(&str) -> bool) = match host {
        Some((_, chain)) => (chain, |command| BY_HAND.fits(&flat(command))),
        None => (Chain::of(case, index)?, |command| calls_bundle(&flat(command))),
    };
    let first = chain.commands().position(is_meant)?;
    let changes: Vec<Change> = chain
        .commands()
        .enumerate()
        .map(|(place, command)| match place == first {
            false => Change::Stays,
            true if by_hand(command) => {
                let named = NAMED.read(command).map_or(0..0, |found| found.range());
                let mut own = command.to_owned();
                own.replace_range(named, &format!("bundler -v {version}"));
                Change::Becomes(own)
            }
            true => Change::Becomes(format!("{install} && {command}")),
        })
        .collect();
    chain.edit(case, &changes)
}
