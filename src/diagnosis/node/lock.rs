//! Lock files of Node projects: is one there, was it copied, does it name what package.json names?

use serde_json::Value;

use super::{
    Install, Manager, beside, copied, history, install_before, installs, is_opaque, manifest, script_of, thaw,
};
use crate::diagnosis::Case;
use crate::diagnosis::rule::{Hit, Prescription};
use crate::dockerfile::edit;
use crate::manifest::package_json::{PackageJson, Section};
use crate::remedy::{Applicability, Edit, Remedy};

/// An installation that needs a lock file, and what it finds.
pub struct Frozen {
    pub index: usize,
    pub install: Install,
    /// Path of package.json in the build context.
    pub manifest: String,
    /// Path of the lock file in the build context, if one of them was copied.
    pub lock: Option<String>,
}

/// All installations that refuse to change a lock file and whose files can be followed.
pub fn frozen(case: &Case<'_>) -> Vec<Frozen> {
    let instructions = case.dockerfile.instructions();
    let runs = (0..instructions.len()).filter(|at| instructions[*at].keyword == "RUN" && !is_opaque(case, *at));
    let mut out = Vec::new();
    for index in runs {
        let Some(install) = installs(&script_of(case, index)).into_iter().find(|install| install.frozen) else {
            continue;
        };
        let Some(manifest) = manifest(case, index) else { continue };
        let earlier = history(case, index).into_iter().any(|at| {
            instructions[at].keyword == "RUN" && installs(&script_of(case, at)).iter().any(|other| !other.frozen)
        });
        if earlier || install.text.contains("--prefix") {
            continue;
        }
        let files = copied(case, index);
        let wanted = install.manager.locks().iter().map(|name| beside(&manifest, name));
        let lock = wanted.into_iter().find(|wanted| files.iter().any(|(_, path)| path == wanted));
        out.push(Frozen { index, install, manifest, lock });
    }
    out
}

/// What lets the installation at the failing step find its lock file: copying it, else doing without.
pub fn remedies_for_missing(case: &Case<'_>, index: usize) -> Vec<Remedy> {
    let Some((at, install)) = install_before(case, index) else { return vec![] };
    let mut out = Vec::new();
    if let Some(manifest) = manifest(case, at)
        && let Some(lock) = in_context(case, &manifest, install.manager)
        && let Some(edit) = copy_beside(case, at, &manifest, &lock)
    {
        out.push(Remedy {
            id: "copy-lock".into(),
            title: format!("Copy `{lock}` beside `{manifest}`"),
            why: format!("the repository has `{lock}`, but the image does not when `{}` runs", install.text),
            applicability: Applicability::Apply,
            edits: vec![edit],
        });
    }
    out.extend(manifest(case, at).and_then(|manifest| let_through(case, at, &manifest, install.manager)));
    out.extend(thawed(case, at, &install, "the project has no lock file that this step could keep to"));
    out
}

/// What installs although the lock file is behind.
pub fn remedies_for_stale(case: &Case<'_>, index: usize) -> Vec<Remedy> {
    let Some((at, install)) = install_before(case, index) else { return vec![] };
    let why =
        "package.json is what the project asks for; the lock file still fixes all it knows, and the rest is added";
    thawed(case, at, &install, why).into_iter().collect()
}

fn thawed(case: &Case<'_>, at: usize, install: &Install, why: &str) -> Option<Remedy> {
    Some(Remedy {
        id: "install-unfrozen".into(),
        title: match install.manager {
            Manager::Npm => "Install with `npm install`, which completes the lock file".into(),
            Manager::Yarn | Manager::Pnpm => "Let the installation complete the lock file".into(),
        },
        why: why.into(),
        applicability: Applicability::Rehearse,
        edits: vec![thaw(case, at, install)?],
    })
}

/// What brings a lock file back that the repository has and .dockerignore leaves out.
fn let_through(case: &Case<'_>, index: usize, manifest: &str, manager: Manager) -> Option<Remedy> {
    let is_left_out = |path: &String| case.workspace.contains(&case.in_repository(path)) && !case.context.holds(path);
    let lock = manager.locks().iter().map(|name| beside(manifest, name)).find(is_left_out)?;
    let mut edits = vec![case.context.without_ignore_line(case.workspace, &lock)?];
    let copied = copied(case, index);
    let (copy, _) = copied.iter().find(|(_, path)| path == manifest)?;
    let (sources, _) = case.dockerfile.instructions()[*copy].copy_paths()?;
    // A pattern or a folder will take the lock file along; a name will not.
    if sources.iter().any(|source| source.trim_start_matches("./") == manifest) {
        edits.push(copy_beside(case, index, manifest, &lock)?);
    }
    Some(Remedy {
        id: "let-lock-through".into(),
        title: format!("Let `{lock}` into the build"),
        why: format!("the repository has `{lock}`, but .dockerignore keeps it out of the build"),
        applicability: Applicability::Apply,
        edits,
    })
}

fn in_context(case: &Case<'_>, manifest: &str, manager: Manager) -> Option<String> {
    manager.locks().iter().map(|name| beside(manifest, name)).find(|path| case.context.holds(path))
}

/// The edit that brings `lock` where the package.json of the step at `index` goes.
fn copy_beside(case: &Case<'_>, index: usize, manifest: &str, lock: &str) -> Option<Edit> {
    let files = copied(case, index);
    if files.iter().any(|(_, path)| path == lock) {
        return None;
    }
    let (copy, _) = files.iter().find(|(_, path)| path == manifest)?;
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    if let Some(edit) = edit::add_copy_source(workspace, path, dockerfile, *copy, lock) {
        return Some(edit);
    }
    let (sources, destination) = dockerfile.instructions()[*copy].copy_paths()?;
    let folder = match destination.rsplit_once('/') {
        Some((folder, name)) if sources.len() == 1 && name == "package.json" => format!("{folder}/"),
        None if sources.len() == 1 && destination == "package.json" => "./".to_owned(),
        _ if destination.ends_with('/') || destination == "." => destination,
        _ => format!("{destination}/"),
    };
    let line = format!("COPY {lock} {folder}");
    edit::insert_after_instruction(workspace, path, dockerfile, *copy, &[&line])
}

/// The first package that package.json names and the lock file does not know at all.
///
/// A range that the locked version misses needs more than a look; a name that is absent is beyond doubt.
pub fn unknown_to_lock(case: &Case<'_>, frozen: &Frozen) -> Option<String> {
    let package = PackageJson::read(case.workspace, &case.in_repository(&frozen.manifest))?;
    let text = case.workspace.text(&case.in_repository(frozen.lock.as_deref()?))?;
    if package.has_workspaces() {
        return None;
    }
    let wanted =
        [Section::Dependencies, Section::DevDependencies].into_iter().flat_map(|section| package.section(section));
    let mut plain = wanted.filter(|(_, range)| !range.contains(':') && !range.contains('/'));
    match frozen.install.manager {
        Manager::Npm => {
            let lock: Value = serde_json::from_str(text).ok()?;
            let packages = lock.get("packages").and_then(Value::as_object);
            let old = lock.get("dependencies").and_then(Value::as_object);
            if packages.is_none() && old.is_none() {
                return None;
            }
            let holds = |name: &str| {
                packages.is_some_and(|all| all.contains_key(&format!("node_modules/{name}")))
                    || old.is_some_and(|all| all.contains_key(name))
            };
            plain.find(|(name, _)| !holds(name)).map(|(name, _)| name.to_owned())
        }
        Manager::Yarn => plain
            .find(|(name, _)| {
                !text.contains(&format!("\n{name}@"))
                    && !text.contains(&format!("\n\"{name}@"))
                    && !text.contains(&format!(", {name}@"))
                    && !text.contains(&format!(", \"{name}@"))
            })
            .map(|(name, _)| name.to_owned()),
        Manager::Pnpm => plain
            .find(|(name, _)| {
                let keys = [
                    format!(" {name}:"),
                    format!(" '{name}':"),
                    format!(" \"{name}\":"),
                    format!("/{name}@"),
                    format!("/{name}/"),
                ];
                !keys.iter().any(|key| text.contains(key.as_str()))
            })
            .map(|(name, _)| name.to_owned()),
    }
}

/// Installations by `manager` that may not change their lock file `name`, which lacks something that package.json asks for.
pub fn foreseen_stale(case: &Case<'_>, manager: Manager, name: &str) -> Vec<Hit> {
    let mine = frozen(case).into_iter().filter(|frozen| frozen.install.manager == manager);
    mine.filter_map(|frozen| {
        let package = unknown_to_lock(case, &frozen)?;
        let line = case.dockerfile.instructions()[frozen.index].first_line;
        let why = format!(
            "package.json asks for `{package}`, which {name} does not know, and the installation may not add it"
        );
        Some(Hit::in_file(case.dockerfile_path, line, name, why).confidence(0.95))
    })
    .collect()
}

/// What mends a lock file that is behind: for the installation named by `hit`, else the one that failed, else the last.
pub fn prescription_for_stale(case: &Case<'_>, hit: &Hit) -> Prescription {
    let named = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    match named.or_else(|| case.failing_instruction()).or_else(|| super::last_install(case)) {
        Some(index) => Prescription::of(remedies_for_stale(case, index)),
        None => Prescription::none(),
    }
}
