//! A module that cannot be imported: which one, by whom, and whether it is the project's own.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;

pub const NEEDLES: &[&str] = &["no module named"];

static MISSING: Phrases =
    Phrases::new(&[r#"(?:ModuleNotFoundError|ImportError): No module named ['"]?([\w.\-]+)['"]?"#]);
static FRAME: Phrases = Phrases::new(&[r#"File "([^"]+)", line \d+"#]);
static RUN_AS_MODULE: Phrases = Phrases::new(&[r"python[\d.]*: No module named '?([\w.]+)'?"]);

/// An import that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Index of the line.
    pub line: usize,
    pub module: String,
    /// The source file that imports it, as the traceback has it.
    pub importer: Option<String>,
}

impl Missing {
    pub fn top(&self) -> &str {
        self.module.split('.').next().unwrap_or_default()
    }

    /// Whether an installed package imports it: then a dependency is missing, not a requirement of the project's sources.
    pub fn by_package(&self) -> bool {
        self.importer.as_deref().is_some_and(|path| path.contains("site-packages/") || path.contains("dist-packages/"))
    }
}

static PACKAGING: Phrases = Phrases::new(&[
    r"did not run successfully|subprocess-exited-with-error|Command errored out|Running setup\.py|setup\.py egg_info|running egg_info",
]);
/// A traceback out of a package's set-up program is not longer.
const TRACEBACK_LINES_MAX: usize = 60;

/// Whether a package's own set-up program imports it, while pip builds the package: it is no requirement of the project.
pub fn while_packaging(case: &Case<'_>, missing: &Missing) -> bool {
    let unpacked =
        |path: &str| ["/pip-install-", "/pip-req-build-", "/pip-build-"].iter().any(|part| path.contains(part));
    case.log.failing.is_some()
        && (missing.importer.as_deref().is_some_and(unpacked)
            || PACKAGING.above(case, missing.line, TRACEBACK_LINES_MAX).is_some())
}

/// The last import that failed.
pub fn missing(case: &Case<'_>, lines: &[usize]) -> Option<Missing> {
    let found = MISSING.last(case, lines).or_else(|| RUN_AS_MODULE.last(case, lines))?;
    let importer =
        FRAME.above(case, found.line, 12).map(|frame| frame[1].to_owned()).filter(|path| !path.starts_with('<'));
    Some(Missing { line: found.line, module: found[1].trim_end_matches('.').to_owned(), importer })
}

/// Whether the module is the project's: by its files, else by the paths in the traceback.
pub fn is_own(case: &Case<'_>, missing: &Missing) -> bool {
    if case.workspace.paths().any(|path| path.ends_with(".py")) {
        return super::is_own(case, missing.top());
    }
    let top = missing.top();
    let (folder, file) = (format!("/{top}/"), format!("/{top}.py"));
    let foreign = |path: &str| ["site-packages", "dist-packages", "/lib/python"].iter().any(|mark| path.contains(mark));
    let dotted = missing.module.contains('.');
    if importing(case, missing)
        .is_some_and(|whole| whole.ends_with(&format!(".{}", missing.module)) && !missing.by_package())
    {
        return true;
    }
    case.log.lines[..=missing.line].iter().any(|line| {
        FRAME.read(&line.text).is_some_and(|frame| {
            let path = &frame[1];
            !foreign(path) && (dotted && path.contains(&folder) || path.ends_with(&file))
        })
    })
}

/// The module in the import statement that the traceback quotes. Python 2 names only what it did not find of it.
fn importing(case: &Case<'_>, missing: &Missing) -> Option<String> {
    let quoted = case.log.lines.get(missing.line.checked_sub(1)?)?.text.trim();
    let rest = quoted.strip_prefix("from ").or_else(|| quoted.strip_prefix("import "))?;
    rest.split_whitespace().next().map(|module| module.trim_end_matches(',').to_owned())
}

/// The name that a failing import of Python's packaging world asks for: gone from newer Pythons, or from newer setuptools.
pub fn is_build_tool(module: &str) -> bool {
    matches!(module.split('.').next(), Some("distutils" | "pkg_resources" | "setuptools" | "imp"))
}
