//! Go projects: their modules, their programs, and the files compiled into them.

use super::phrase::Phrases;
use super::{Case, copying, node};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

/// What `go build` says of a file that `//go:embed` names.
static EMBEDDED: Phrases = Phrases::new(&[r"([\w./@-]+\.go):\d+:\d+: pattern (\S+): no matching files found"]);

/// The file that `//go:embed` did not find, as the repository has it, and the line that says so.
pub fn embedded(case: &Case<'_>, lines: &[usize]) -> Option<(usize, String)> {
    let found = EMBEDDED.first(case, lines)?;
    let folder = found.subject().rsplit_once('/').map_or("", |(folder, _)| folder);
    let pattern = copying::plain(&format!("{folder}/{}", found.name(1).trim_start_matches("all:")));
    if !pattern.contains('*') {
        return Some((found.line, pattern));
    }
    let (head, tail) = pattern.split_once('*')?;
    let fits = |path: &&str| path.strip_prefix(head).is_some_and(|rest| rest.ends_with(tail) && !rest.contains('/'));
    let mut all = case.workspace.paths().filter_map(|path| in_context(case, path)).filter(fits).map(str::to_owned);
    all.next().map(|path| (found.line, path))
}

/// The files that `//go:embed` lines of the sources in the build context name and that do not arrive, as the context would have them.
pub fn embeds(case: &Case<'_>) -> Vec<String> {
    let sources = case.context.paths().filter(|path| path.ends_with(".go") && !path.ends_with("_test.go"));
    let mut out = Vec::new();
    for path in sources {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let lines = case.workspace.lines(&case.in_repository(path));
        let patterns = lines.iter().filter_map(|line| line.strip_prefix("//go:embed ")).flat_map(str::split_whitespace);
        for pattern in patterns.map(|pattern| pattern.trim_start_matches("all:")) {
            let wanted = copying::plain(&format!("{folder}/{pattern}"));
            if !case.context.matches(&wanted).is_empty() || pattern.contains(['?', '[', '"', '`']) {
                continue;
            }
            match wanted.split_once('*') {
                None => out.push(wanted),
                Some((head, tail)) => {
                    let fits = |path: &&str| {
                        path.strip_prefix(head).is_some_and(|rest| rest.ends_with(tail) && !rest.contains('/'))
                    };
                    out.extend(
                        case.workspace.paths().filter_map(|path| in_context(case, path)).find(fits).map(str::to_owned),
                    );
                }
            }
        }
    }
    out
}

/// The path in the build context of `path` in the repository.
fn in_context<'a>(case: &Case<'_>, path: &'a str) -> Option<&'a str> {
    match case.facts.context.as_str() {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

/// The folders of the modules that go.mod at `path` of the context takes from the repository, relative to the context.
pub fn replaced(case: &Case<'_>, path: &str) -> Vec<String> {
    let folder = path.strip_suffix("go.mod").unwrap_or_default();
    let lines = case.workspace.lines(&case.in_repository(path));
    let targets = lines.iter().filter_map(|line| line.split_once("=>")).map(|(_, target)| target.trim());
    let local = targets.filter(|target| target.starts_with("./"));
    local.map(|target| copying::plain(&format!("{folder}{}", target.trim_start_matches("./")))).collect()
}

/// Whether go.mod at `path` of the context requires a module that is not in the repository: only those have sums.
pub fn needs_sums(case: &Case<'_>, path: &str) -> bool {
    let lines = case.workspace.lines(&case.in_repository(path));
    if lines.is_empty() {
        return true;
    }
    let local: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split_once("=>"))
        .filter(|(_, target)| target.trim().starts_with("./"))
        .filter_map(|(module, _)| module.trim().trim_start_matches("replace ").split_whitespace().next())
        .collect();
    let mut within = false;
    lines.iter().any(|line| {
        let line = line.trim();
        match line {
            "require (" => within = true,
            ")" => within = false,
            _ => {}
        }
        let entry = if within && line != "require (" { Some(line) } else { line.strip_prefix("require ") };
        let module =
            entry.and_then(|entry| entry.split_whitespace().next()).filter(|name| !matches!(*name, "(" | "//"));
        module.is_some_and(|module| module.contains('.') && !local.contains(&module))
    })
}

/// The folders of the context that hold a program: `package main` with a function main. The top is `.`.
pub fn programs(case: &Case<'_>) -> Vec<String> {
    let mut out: Vec<String> = case
        .context
        .paths()
        .filter(|path| path.ends_with(".go") && !path.ends_with("_test.go"))
        .filter(|path| {
            !path.split('/').any(|part| matches!(part, "vendor" | "testdata") || part.starts_with(['_', '.']))
        })
        .filter(|path| {
            let lines = case.workspace.lines(&case.in_repository(path));
            let has = |words: &str| lines.iter().any(|line| line.starts_with(words));
            has("package main") && has("func main()") && !has("//go:build ignore")
        })
        .map(|path| path.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned())
        .collect();
    out.sort();
    out.dedup();
    out
}

/// A `go build`, `go install` or `go run` in a RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// As written, assignments left out.
    pub command: String,
    /// The name of the program after `-o`, without folders.
    pub output: Option<String>,
    /// What is built, as written; empty for the current folder.
    pub package: String,
}

/// The flags of `go build` that take the next word for their value.
const VALUED: &[&str] =
    &["-o", "-ldflags", "-tags", "-mod", "-gcflags", "-asmflags", "-p", "-buildmode", "-C", "-pkgdir"];

/// The first build of instruction `index`.
pub fn build(case: &Case<'_>, index: usize) -> Option<Build> {
    let text = node::script_of(case, index);
    let command = node::commands(&text).into_iter().find_map(|command| {
        ["go build", "go install"].iter().find_map(|verb| command.find(verb).map(|at| command[at..].to_owned()))
    })?;
    let mut words = shell_words(&command).into_iter().skip(2);
    let (mut output, mut packages) = (None, Vec::new());
    while let Some(word) = words.next() {
        if VALUED.contains(&word.as_str()) {
            let value = words.next();
            if word == "-o" {
                output = value;
            }
        } else if !word.starts_with('-') && word != "\\" {
            packages.push(word);
        }
    }
    let output = output.as_deref().and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    let package = packages.first().cloned().unwrap_or_default();
    (packages.len() < 2).then(|| Build { output: output.map(str::to_owned), package, command: command.clone() })
}

/// The remedy that builds the time zones into the program.
pub fn with_time_zones(case: &Case<'_>) -> Option<Remedy> {
    let instructions = case.dockerfile.instructions();
    let builds = |at: &usize| {
        let script = node::script_of(case, *at);
        instructions[*at].keyword == "RUN"
            && node::commands(&script).iter().any(|command| command.contains("go build") && !command.contains("-tags"))
    };
    let edit = (0..instructions.len()).find(builds).and_then(|at| {
        let (from, to) = ("go build", "go build -tags timetzdata");
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, at, from, to)
    })?;
    Some(Remedy {
        id: "embed-time-zones".into(),
        title: "Build the time zones into the binary".into(),
        why: "the final image has none, and Go can bring its own".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}

/// The words of a command; what stands in quotes is one word.
fn shell_words(command: &str) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), String::new(), None);
    for each in command.chars() {
        match quote {
            Some(open) if each == open => quote = None,
            Some(_) => word.push(each),
            None if matches!(each, '"' | '\'') => quote = Some(each),
            None if each.is_whitespace() => out.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            None => word.push(each),
        }
    }
    out.extend(Some(word).filter(|word| !word.is_empty()));
    out
}
