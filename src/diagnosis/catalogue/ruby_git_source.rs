//! `ruby-git-source`: A gem from git cannot be fetched.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

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
    needles: &["Git error: command", "Retrying `git clone", "git clone"],
    detect,
    examples: &[Example {
        log: "Retrying `git clone 'https://github.com/acme/gone.git' \"/usr/local/bundle/cache\" --bare --no-hardlinks --quiet` due to error (2/4): Bundler::Source::Git::GitCommandError Git error: command `git clone 'https://github.com/acme/gone.git'",
        subject: "https://github.com/acme/gone.git",
        ..Example::BLANK
    }],
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
    let subject = found.subject();
    let why = format!("the gem from `{subject}` cannot be fetched");
    Some(Hit::at(found.line, subject, why))
}
