//! Known breaks: a release that dropped a name, and the bound that keeps the one before.

use super::version::{self, Version};
use super::{entries_for, minor_at, pins};
use crate::diagnosis::Case;
use crate::diagnosis::rule::Prescription;
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

/// What is missing, a word of the message beside it, the package that dropped it, and the last bound before. From the change logs
/// of the projects named, November 2026.
const BREAKS: &[(&str, &str, &str, &str)] = &[
    ("url_quote", "werkzeug", "Werkzeug", "3"),
    ("url_decode", "werkzeug", "Werkzeug", "3"),
    ("url_encode", "werkzeug", "Werkzeug", "3"),
    ("safe_str_cmp", "werkzeug", "Werkzeug", "2.1"),
    ("escape", "jinja2", "Jinja2", "3.1"),
    ("Markup", "jinja2", "Jinja2", "3.1"),
    ("contextfunction", "jinja2", "Jinja2", "3.1"),
    ("contextfilter", "jinja2", "Jinja2", "3.1"),
    ("soft_unicode", "markupsafe", "MarkupSafe", "2.1"),
    ("json", "itsdangerous", "itsdangerous", "2.1"),
    ("_app_ctx_stack", "flask", "Flask", "2.3"),
    ("_request_ctx_stack", "flask", "Flask", "2.3"),
    ("proxies", "proxies", "httpx", "0.28"),
    ("runtime_version", "protobuf", "protobuf", "6"),
    ("appengine", "urllib3", "urllib3", "2"),
    ("DEFAULT_CIPHERS", "urllib3", "urllib3", "2"),
    ("Descriptors cannot be created directly", "Descriptors", "protobuf", "3.21"),
];

/// Remedies for `missing`, told in `message` and imported by the file `importer`.
pub fn remedies(case: &Case<'_>, missing: &str, message: &str, importer: &str) -> Prescription {
    let low = message.to_ascii_lowercase();
    let known = BREAKS.iter().find(|(name, word, ..)| *name == missing && low.contains(&word.to_ascii_lowercase()));
    let Some((_, _, package, bound)) = known else { return Prescription::none() };
    let entries = entries_for(case, package);
    let pinned_above = pins::pin_of(case, package).is_some_and(|pin| Version::parse(&pin) >= Version::parse(bound));
    if pinned_above {
        // The newer release is wanted: then what uses the old name has to follow.
        return raise_user(case, importer);
    }
    let text = format!("{package}<{bound}");
    let edit = match entries.as_slice() {
        [] => pins::home_of_requirements(case).and_then(|path| requirements::add(case.workspace, &path, &text)),
        [entry] if entry.requirement().is_some_and(|found| found.specifier.is_empty()) => {
            requirements::set_text(case.workspace, entry, &text)
        }
        _ => None,
    };
    Prescription::of(edit.map(|edit| Remedy {
        id: "bound-transitive".into(),
        title: format!("Keep {package} below {bound}"),
        why: format!(
            "{package} {bound} dropped `{missing}`, which an installed package uses, and nothing kept it below"
        ),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}

/// The remedy that moves the package behind `importer` to its next releases.
fn raise_user(case: &Case<'_>, importer: &str) -> Prescription {
    let Some(folder) = importer.split("site-packages/").nth(1).and_then(|rest| rest.split('/').next()) else {
        return Prescription::none();
    };
    let name =
        super::packages::providing(folder).map_or_else(|| requirements::normalise(folder), requirements::normalise);
    let Some(pin) = pins::pin_of(case, &name) else { return Prescription::none() };
    let Some(releases) = pins::releases(case, &name) else { return Prescription::asking(pins::question(&name)) };
    let index = super::installs(case).last().map(|install| install.index);
    let candidates = pins::fitting(releases, minor_at(case, index), false);
    let wanted = Version::parse(&pin);
    let newer = candidates.iter().copied().filter(|text| Version::parse(text) > wanted);
    // The newest of the same series first: that is where such breaks are mended.
    let series: Vec<&str> = newer
        .clone()
        .filter(|text| {
            Version::parse(text)
                .zip(wanted.clone())
                .is_some_and(|(a, b)| a.part(0) == b.part(0) && a.part(1) == b.part(1))
        })
        .collect();
    let version = version::newest(series.into_iter()).or_else(|| version::newest(newer));
    let Some(version) = version else { return Prescription::none() };
    let edits = pins::repin_edits(case, &name, version);
    Prescription::of((!edits.is_empty()).then(|| Remedy {
        id: "raise-user".into(),
        title: format!("Pin {name} to {version} in place of {pin}"),
        why: format!("{name} {pin} was written before the release that the other pins ask for"),
        applicability: Applicability::Rehearse,
        edits,
    }))
}
