//! System packages: which one brings a header, a library, a command, and the edit that installs it where it is needed.

use super::Case;
use super::rule::Prescription;
use crate::dockerfile::{StageBase, edit};
use crate::remedy::{Applicability, Edit, Remedy};

mod table;

pub use table::{Need, compiler, for_command, for_header, for_library, for_package, for_pkg_config, for_shared_object};

/// How a stage's image installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Debian,
    Alpine,
}

/// Official images that are Debian unless their tag says Alpine.
const DEBIAN_IMAGES: &[&str] = &[
    "debian",
    "ubuntu",
    "python",
    "node",
    "ruby",
    "rust",
    "golang",
    "php",
    "openjdk",
    "eclipse-temurin",
    "buildpack-deps",
    "perl",
];

/// The family of the stage that instruction `index` belongs to; `None` when nothing tells.
pub fn family(case: &Case<'_>, index: usize) -> Option<Family> {
    let stages = case.dockerfile.stages();
    let mut stage = case.dockerfile.stage_of(index)?;
    for _ in 0..stages.len() {
        let here = stages.get(stage)?;
        let runs =
            case.dockerfile.instructions()[here.instructions.clone()].iter().filter(|each| each.keyword == "RUN");
        for run in runs {
            if run.args.contains("apt-get ") {
                return Some(Family::Debian);
            }
            if run.args.contains("apk add") {
                return Some(Family::Alpine);
            }
        }
        match &here.base {
            StageBase::Stage(earlier) => stage = *earlier,
            StageBase::Image(image) if image.contains("alpine") => return Some(Family::Alpine),
            StageBase::Image(image) => {
                let known = |text: &str| {
                    ["bookworm", "bullseye", "buster", "trixie", "slim"].iter().any(|mark| text.contains(mark))
                };
                let name = image.split([':', '@']).next().unwrap_or(image);
                let official =
                    DEBIAN_IMAGES.contains(&name.trim_start_matches("docker.io/").trim_start_matches("library/"));
                return (official || known(image)).then_some(Family::Debian);
            }
            StageBase::Scratch => return None,
        }
    }
    None
}

/// The edit that makes `packages` be there when instruction `index` runs, in the style of the file.
pub fn install_before(case: &Case<'_>, index: usize, family: Family, packages: &[&str]) -> Option<Edit> {
    let dockerfile = case.dockerfile;
    let (workspace, path) = (case.workspace, case.dockerfile_path);
    let stage = dockerfile.stages().get(dockerfile.stage_of(index)?)?.clone();
    let instructions = dockerfile.instructions();
    let verb = match family {
        Family::Debian => "apt-get install",
        Family::Alpine => "apk add",
    };
    let end = index.min(stage.instructions.end.saturating_sub(1));
    let hosts = (stage.instructions.start..=end).filter(|at| instructions[*at].keyword == "RUN");
    for host in hosts.rev() {
        let args = &instructions[host].args;
        // In the failing command itself only an install that comes before what fails helps.
        let in_time = host < index || args.find(verb).is_some_and(|at| at < args.len() / 2);
        if !in_time || args.contains("purge") || args.contains("apk del") || args.contains("apt-get remove") {
            continue;
        }
        let edit = match family {
            Family::Debian => edit::add_apt_packages(workspace, path, dockerfile, host, packages),
            Family::Alpine => add_apk_packages(case, host, packages),
        };
        if edit.is_some() {
            return edit;
        }
    }
    if dockerfile.user_at(stage.from + 1).is_some_and(|user| !matches!(user.as_str(), "root" | "0")) {
        return None;
    }
    let lines = match family {
        Family::Debian => vec![
            format!("RUN apt-get update && apt-get install -y --no-install-recommends {} \\", packages.join(" ")),
            " && rm -rf /var/lib/apt/lists/*".to_owned(),
        ],
        Family::Alpine => vec![format!("RUN apk add --no-cache {}", packages.join(" "))],
    };
    if dockerfile.escape() != '\\' {
        return None;
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    edit::insert_after_instruction(workspace, path, dockerfile, stage.from, &lines)
}

fn add_apk_packages(case: &Case<'_>, host: usize, packages: &[&str]) -> Option<Edit> {
    let args = &case.dockerfile.instructions()[host].args;
    let present: Vec<&str> = args.split_whitespace().collect();
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !present.contains(package)).collect();
    let plain = [
        "apk add --no-cache",
        "apk add --update --no-cache",
        "apk add --no-cache --update",
        "apk add --update",
        "apk add",
    ];
    let verb = plain.iter().find(|verb| args.contains(**verb))?;
    // Options that follow would be cut off from their command; `-t name` makes the packages belong to a group.
    let next = args.split(verb).nth(1)?.split_whitespace().next().unwrap_or_default();
    if missing.is_empty() || next.starts_with('-') || args.matches("apk add").count() != 1 {
        return None;
    }
    let new = format!("{verb} {}", missing.join(" "));
    edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, host, verb, &new)
}

/// The last stage, when it does not build on the stage of `index`: where a shared library is needed, too.
pub fn separate_final_stage(case: &Case<'_>, index: usize) -> Option<usize> {
    let stages = case.dockerfile.stages();
    let building = case.dockerfile.stage_of(index)?;
    let last = stages.len().checked_sub(1)?;
    let mut at = last;
    for _ in 0..=last {
        if at == building {
            return None;
        }
        match stages[at].base {
            StageBase::Stage(earlier) => at = earlier,
            _ => return Some(last),
        }
    }
    None
}

/// The remedy that installs what `needs` say before instruction `index`, and their libraries in the final stage.
pub fn install_remedy(case: &Case<'_>, index: usize, needs: &[Need], why: &str) -> Option<Remedy> {
    let family = family(case, index)?;
    let mut packages: Vec<&str> = Vec::new();
    let mut libraries: Vec<&str> = Vec::new();
    for need in needs {
        let (build, run) = match family {
            Family::Debian => (need.apt, need.apt_run),
            Family::Alpine => (need.apk, need.apk_run),
        };
        packages.extend(build.iter().filter(|name| !packages.contains(*name)).collect::<Vec<_>>());
        libraries.extend(run.iter().filter(|name| !libraries.contains(*name)).collect::<Vec<_>>());
    }
    if packages.is_empty() {
        return None;
    }
    let mut edits = vec![install_before(case, index, family, &packages)?];
    let mut also = String::new();
    if let Some(last) = separate_final_stage(case, index)
        && !libraries.is_empty()
        && let stages = case.dockerfile.stages()
        && let Some(stage) = stages.get(last)
        && self::family(case, stage.from) == Some(family)
        && let Some(edit) = install_before(case, stage.instructions.end.saturating_sub(1), family, &libraries)
    {
        also = format!(", and {} in the final stage", libraries.join(", "));
        edits.push(edit);
    }
    Some(Remedy {
        id: "install-packages".into(),
        title: format!("Install {}{also}", packages.join(", ")),
        why: why.to_owned(),
        applicability: Applicability::Rehearse,
        edits,
    })
}

/// [`install_remedy`] for the step that failed.
pub fn prescribe(case: &Case<'_>, needs: &[Need], why: &str) -> Prescription {
    let runs = || case.dockerfile.instructions().iter().rposition(|each| each.keyword == "RUN");
    let Some(index) = case.failing_instruction().or_else(runs) else { return Prescription::none() };
    Prescription::of(install_remedy(case, index, needs, why))
}

/// The remedy that installs a shared library in the image that is run.
pub fn library_remedy(case: &Case<'_>, need: Need, why: &str) -> Option<Remedy> {
    let stages = case.dockerfile.stages();
    let last = stages.last()?;
    let index = last.instructions.end.checked_sub(1)?;
    let family = family(case, last.from)?;
    let packages = match family {
        Family::Debian => need.apt_run,
        Family::Alpine => need.apk_run,
    };
    let index = last
        .instructions
        .clone()
        .rev()
        .find(|at| case.dockerfile.instructions()[*at].keyword == "RUN")
        .unwrap_or(index);
    let edit = install_before(case, index, family, packages).filter(|_| !packages.is_empty())?;
    Some(Remedy {
        id: "install-library".into(),
        title: format!("Install {}", packages.join(", ")),
        why: why.to_owned(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}
