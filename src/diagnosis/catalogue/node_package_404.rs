//! `node-package-404`: A package is not in the registry.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-package-404",
    what: "A package is not in the registry",
    why: "The name is wrong, the package was taken down, or it is private and belongs to another registry.",
    advice: "Check the name. For a private package give the build a token and an .npmrc. Never install a package \
          of a similar name unseen.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "code E404",
        "is not in this registry",
        "404 Not Found - GET",
        "ERR_PNPM_FETCH_404",
        "YN0035",
        "is not in the npm registry",
        "Not found\"",
    ],
    detect,
    examples: &[
        Example {
            log: "npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/@acme%2fui-kit - Not found\nnpm error 404\nnpm error 404  '@acme/ui-kit@^2.0.0' is not in this registry.",
            subject: "@acme/ui-kit@^2.0.0",
            ..Example::BLANK
        },
        Example {
            log: "error An unexpected error occurred: \"https://registry.yarnpkg.com/no-such-thing-x: Not found\".",
            subject: "no-such-thing-x",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"404\s+'?(@?[\w./-]+(?:@[^' ]+)?)'? is not in (?:this|the npm) registry",
    r#"registry[^" ]*/(@?[\w.%/-]+): Not found""#,
    r"ERR_PNPM_FETCH_404.*?GET \S+/(@?[\w.%-]+(?:/[\w.-]+)?): Not Found",
    r"404 Not Found - GET \S+/(@?[\w.%-]+)(?: |$)",
    r"➤ YN0035:.*?(@?[\w./-]+@\S+?):? ",
    r"code E404",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject().trim_end_matches("@*");
    let why = format!("the registry has no package `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
