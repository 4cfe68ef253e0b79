//! `node-auth`: A private registry wants a token.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-auth",
    what: "A private registry wants a token",
    why: "The registry refused the request: the token is missing in the build, expired, or wrong.",
    advice: "Give the build the token as a secret file. If all packages are public, a stale `_authToken` line in \
          .npmrc is the cause.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "code E401",
        "Failed to replace env in config",
        "ENEEDAUTH",
        "Unable to authenticate",
        "Incorrect or missing password",
        "code E403",
        "ERR_PNPM_FETCH_401",
        "ERR_PNPM_FETCH_403",
        "YN0041",
    ],
    detect,
    examples: &[
        Example {
            log: "npm error code E401\nnpm error 401 Unauthorized - GET https://npm.pkg.github.com/@acme%2fui - unauthenticated: User cannot be authenticated with the token provided.",
            subject: "https://npm.pkg.github.com",
            ..Example::BLANK
        },
        Example {
            log: "Error: Failed to replace env in config: ${NPM_TOKEN}\n    at /usr/local/lib/node_modules/npm/lib/config/core.js:415:13",
            subject: "NPM_TOKEN",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Failed to replace env in config: \$\{(\w+)\}",
    r"(?:npm ERR!|npm error) 40[13] .*?(https?://[^\s/]+)",
    r#"Unable to authenticate, need: \w+ realm="?([^",]+)"#,
    r"(ERR_PNPM_FETCH_40[13])",
    r"code (E40[13]|ENEEDAUTH)",
    r"(YN0041)",
    r"Unable to authenticate, your authentication token seems to be invalid",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a private registry refuses the build ({subject})");
    Some(Hit::at(found.line, subject, why))
}
