//! `ruby-frozen`: the Gemfile was changed without its lock file.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::ruby;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "ruby-frozen",
    what: "The Gemfile was changed without its lock file",
    why: "In deployment and frozen mode bundler does not change Gemfile.lock, and the Gemfile asks for something that \
          it does not hold.",
    advice: "Run `bundle lock` and commit Gemfile.lock.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "deployment mode after changing",
        "frozen mode",
        "The dependencies in your gemfile changed",
        "frozen is set",
        "lockfile is missing",
        "but the lockfile can't be updated",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#9 [5/7] RUN bundle install --local\n#9 0.27 You are trying to install in deployment mode after changing\n#9 0.27 your Gemfile. Run `bundle install` elsewhere and add the\n#9 0.27 updated Gemfile.lock to version control.\n#9 0.27\n#9 0.27 You have added to the Gemfile:\n#9 0.27 * rouge (~> 3.30)\n#9 ERROR: process \"/bin/sh -c bundle install --local\" did not complete successfully: exit code: 16",
            files: &[(
                "Dockerfile",
                "FROM ruby:3.1\nENV LANG=C.UTF-8 \\\n    BUNDLE_FROZEN=true\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install --local\n",
            )],
            subject: "rouge",
            remedy: Some((
                "unfreeze",
                &[(
                    "Dockerfile",
                    "FROM ruby:3.1\nENV LANG=C.UTF-8 \\\n    BUNDLE_FROZEN=false\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install --local\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#8 [4/5] RUN bundle config set --local deployment true && bundle install\n#8 0.5 The dependencies in your gemfile changed, but the lockfile can't be updated because frozen mode is set\n#8 0.5\n#8 0.5 You have added to the Gemfile:\n#8 0.5 * puma\n#8 ERROR: process \"/bin/sh -c bundle config set --local deployment true && bundle install\" did not complete successfully: exit code: 16",
            files: &[(
                "Dockerfile",
                "FROM ruby:3.3\nCOPY Gemfile Gemfile.lock ./\nRUN bundle config set --local deployment true && bundle install\n",
            )],
            subject: "puma",
            remedy: Some((
                "unfreeze",
                &[(
                    "Dockerfile",
                    "FROM ruby:3.3\nCOPY Gemfile Gemfile.lock ./\nRUN bundle config set --local deployment true && bundle config set --local frozen false && bundle install\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"in (deployment) mode after changing",
    r"frozen mode is set|because (frozen) (?:mode )?is set",
    r"The dependencies in your gemfile changed",
    r"lockfile is missing",
]);

static ADDED: Phrases = Phrases::new(&[r"^\s*(?:\d+\.\d+ +)?\* ([\w.-]+)(?: \(|$|\s)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let gem = ADDED.first(case, lines).map(|added| added.subject().to_owned());
    let why = match &gem {
        Some(gem) => {
            format!("the Gemfile asks for `{gem}`, which Gemfile.lock does not hold, and bundler may not add it")
        }
        None => "Gemfile.lock does not fit the Gemfile, and bundler may not change it".to_owned(),
    };
    Some(Hit::at(found.line, gem.unwrap_or_else(|| "Gemfile.lock".into()), why).confidence(0.97))
}

/// A gem that the Gemfile names and the lock does not, where bundler may not add it.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let Some(bundle) = ruby::bundle(case).filter(|bundle| bundle.is_frozen && !bundle.locked.is_empty()) else {
        return vec![];
    };
    let new = bundle.gems.iter().find(|gem| !bundle.locked.contains(&gem.name));
    let hit = new.map(|gem| {
        let why = format!(
            "the Gemfile asks for `{}`, which Gemfile.lock does not hold, and bundler may not add it",
            gem.name
        );
        Hit::in_file(&bundle.path, gem.line, gem.name.clone(), why).confidence(0.95)
    });
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let instructions = dockerfile.instructions();
    let switches = [
        ("BUNDLE_FROZEN=true", "BUNDLE_FROZEN=false"),
        ("BUNDLE_FROZEN=1", "BUNDLE_FROZEN=false"),
        ("BUNDLE_FROZEN=\"true\"", "BUNDLE_FROZEN=\"false\""),
        ("BUNDLE_FROZEN=\"1\"", "BUNDLE_FROZEN=\"false\""),
        ("BUNDLE_FROZEN true", "BUNDLE_FROZEN false"),
        ("frozen true", "frozen false"),
        ("frozen 'true'", "frozen 'false'"),
        ("frozen \"true\"", "frozen \"false\""),
        (" --frozen", ""),
        // Deployment mode also says where the gems go: only its frozen half is taken back.
        ("deployment true && ", "deployment true && bundle config set --local frozen false && "),
        ("deployment 'true' && ", "deployment 'true' && bundle config set --local frozen false && "),
        ("BUNDLE_DEPLOYMENT=1", "BUNDLE_DEPLOYMENT=1 BUNDLE_FROZEN=false"),
        ("BUNDLE_DEPLOYMENT=\"1\"", "BUNDLE_DEPLOYMENT=\"1\" BUNDLE_FROZEN=false"),
        ("BUNDLE_DEPLOYMENT=true", "BUNDLE_DEPLOYMENT=true BUNDLE_FROZEN=false"),
        (" --deployment", " --path vendor/bundle"),
    ];
    let edit = switches.iter().find_map(|(from, to)| {
        let holds = |at: &usize| {
            matches!(instructions[*at].keyword.as_str(), "ENV" | "RUN") && instructions[*at].args.contains(from)
        };
        let at = (0..instructions.len()).find(holds)?;
        edit::replace_in_instruction(workspace, path, dockerfile, at, from, to)
    });
    Prescription::of(edit.map(|edit| Remedy {
        id: "unfreeze".into(),
        title: "Let bundler complete the lock file in the image".into(),
        why: "what the lock file knows stays fixed; only what the Gemfile added is resolved anew".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
