//! `ruby-lock-platform`: the lock file is for other platforms.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::ruby;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "ruby-lock-platform",
    what: "The lock file is for other platforms",
    why: "Gemfile.lock was written on macOS or Windows only and lists no gems for Linux.",
    advice: "Run `bundle lock --add-platform x86_64-linux` and commit the lock.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Your bundle only supports platforms",
        "but your local platform is",
        "Add the current platform to the lockfile",
        "Could not find nokogiri-",
    ],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "Your bundle only supports platforms [\"arm64-darwin-22\"] but your local platform is x86_64-linux. Add the current platform to the lockfile with\n`bundle lock --add-platform x86_64-linux` and try again.",
        subject: "x86_64-linux",
        files: &[
            ("Dockerfile", "FROM ruby:3.2\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install\n"),
            ("Gemfile", "gem \"puma\"\n"),
            (
                "Gemfile.lock",
                "GEM\n  specs:\n    puma (6.4.0)\n\nPLATFORMS\n  arm64-darwin-22\n\nDEPENDENCIES\n  puma\n",
            ),
        ],
        remedy: Some((
            "add-platform",
            &[(
                "Gemfile.lock",
                "GEM\n  specs:\n    puma (6.4.0)\n\nPLATFORMS\n  arm64-darwin-22\n  x86_64-linux\n\nDEPENDENCIES\n  puma\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"local platform is ([\w-]+)",
    r"only supports platforms \[(.*?)\]",
    r"Could not find (nokogiri-\S+)",
    r"(Add the current platform)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the lock file has nothing for the platform `{subject}`");
    Some(Hit::at(found.line, subject, why))
}

/// A lock made for other systems alone, where bundler may not add this one.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let Some(bundle) = ruby::bundle(case).filter(|bundle| bundle.is_frozen && !bundle.platforms.is_empty()) else {
        return vec![];
    };
    let elsewhere = |platform: &String| ["darwin", "mingw", "mswin", "java"].iter().any(|name| platform.contains(name));
    if !bundle.platforms.iter().all(elsewhere) {
        return vec![];
    }
    let why =
        format!("the lock file is for {} only, and bundler may not add this platform", bundle.platforms.join(", "));
    vec![case.foreseen(bundle.index, "x86_64-linux", why)]
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let locks: Vec<&str> =
        case.workspace.paths().filter(|path| path.rsplit('/').next() == Some("Gemfile.lock")).collect();
    let [lock] = locks.as_slice() else { return Prescription::none() };
    let lines = case.workspace.lines(lock);
    let Some(head) = lines.iter().position(|line| line.trim() == "PLATFORMS") else { return Prescription::none() };
    let listed = lines[head + 1..].iter().take_while(|line| line.starts_with(' ')).count();
    // Gems that were locked as built for macOS or Windows have other files for Linux, with sums and names of their own.
    let built = lines.iter().any(|line| {
        line.starts_with("    ") && line.trim_end().ends_with(')') && {
            ["-darwin", "-mingw", "-mswin", "x64-"].iter().any(|platform| line.contains(platform))
        }
    });
    let edit = Edit::insert_after(case.workspace, lock, head + 1 + listed, &["  x86_64-linux"]);
    Prescription::none().with(
        "add-platform",
        format!("Add the platform x86_64-linux to `{lock}`"),
        "the gems stay at their versions; the lock only names one platform more",
        Applicability::Rehearse,
        edit.filter(|_| !built && listed > 0),
    )
}
