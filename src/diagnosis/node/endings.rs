//! Endings: relative imports that leave out the ending of the file they mean.
//!
//! CommonJS and bundlers try endings; an ES module that Node loads must name the file itself. TypeScript writes the name
//! that the compiled file will have.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::remedy::{Edit, is_test};
use crate::workspace::path;

/// An import without the ending of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The importing file, in the repository.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// As it is written: `./routes/about`.
    pub written: String,
    /// As Node wants it: `./routes/about.js`.
    pub right: String,
}

/// What a file ends with, and what the module that Node loads ends with then.
const ENDINGS: &[(&str, &str)] = &[
    (".ts", ".js"),
    (".tsx", ".js"),
    (".js", ".js"),
    (".mts", ".mjs"),
    (".mjs", ".mjs"),
    ("/index.ts", "/index.js"),
    ("/index.tsx", "/index.js"),
    ("/index.js", "/index.js"),
];
/// A repository of more sources is not read whole.
const FILES_MAX: usize = 2_000;

static IMPORTS: Phrases = Phrases::new(&[r#"(?:\bfrom|\bimport|\bimport\()\s*["'](\.{1,2}(?:/[^"'?#]*)?)["']"#]);

/// All of them, in the order of their files. Tests are not touched.
pub fn left_out(case: &Case<'_>) -> Vec<LeftOut> {
    let is_source = |path: &&str| {
        [".ts", ".tsx", ".js", ".mts", ".mjs"].iter().any(|end| path.ends_with(end))
            && !path.contains("node_modules/")
            && !path.ends_with(".d.ts")
            && !path.contains(".config.")
            && !is_test(path)
    };
    let mut out = Vec::new();
    for path in case.workspace.paths().filter(is_source).take(FILES_MAX) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (index, line) in case.workspace.lines(path).into_iter().enumerate() {
            let Some(written) = IMPORTS.read(line).and_then(|found| found.names().next()) else { continue };
            if let Some(right) = right(case, folder, written) {
                out.push(LeftOut { path: path.to_owned(), line: index + 1, written: written.to_owned(), right });
            }
        }
    }
    out
}

/// The import with the ending of the one file that it means; `None` where it names a file already.
fn right(case: &Case<'_>, folder: &str, written: &str) -> Option<String> {
    let stem = path::inside(&format!("{folder}/{written}"))?;
    if case.workspace.contains(&stem) {
        return None;
    }
    let (_, ending) = ENDINGS.iter().find(|(file, _)| case.workspace.contains(&format!("{stem}{file}")))?;
    Some(format!("{}{ending}", written.trim_end_matches('/')))
}

impl LeftOut {
    pub fn edit(&self, case: &Case<'_>) -> Option<Edit> {
        let lines = case.workspace.lines(&self.path);
        let line = *lines.get(self.line - 1)?;
        let quoted = |name: &str, quote: char| format!("{quote}{name}{quote}");
        let quote = if line.contains(&quoted(&self.written, '"')) { '"' } else { '\'' };
        let new = line.replacen(&quoted(&self.written, quote), &quoted(&self.right, quote), 1);
        Edit::replace(case.workspace, &self.path, self.line, self.line, &[&new])
    }
}
