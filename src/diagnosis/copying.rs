//! What COPY and ADD bring into the image: which source is not there, and where a file in the image comes from.

use super::Case;
use super::phrase::Phrases;
use crate::workspace::path;

/// A COPY or ADD whose source was not found.
pub struct Missing {
    /// Index of the line that says so.
    pub at: usize,
    /// As the builder names it, without leading slash.
    pub path: String,
    /// The instruction, where it could be told.
    pub instruction: Option<usize>,
    /// It was to come from another stage or image, not from the build context.
    pub from_stage: bool,
}

pub const NEEDLES: &[&str] = &[
    "failed to calculate checksum of ref",
    "failed to compute cache key",
    "failed to walk",
    "not found: not found",
    "COPY failed",
    "/buildkit-mount",
    "ADD failed",
];

static MISSING: Phrases = Phrases::new(&[
    r#"failed to calculate checksum of ref [^"]*"(?P<path>[^"]+)": not found"#,
    r#"(?:failed to compute cache key: |ERROR: |^)"(?P<path>/[^"]*)"?:? not found"#,
    r"(?:failed to walk|lstat|stat) \S*?/buildkit-mount\d+/(?P<path>[^:]+): ",
    r"(?:COPY|ADD) failed: file not found in build context or excluded by \.dockerignore: stat (?P<path>[^:]+): file does not exist",
    r"(?:COPY|ADD) failed: (?:l?stat|open) /var/lib/docker/(?:tmp/docker-builder\d+|overlay2/\w+/merged|[^:]*?/merged)/(?P<path>[^:]+): no such file",
    r"(?:COPY|ADD) failed: (?P<none>no source files were specified)",
    r"(?:COPY|ADD) failed: stat (?P<path>[^:/][^:]*): (?:file does not exist|no such file)",
]);

/// The source that the failing step did not find.
pub fn missing(case: &Case<'_>, lines: &[usize]) -> Option<Missing> {
    let seen = MISSING.first(case, lines)?;
    let path = seen.named(&["path"]).trim_start_matches('/').to_owned();
    let failing = case.failing_instruction().filter(|index| copies(case, *index));
    let instruction = failing.or_else(|| {
        (0..case.dockerfile.instructions().len()).find(|index| {
            copies(case, *index) && sources(case, *index).iter().any(|(_, expanded)| plain(expanded) == plain(&path))
        })
    });
    let path = if path.is_empty() { instruction.map(|index| first_absent(case, index))? } else { path };
    let from_other = |index: &usize| case.dockerfile.instructions()[*index].flag("from").is_some();
    let other = instruction.filter(from_other).or_else(|| {
        let copies =
            (0..case.dockerfile.instructions().len()).filter(|index| copies(case, *index) && from_other(index));
        let named = |index: &usize| case.dockerfile.instructions()[*index].copy_paths();
        copies.filter(|_| instruction.is_none()).find(|index| {
            named(index).is_some_and(|(sources, _)| sources.iter().any(|source| plain(source) == plain(&path)))
        })
    });
    let by_text = case.log.failing.as_ref().is_some_and(|step| step.command.contains("--from="));
    let from_stage = other.is_some() || (instruction.is_none() && by_text);
    Some(Missing { at: seen.line, path, instruction: instruction.or(other), from_stage })
}

fn copies(case: &Case<'_>, index: usize) -> bool {
    matches!(case.dockerfile.instructions()[index].keyword.as_str(), "COPY" | "ADD")
}

fn first_absent(case: &Case<'_>, index: usize) -> String {
    let absent = sources(case, index).into_iter().find(|(_, expanded)| case.context.matches(expanded).is_empty());
    absent.map(|(_, expanded)| expanded).unwrap_or_default()
}

/// What a shell would understand and COPY takes for names of files.
pub const SHELL_WORDS: &[&str] = &["||", "&&", "2>/dev/null", ">/dev/null", "|"];

/// Whether instruction `index` is a COPY written like a shell command.
pub fn is_shell_like(case: &Case<'_>, index: usize) -> bool {
    copies(case, index)
        && case.dockerfile.instructions()[index].words().iter().any(|word| SHELL_WORDS.contains(&word.as_str()))
}

/// Whether instruction `index` copies something from above the context that is not in the context either.
pub fn leaves_context(case: &Case<'_>, index: usize) -> Option<String> {
    let mut outside = sources(case, index).into_iter().filter(|(_, source)| source.starts_with("../"));
    outside.find(|(_, source)| case.context.matches(source).is_empty()).map(|(written, _)| written)
}

/// The local sources of a COPY or ADD, as written and expanded. None for `--from`, addresses and heredocs.
pub fn sources(case: &Case<'_>, index: usize) -> Vec<(String, String)> {
    let instruction = &case.dockerfile.instructions()[index];
    if !copies(case, index) || instruction.flag("from").is_some() {
        return vec![];
    }
    let Some((sources, _)) = instruction.copy_paths() else { return vec![] };
    sources
        .into_iter()
        .filter_map(|source| {
            let expanded = case.dockerfile.expand(index, &source, &Default::default());
            let elsewhere = expanded.contains("://") || expanded.starts_with("git@") || expanded.starts_with("<<");
            (!elsewhere && !expanded.is_empty()).then_some((source, expanded))
        })
        .collect()
}

/// The written source of instruction `index` that stands for `path`.
pub fn written(case: &Case<'_>, index: usize, path: &str) -> Option<String> {
    sources(case, index).into_iter().find(|(_, expanded)| plain(expanded) == plain(path)).map(|(written, _)| written)
}

/// COPY sources that do not arrive, with their instruction: `(instruction, written, expanded)`.
pub fn absent(case: &Case<'_>) -> Vec<(usize, String, String)> {
    let mut out = Vec::new();
    for index in 0..case.dockerfile.instructions().len() {
        for (written, expanded) in sources(case, index) {
            let wild = expanded.contains(['*', '?', '[']);
            // The context itself is there even when nothing in it is.
            let whole = plain(&expanded).is_empty();
            let unsure = whole || written.contains('$') || written.contains("||") || written.contains("&&");
            // BuildKit copies nothing and goes on when a wildcard fits nothing.
            if !unsure && !wild && case.context.matches(&expanded).is_empty() {
                out.push((index, written, expanded));
            }
        }
    }
    out
}

/// `./a//b/` and `/a/b` are `a/b`.
pub fn plain(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// The path in the build context that should have become `path` in the image: through the COPY and ADD of any stage.
/// Relative paths are taken to start at the working folder of the failing step.
pub fn origins(case: &Case<'_>, path: &str) -> Vec<String> {
    let all: Vec<usize> = (0..case.dockerfile.instructions().len()).collect();
    origins_in(case, &all, path)
}

/// [`origins`] by the COPY and ADD among `steps` alone.
pub fn origins_in(case: &Case<'_>, steps: &[usize], path: &str) -> Vec<String> {
    let instructions = case.dockerfile.instructions();
    let mut out = Vec::new();
    for (index, instruction) in steps.iter().map(|at| (*at, &instructions[*at])) {
        let Some((_, destination)) = instruction.copy_paths() else { continue };
        let destination = case.dockerfile.expand(index, &destination, &Default::default());
        let workdir = case.dockerfile.workdir_at(index);
        let folder = path::seen_from(&workdir, &destination);
        let wanted = path::seen_from(&workdir, path);
        for (_, source) in sources(case, index) {
            let source = plain(&source);
            let is_file = case.workspace.contains(&case.in_repository(&source));
            let rest = if folder.is_empty() { Some(wanted.as_str()) } else { wanted.strip_prefix(&folder) };
            let Some(rest) = rest.filter(|rest| folder.is_empty() || rest.is_empty() || rest.starts_with('/')) else {
                continue;
            };
            let rest = rest.trim_start_matches('/');
            let name = source.rsplit('/').next().unwrap_or(&source);
            let origin = match (is_file, rest) {
                (true, "") => source.clone(),
                (true, rest) if rest == name => source.clone(),
                (true, _) => continue,
                (false, "") => source.clone(),
                (false, rest) if source.is_empty() => rest.to_owned(),
                (false, rest) => format!("{source}/{rest}"),
            };
            if !origin.is_empty() && !out.contains(&origin) {
                out.push(origin);
            }
        }
    }
    out
}
