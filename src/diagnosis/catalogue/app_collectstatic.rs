//! `app-collectstatic`: Django cannot collect the static files.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-collectstatic",
    what: "Django cannot collect the static files",
    why: "collectstatic needs STATIC_ROOT, and a manifest storage refuses style sheets that refer to files which do not exist.",
    advice: "Set STATIC_ROOT in the settings; add or correct the file that the message names.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["missingfileerror", "having set the static_root setting", "could not be found with <"],
    detect,
    examples: &[
        Example {
            log: "django.core.exceptions.ImproperlyConfigured: You're using the staticfiles app without having set the STATIC_ROOT setting to a filesystem path.",
            subject: "STATIC_ROOT",
            ..Example::BLANK
        },
        Example {
            log: "whitenoise.storage.MissingFileError: The file 'css/fonts/icons.woff' could not be found with <whitenoise.storage.CompressedManifestStaticFilesStorage object at 0x7f>.",
            subject: "css/fonts/icons.woff",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases =
    Phrases::new(&[r"having set the (STATIC_ROOT) setting|The file '([^']+)' could not be found with <"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = match subject {
        "STATIC_ROOT" => "the settings do not say where static files are collected".to_owned(),
        file => format!("a style sheet or template refers to the static file `{file}`, which does not exist"),
    };
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}
