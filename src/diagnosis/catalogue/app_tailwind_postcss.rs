//! `app-tailwind-postcss`: tailwind and PostCSS do not fit.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-tailwind-postcss",
    what: "Tailwind and PostCSS do not fit",
    why: "Tailwind 4 moved its PostCSS plugin into a package of its own, or the CSS tools were left out with \
          the development packages.",
    advice: "Add @tailwindcss/postcss, pin tailwindcss to 3, or install the development packages.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "directly as a PostCSS plugin",
        "Loading PostCSS Plugin failed",
        "Cannot find module '@tailwindcss/postcss'",
        "Cannot find module 'autoprefixer'",
        "Cannot find module 'tailwindcss'",
    ],
    detect,
    examples: &[Example {
        log: "Error: It looks like you're trying to use `tailwindcss` directly as a PostCSS plugin. The PostCSS plugin has moved to a separate package",
        subject: "tailwindcss",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Cannot find module '(@tailwindcss/postcss|autoprefixer|tailwindcss)[^']*'",
    r"use `(tailwindcss)` directly as a PostCSS plugin",
    r"Loading PostCSS Plugin failed: .*?\'([^\']+)\'",
    r"Loading (PostCSS Plugin) failed",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the CSS tools do not fit or are not installed ({subject})");
    Some(Hit::at(found.line, subject, why))
}
