//! Reached: the project's own Python sources that are loaded when the service starts, as far as imports tell.
//!
//! From the module that the start command names, through imports that are carried out in any case. What is loaded by name (Django's
//! applications, plugins) is not found; what is found is loaded for certain.

use super::{commands, source, start};
use crate::diagnosis::Case;
use crate::workspace::path;

/// A project with more sources than this is not followed to its end.
const SOURCES_MAX: usize = 400;

/// An own source that the start loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// In the repository.
    pub path: String,
    pub imports: Vec<source::Import>,
}

/// The folder in the image where own modules are looked for, and the sources that are loaded from there, first one first.
///
/// `None` when the start command does not say what is loaded.
pub fn reached(case: &Case<'_>) -> Option<(String, Vec<Loaded>)> {
    let (index, folder, first) = entry(case)?;
    let in_image = start::in_image(case, index);
    let source_of = |module: &str| {
        let stem = format!("{}/{}", folder.trim_end_matches('/'), module.replace('.', "/"));
        let wanted = [format!("{stem}/__init__.py"), format!("{stem}.py")];
        wanted
            .iter()
            .find_map(|wanted| in_image.iter().find(|(there, _)| there == wanted))
            .map(|(_, path)| path.clone())
    };
    let mut out: Vec<Loaded> = Vec::new();
    let mut open: Vec<String> = first;
    while let Some(path) = open.pop() {
        if out.len() >= SOURCES_MAX || out.iter().any(|loaded| loaded.path == path) {
            continue;
        }
        let imports: Vec<source::Import> = case
            .workspace
            .text(&path)
            .map(source::imports)
            .unwrap_or_default()
            .into_iter()
            .filter(|import| !import.nested)
            .collect();
        for import in &imports {
            let parts: Vec<&str> = import.module.split('.').collect();
            open.extend((1..=parts.len()).filter_map(|end| source_of(&parts[..end].join("."))));
        }
        out.push(Loaded { path, imports });
    }
    Some((folder, out))
}

/// What the start command loads: its instruction, the folder of own modules, the sources.
fn entry(case: &Case<'_>) -> Option<(usize, String, Vec<String>)> {
    if let Some(app) = start::app_path(case).filter(|app| !app.module.contains('$')) {
        let parts: Vec<&str> = app.module.split('.').collect();
        let modules = (1..=parts.len()).map(|end| parts[..end].join("."));
        let sources: Vec<String> =
            modules.filter_map(|module| start::source_of(case, app.index, &app.folder, &module)).collect();
        return (!sources.is_empty()).then_some((app.index, app.folder, sources));
    }
    let index = start::commands(case).into_iter().next_back()?;
    let words = start::words(case, index);
    let at = words.iter().position(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        name.strip_prefix("python").is_some_and(|rest| rest.chars().all(|each| each.is_ascii_digit() || each == '.'))
    })?;
    let workdir = case.dockerfile.workdir_at(index);
    let mut rest = words[at + 1..].iter();
    let named = rest.find(|word| !word.starts_with('-') || *word == "-m")?;
    if named == "-m" {
        let module = rest.next()?;
        let sources: Vec<String> = [module.clone(), format!("{module}.__main__")]
            .iter()
            .filter_map(|module| start::source_of(case, index, &workdir, module))
            .collect();
        return (!sources.is_empty()).then_some((index, workdir, sources));
    }
    let whole = path::rooted(&workdir, named);
    let folder = whole.rsplit_once('/').map_or("/", |(folder, _)| folder).to_owned();
    let source = start::in_image(case, index).into_iter().find(|(there, _)| *there == whole).map(|(_, path)| path)?;
    Some((index, folder, vec![source]))
}

/// Whether every package of the image comes from installs that can be read: no other tool, no other image.
pub fn is_all_pip(case: &Case<'_>) -> bool {
    const OTHERS: &[&str] = &[
        "poetry",
        "pipenv",
        "uv sync",
        "uv add",
        "conda",
        "mamba",
        "python3-",
        "py3-",
        "easy_install",
        "setup.py",
        ".whl",
        "pdm ",
        "pip-sync",
        ".sh",
        "git clone",
    ];
    let instructions = case.dockerfile.instructions();
    let read = case.runs().all(|index| {
        let args = &instructions[index].args;
        let pip =
            commands(args).iter().any(|words| words.iter().any(|word| word.ends_with("pip") || word.ends_with("pip3")));
        !OTHERS.iter().any(|tool| args.contains(tool)) && (!pip || !args.contains('$'))
    });
    let last = instructions.len().saturating_sub(1);
    let official = super::base_of(case, last).is_some_and(|base| base.minor.is_some() && !base.image.contains('/'));
    let foreign = instructions.iter().enumerate().any(|(at, each)| {
        let own = case.dockerfile.stage_of(at).unwrap_or_default();
        each.flag("from").is_some_and(|from| case.dockerfile.stage_named(from, own).is_none())
    });
    let read = read && official && !foreign;
    let plain = super::outlook::plain(case);
    let installs = super::installs(case);
    read && !plain.is_empty()
        && plain.len() == installs.len()
        && installs.iter().all(|install| install.direct.is_empty())
}
