//! Whether the project uses a package: what its sources import, and what its settings mention.

use super::{packages, source, sources};
use crate::diagnosis::Case;
use crate::manifest::requirements::normalise;

/// Whether some source of the project imports what `package` provides.
pub fn is_imported(case: &Case<'_>, package: &str) -> bool {
    let modules: Vec<String> =
        packages::modules_of(&normalise(package)).iter().map(|module| module.to_ascii_lowercase()).collect();
    sources(case).iter().filter_map(|path| case.workspace.text(path)).any(|text| {
        let low = text.to_ascii_lowercase();
        // Parsed only where it can matter.
        modules.iter().any(|module| low.contains(module.split('.').next().unwrap_or(module)))
            && source::imports(text).iter().any(|import| {
                let have = import.module.to_ascii_lowercase();
                modules.iter().any(|want| {
                    have == *want
                        || have.starts_with(&format!("{want}."))
                        || want.starts_with(&format!("{have}.")) && want.contains('.')
                })
            })
    })
}

/// Whether no source file imports `package` and no source or settings file mentions it.
///
/// Drivers and servers are often named in an address or a command only, so any mention counts as use; requirement files,
/// locks and prose do not.
pub fn is_unused(case: &Case<'_>, package: &str) -> bool {
    let name = normalise(package);
    let words: Vec<String> = packages::modules_of(&name).into_iter().chain([name]).collect();
    let mut sources = 0;
    for path in case.workspace.paths() {
        let file = path.rsplit('/').next().unwrap_or(path);
        let is_source = file.ends_with(".py") || file.ends_with(".ipynb") || file.ends_with(".pyx");
        let settles = matches!(file, "Procfile" | "Makefile")
            || [".sh", ".cfg", ".ini", ".html"].iter().any(|end| file.ends_with(end))
            || (file.ends_with(".toml") && file != "poetry.toml")
            || path == case.dockerfile_path;
        if !is_source && !settles {
            continue;
        }
        sources += usize::from(is_source);
        let Some(text) = case.workspace.text(path) else { return false };
        if words.iter().any(|word| mentions(text, word)) {
            return false;
        }
    }
    sources > 0
}

/// Whether `word` stands in `text` by itself.
fn mentions(text: &str, word: &str) -> bool {
    let inner = |each: char| each.is_alphanumeric() || each == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inner) && !after.is_some_and(inner)
    })
}
