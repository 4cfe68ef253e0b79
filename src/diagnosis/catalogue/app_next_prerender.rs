//! `app-next-prerender`: next.js cannot prerender a page.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-next-prerender",
    what: "Next.js cannot prerender a page",
    why: "The page fetches data or reads a variable while the image is built.",
    advice: "Pass the variable as a build argument, or let the owner mark the page as dynamic.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "Error occurred prerendering page",
        "Failed to collect page data for",
        "Export encountered",
        "Static page generation for",
    ],
    detect,
    examples: &[Example {
        log: "Error occurred prerendering page \"/blog\". Read more: https://nextjs.org/docs/messages/prerender-error\nTypeError: fetch failed",
        subject: "/blog",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"prerendering page "([^"]+)""#,
    r"Failed to collect page data for (\S+)",
    r"Static page generation for (\S+)",
    r"(Export encountered)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the page `{subject}` cannot be built ahead");
    Some(Hit::at(found.line, subject, why))
}
