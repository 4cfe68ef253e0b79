//! Reached: the project's own JavaScript that Node loads when the service starts, as far as imports at the left margin tell.

use super::{Install, Manager, install_before, last_install};
use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::start::{Start, script};
use crate::workspace::path;

/// A project with more sources than this is not followed to its end.
const SOURCES_MAX: usize = 400;

/// An import that is carried out whenever the service starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The importing file, in the build context.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// As written: `./lib/x`, `express`, `@scope/name/sub`.
    pub written: String,
}

static IMPORTS: Phrases = Phrases::new(&[
    r#"^(?:import|export)\b[^"'`]*?(?:\bfrom\s*)?["']([^"'`]+)["']"#,
    r#"^\}\s*from\s*["']([^"'`]+)["']"#,
    r#"^(?:(?:const|let|var)\b[^"'`=]*=\s*)?require\(\s*["']([^"'`]+)["']\s*\)"#,
]);
/// What an import may leave out.
const ENDINGS: &[&str] = &["", ".js", ".mjs", ".cjs", ".json", "/index.js", "/index.mjs", "/index.cjs"];

/// The imports of all sources that the start loads. Empty when the start command does not say which file Node runs.
pub fn imports(case: &Case<'_>) -> Vec<Import> {
    let Some(first) = entry(case) else { return vec![] };
    let (mut open, mut seen, mut out) = (vec![first], Vec::new(), Vec::new());
    while let Some(path) = open.pop() {
        if seen.len() >= SOURCES_MAX || seen.contains(&path) {
            continue;
        }
        for (index, line) in case.workspace.lines(&case.in_repository(&path)).into_iter().enumerate() {
            let Some(written) = IMPORTS.read(line).and_then(|found| found.names().next().map(str::to_owned)) else {
                continue;
            };
            open.extend(
                candidates(&path, &written).into_iter().find(|each| case.context.paths().any(|held| held == each)),
            );
            out.push(Import { path: path.clone(), line: index + 1, written });
        }
        seen.push(path);
    }
    out
}

/// The file that Node is started with, in the build context.
fn entry(case: &Case<'_>) -> Option<String> {
    let start = Start::of(case)?;
    let [node, rest @ ..] = start.words.as_slice() else { return None };
    if node.rsplit('/').next() != Some("node")
        || rest.iter().any(|word| {
            word == "-r" || word.contains("--import") || word.contains("--loader") || word.contains("--require")
        })
    {
        return None;
    }
    let file = rest.iter().find(|word| !word.starts_with('-'))?;
    let names = if file.contains('.') && !file.ends_with('/') {
        vec![file.clone()]
    } else {
        vec![format!("{file}.js"), format!("{file}/index.js")]
    };
    let found = names.iter().find_map(|name| script::find(case, &format!("./{}", name.trim_start_matches("./"))))?;
    match case.facts.context.as_str() {
        "" => Some(found.path),
        folder => found.path.strip_prefix(folder).map(|rest| rest.trim_start_matches('/').to_owned()),
    }
}

/// The files that a relative import may mean, in the build context.
pub fn candidates(importer: &str, written: &str) -> Vec<String> {
    if !written.starts_with('.') {
        return vec![];
    }
    let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
    let wanted = path::seen_from(folder, written);
    ENDINGS.iter().map(|ending| format!("{wanted}{ending}")).collect()
}

/// The package that a bare import is about: `@scope/name` of `@scope/name/sub`. `None` for own files and Node's own modules.
pub fn package_of(written: &str) -> Option<String> {
    const OWN: &[&str] = &[
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "trace_events",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ];
    let mut parts = written.split('/');
    let first = parts.next()?;
    let outside = first.is_empty()
        || first.starts_with(['.', '#', '~'])
        || written.contains(':')
        || written == "@"
        || first == "@";
    if outside || OWN.contains(&first) {
        return None;
    }
    match first.starts_with('@') {
        true => Some(format!("{first}/{}", parts.next()?)),
        false => Some(first.to_owned()),
    }
}

/// The installation whose packages the service runs with, when it is npm's and there is no other.
pub fn install(case: &Case<'_>) -> Option<(usize, Install)> {
    let all = case.runs().filter(|at| !super::installs(&super::script_of(case, *at)).is_empty()).count();
    let (index, install) = install_before(case, last_install(case)?)?;
    (all == 1 && install.manager == Manager::Npm).then_some((index, install))
}
