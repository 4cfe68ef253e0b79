//! Spelling: imports of own files that differ from the file's name only in letter case.
//!
//! macOS and Windows find such a file; Linux does not. There is a fault only where the exact name leads nowhere and one
//! file has it in another case.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::remedy::Edit;
use crate::workspace::path;

/// An import that no file answers as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelt {
    /// The importing file, in the repository.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// As it is written: `./lib/timetable`.
    pub written: String,
    /// As the file is called: `./lib/Timetable`.
    pub right: String,
}

const SOURCES: &[&str] = &[".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx", ".vue", ".svelte", ".astro"];
/// What an import may leave out. The empty ending first: a name written in full.
const ENDINGS: &[&str] = &[
    "",
    ".js",
    ".ts",
    ".tsx",
    ".jsx",
    ".mjs",
    ".cjs",
    ".json",
    ".vue",
    ".svelte",
    ".css",
    ".scss",
    "/index.js",
    "/index.ts",
    "/index.tsx",
    "/index.jsx",
    "/index.mjs",
    "/index.cjs",
    "/index.vue",
];
/// A repository of more sources is not read whole.
const FILES_MAX: usize = 2_000;

static IMPORTS: Phrases = Phrases::new(&[r#"(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*["'](\.{1,2}/[^"'?#]+)["']"#]);

/// All of them, in the order of their files.
pub fn misspelt(case: &Case<'_>) -> Vec<Misspelt> {
    // Tests do not run in the image, and are not touched.
    let is_source = |path: &&str| {
        SOURCES.iter().any(|end| path.ends_with(end)) && !path.contains("node_modules/") && !path.contains("test")
    };
    let files: Vec<&str> = case.workspace.paths().filter(is_source).take(FILES_MAX).collect();
    let mut out = Vec::new();
    for path in files {
        for (index, line) in case.workspace.lines(path).into_iter().enumerate() {
            let Some(written) = IMPORTS.read(line).and_then(|found| found.names().next().map(str::to_owned)) else {
                continue;
            };
            if let Some(right) = right(case, path, &written) {
                out.push(Misspelt { path: path.to_owned(), line: index + 1, written, right });
            }
        }
    }
    out
}

/// The import as the only file that it can mean is called. `None` when there is nothing to correct.
fn right(case: &Case<'_>, importer: &str, written: &str) -> Option<String> {
    let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
    let wanted = path::inside(&format!("{folder}/{written}"))?;
    // TypeScript writes the name that the compiler will give.
    let stems = [Some(wanted.as_str()), wanted.strip_suffix(".js"), wanted.strip_suffix(".jsx")];
    let stems: Vec<&str> = stems.into_iter().flatten().collect();
    let names = || stems.iter().flat_map(|stem| ENDINGS.iter().map(move |ending| format!("{stem}{ending}")));
    if names().any(|name| case.workspace.contains(&name)) || case.workspace.has_folder(&wanted) {
        return None;
    }
    let mut there: Vec<(String, usize)> = names()
        .filter_map(|name| {
            let ending = name
                .len()
                .checked_sub(stems.iter().copied().filter(|stem| name.starts_with(stem)).map(str::len).max()?)?;
            let found: Vec<&str> = case.workspace.paths().filter(|path| path.eq_ignore_ascii_case(&name)).collect();
            match found.as_slice() {
                [only] => Some(((*only).to_owned(), ending)),
                _ => None,
            }
        })
        .collect();
    there.dedup();
    let [(file, ending)] = there.as_slice() else { return None };
    let stem = &file[..file.len() - ending];
    // Only as many parts as were written; what goes up stays.
    let parts: Vec<&str> = written.split('/').collect();
    let named = parts.iter().filter(|part| !matches!(**part, "." | ".." | "")).count();
    let actual: Vec<&str> = stem.split('/').collect();
    let mut actual = actual[actual.len().checked_sub(named)?..].iter();
    let mut right = Vec::new();
    for part in parts {
        right.push(if matches!(part, "." | ".." | "") { part } else { *actual.next()? });
    }
    let mut right = right.join("/");
    if wanted.ends_with(".js") && !right.ends_with(".js") {
        right.push_str(".js");
    }
    (right.eq_ignore_ascii_case(written) && right != written).then_some(right)
}

impl Misspelt {
    pub fn edit(&self, case: &Case<'_>) -> Option<Edit> {
        let lines = case.workspace.lines(&self.path);
        let line = lines.get(self.line - 1)?.replacen(&self.written, &self.right, 1);
        Edit::replace(case.workspace, &self.path, self.line, self.line, &[&line])
    }
}
