//! Workspaces: a package.json of several packages, each with a package.json of its own that the installation reads, too.

use super::{beside, copied, install_before, last_install};
use crate::diagnosis::Case;
use crate::dockerfile::edit;
use crate::manifest::package_json::PackageJson;
use crate::remedy::{Applicability, Edit, Remedy};

/// More members than this are not copied one by one.
const MEMBERS_MAX: usize = 8;

/// The installation (an instruction) and the manifests, in the build context, that it should have seen and did not.
pub fn unseen(case: &Case<'_>) -> Option<(usize, Vec<String>)> {
    let (index, _) = install_before(case, last_install(case)?)?;
    let top = super::manifest(case, index)?;
    let package = PackageJson::read(case.workspace, &case.in_repository(&top))?;
    let there = copied(case, index);
    let members = package.workspaces().iter().flat_map(|pattern| members(case, &top, pattern)).collect::<Vec<_>>();
    let unseen: Vec<String> =
        members.into_iter().filter(|member| there.iter().all(|(_, path)| path != member)).collect();
    (!unseen.is_empty()).then_some((index, unseen))
}

/// The members' manifests below `top` that a pattern of `workspaces` names.
fn members(case: &Case<'_>, top: &str, pattern: &str) -> Vec<String> {
    let pattern = beside(top, pattern.trim_start_matches("./").trim_end_matches('/'));
    let matches = |folder: &str| match pattern.strip_suffix("/*") {
        Some(parent) => folder.rsplit_once('/').is_some_and(|(above, _)| above == parent),
        None => folder == pattern,
    };
    let folder = |path: &str| path.strip_suffix("/package.json").map(str::to_owned);
    let own = case.context.paths().filter(|path| !path.contains("node_modules/"));
    own.filter(|path| folder(path).is_some_and(|folder| matches(&folder))).map(str::to_owned).collect()
}

/// The unseen member that `name` is, or that needs it: its folder.
pub fn member_for(case: &Case<'_>, name: &str) -> Option<String> {
    let (_, unseen) = unseen(case)?;
    let found = unseen.into_iter().find(|path| {
        let package = PackageJson::read(case.workspace, &case.in_repository(path));
        package.is_some_and(|package| package.name() == Some(name) || package.requirement(name).is_some())
    })?;
    Some(found.trim_end_matches("/package.json").to_owned())
}

/// Copies the members' manifests before the installation.
pub fn copy_manifests(case: &Case<'_>) -> Option<Remedy> {
    let (index, unseen) = unseen(case).filter(|(_, unseen)| unseen.len() <= MEMBERS_MAX)?;
    let lines: Vec<String> =
        unseen.iter().map(|path| format!("COPY {path} {}/", path.trim_end_matches("/package.json"))).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let edit: Edit =
        edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &lines)?;
    Some(Remedy {
        id: "copy-workspace-manifests".into(),
        title: "Copy each workspace's package.json before the installation".into(),
        why: "the installation only knows of the packages whose package.json it sees".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}
