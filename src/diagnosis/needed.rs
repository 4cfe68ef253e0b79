//! Needed: files of the repository that steps, the start command and the sources cannot do without, beside what COPY names.
//!
//! Whether they arrive is for the reader to see. Only what is used in any case counts: a file that a step may make, or a program may
//! miss, is not told of.

use super::{Case, copying, golang, node, python};

/// Paths in the build context, in the order in which they are needed.
pub fn paths(case: &Case<'_>) -> Vec<String> {
    let mut out = of_steps(case);
    out.extend(of_start(case));
    out.extend(of_python(case));
    out.extend(of_node(case));
    out
}

/// Programs that are given the file they run or the folder they build.
const RUNNERS: &[&str] = &["python", "python3", "node", "sh", "bash", "ruby", "php"];

/// What steps run and build.
fn of_steps(case: &Case<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for index in case.runs() {
        let script = node::script_of(case, index);
        let mut named: Vec<String> = node::commands(&script).into_iter().filter_map(given).map(str::to_owned).collect();
        let build = golang::build(case, index);
        let package = build.as_ref().map(|build| build.package.trim_end_matches('/'));
        let is_folder =
            |package: &&str| package.starts_with("./") && !package.contains("...") && !package.contains('$');
        named.extend(package.filter(is_folder).map(str::to_owned));
        if named.is_empty() && build.is_none() {
            continue;
        }
        let steps: Vec<usize> = node::history(case, index);
        if !script.contains("cd ") && !makes_files(case, &steps) {
            out.extend(named.iter().flat_map(|path| missed(case, &steps, path)));
        }
        // What another stage or a generator makes is no file of the repository.
        let made = steps.iter().chain([&index]).map(|at| &case.dockerfile.instructions()[*at]).any(|each| {
            each.flag("from").is_some()
                || ["generate", "make", "npm", "yarn", "pnpm"].iter().any(|word| each.args.contains(word))
        });
        if build.is_some() && !made {
            out.extend(golang::embeds(case));
        }
    }
    out
}

/// The file that a command gives to the program that runs it.
fn given(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let first = words.next().filter(|word| RUNNERS.contains(word))?;
    let file = words.next()?;
    (first != file && file.contains('.') && !file.starts_with('-') && !file.contains('$')).then_some(file)
}

/// What the start command runs.
fn of_start(case: &Case<'_>) -> Vec<String> {
    let end = case.dockerfile.instructions().len();
    let Some(index) = python::start::commands(case).into_iter().next() else { return vec![] };
    let steps: Vec<usize> =
        node::history(case, end.saturating_sub(1)).into_iter().chain([end.saturating_sub(1)]).collect();
    let words = python::start::words(case, index);
    let first = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or_default());
    let named = match words.as_slice() {
        [_, file, ..] if RUNNERS.contains(&first) => Some(file),
        [file, ..] if file.starts_with("./") || file.ends_with(".sh") => Some(file),
        _ => None,
    };
    let named = named.filter(|file| file.contains('.') && !file.starts_with('-') && !file.contains('$'));
    let named = named.filter(|_| !makes_files(case, &steps));
    named.into_iter().flat_map(|file| missed(case, &steps, file)).collect()
}

/// Where `path` would come from, when nothing that arrives is there.
fn missed(case: &Case<'_>, steps: &[usize], path: &str) -> Vec<String> {
    let origins = copying::origins_in(case, steps, path);
    if origins.iter().any(|origin| case.context.holds(origin)) { vec![] } else { origins }
}

/// Whether one of `steps` may make files of the project: a build, a generator.
fn makes_files(case: &Case<'_>, steps: &[usize]) -> bool {
    const MAKERS: &[&str] = &[
        "run ", "build", "generate", "make", "tsc", "compile", "webpack", "esbuild", "rollup", "gulp", "protoc", ".sh",
        "git ", "cp ", "mv ", "curl", "wget",
    ];
    steps.iter().any(|at| {
        let each = &case.dockerfile.instructions()[*at];
        let script = if each.keyword == "RUN" { node::script_of(case, *at) } else { String::new() };
        MAKERS.iter().any(|word| script.contains(word))
    })
}

/// Own modules that the Python sources import which the start loads.
fn of_python(case: &Case<'_>) -> Vec<String> {
    let Some((_, loaded)) = python::reached::reached(case) else { return vec![] };
    let entries = python::all_entries(case);
    let installed = |top: &str| {
        let names = entries.iter().filter_map(|entry| entry.requirement()).map(|found| found.normal_name());
        names.into_iter().any(|name| python::packages::modules_of(&name).iter().any(|module| module == top))
    };
    let mut out = Vec::new();
    for source in &loaded {
        for import in &source.imports {
            let top = import.module.split('.').next().unwrap_or_default();
            if python::packages::is_standard(top) || python::packages::providing(top).is_some() || installed(top) {
                continue;
            }
            let inside = source.path.strip_prefix(&case.facts.context).unwrap_or(&source.path).trim_start_matches('/');
            let folder = inside.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let whole = import.module.replace('.', "/");
            let tops = [String::new(), "src/".to_owned(), folder];
            let ends = [format!("{whole}.py"), format!("{whole}/__init__.py")];
            let held = case.context.paths().any(|path| {
                ends.iter().any(|end| {
                    path.strip_suffix(end.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
                })
            }) || tops.iter().any(|root| case.context.holds(&format!("{root}{whole}")));
            let is_source = |path: &String| {
                let there = case.in_repository(path);
                there.ends_with(".py") && case.workspace.contains(&there)
                    || case.workspace.under(&there).any(|path| path.ends_with(".py"))
            };
            let named = tops
                .iter()
                .flat_map(|root| [format!("{root}{top}"), format!("{root}{whole}"), format!("{root}{whole}.py")]);
            out.extend(named.filter(|_| !held).find(|path| is_source(path) && !case.context.holds(path)));
        }
    }
    out
}

/// Own files that the JavaScript imports which the start loads.
fn of_node(case: &Case<'_>) -> Vec<String> {
    let last = case.dockerfile.instructions().len().saturating_sub(1);
    if makes_files(case, &node::history(case, last)) {
        return vec![];
    }
    let missed = |import: node::reached::Import| {
        let all = node::reached::candidates(&import.path, &import.written);
        let arrives = all.iter().any(|path| case.context.paths().any(|held| held == path));
        all.into_iter().filter(|_| !arrives).find(|path| case.workspace.contains(&case.in_repository(path)))
    };
    node::reached::imports(case).into_iter().filter_map(missed).collect()
}
