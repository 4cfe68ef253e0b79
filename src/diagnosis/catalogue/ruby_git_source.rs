//! `ruby-git-source`: A gem from git cannot be fetched.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, installs};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "ruby-git-source",
    what: "A gem from git cannot be fetched",
    why: "The repository is gone or private, the branch or commit is gone, or the image has no git.",
    advice: "Install git in the image; take the released gem instead if there is one; a private repository needs a \
          token.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["Git error: command", "Retrying `git clone", "git clone", "You need to install git"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#9 [4/5] RUN bundle install\n#9 0.9 You need to install git to be able to use gems from git repositories. For help\n#9 0.9 installing git, please refer to GitHub's tutorial at\n#9 ERROR: process \"/bin/sh -c bundle install\" did not complete successfully: exit code: 11",
            files: &[(
                "Dockerfile",
                "FROM ruby:3.3-slim\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install\n",
            )],
            subject: "git",
            remedy: Some((
                "install-git",
                &[(
                    "Dockerfile",
                    "FROM ruby:3.3-slim\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*\nRUN bundle install\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Retrying `git clone 'https://github.com/acme/gone.git' \"/usr/local/bundle/cache\" --bare --no-hardlinks --quiet` due to error (2/4): Bundler::Source::Git::GitCommandError Git error: command `git clone 'https://github.com/acme/gone.git'",
            subject: "https://github.com/acme/gone.git",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"(?:Git error: command|Retrying) `git (?:clone|fetch)[^`]*?[\'"]?(https?://[^\s\'"`]+|git@[^\s\'"`]+)"#,
    r"could not read Username for '(https://[^']+)': No such device",
    r"(You need to install git) to be able to use gems from git",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let bundler = |text: &str| text.contains("bundle") || text.contains("Bundler") || text.contains("gem ");
    if !case.log.failing.as_ref().is_some_and(|step| bundler(&step.command))
        && !case.log.lines.iter().any(|line| bundler(&line.text))
    {
        return None;
    }
    let found = SAID.first(case, lines)?;
    if found.wording == 2 {
        let why = "a gem comes from a git repository, and the image has no git";
        return Some(Hit::at(found.line, "git", why).policy(Policy::Fix).confidence(0.97));
    }
    let subject = found.subject();
    let why = format!("the gem from `{subject}` cannot be fetched");
    Some(Hit::at(found.line, subject, why))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let index = case.failing_instruction().filter(|_| hit.subject == "git");
    Prescription::none().with(
        "install-git",
        "Install the package `git`",
        "bundler fetches the gem with it",
        Applicability::Rehearse,
        index.and_then(|index| installs::provide(case, index, &["git"])),
    )
}
