//! `st-rails-secret`: rails has no secret.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-rails-secret",
    what: "Rails has no secret",
    why: "RAILS_MASTER_KEY or SECRET_KEY_BASE is not set, or does not fit the encrypted file.",
    advice: "Set the key on the service. For `assets:precompile` in the build SECRET_KEY_BASE_DUMMY=1 is enough.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "Missing `secret_key_base`",
        "MessageEncryptor::InvalidMessage",
        "Missing encryption key to decrypt",
        "MissingKeyError",
        "`secret_key_base` for",
    ],
    detect,
    examples: &[Example {
        log: "ArgumentError: Missing `secret_key_base` for 'production' environment, set this string with `bin/rails credentials:edit`",
        subject: "secret_key_base",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(secret_key_base)",
    r"Missing encryption key to decrypt file with.*?(RAILS_MASTER_KEY)",
    r"(Missing encryption key)",
    r"(MessageEncryptor)::InvalidMessage",
    r"(MissingKeyError)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("Rails lacks a secret ({subject})");
    Some(Hit::at(found.line, subject, why))
}
