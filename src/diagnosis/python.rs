//! Python in a case: which Python `FROM` gives, which requirement files are installed where, what the sources import.

use super::Case;
use super::phrase::Phrases;
use crate::dockerfile::{StageBase, edit};
use crate::manifest::requirements::{self, Entry, normalise};
use crate::remedy::Edit;

pub mod drift;
mod installs;
pub mod modules;
pub mod numpy;
pub mod outlook;
pub mod packages;
pub mod pins;
pub mod reached;
pub mod settings;
pub mod source;
pub mod start;
pub mod unfound;
pub mod usage;
pub mod version;

use crate::workspace::path;
pub use installs::{Install, commands, installs};
pub use usage::{is_imported, is_unused};
use version::Minor;

/// The image that a stage's Python comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The stage whose `FROM` names it.
    pub stage: usize,
    /// The whole reference, variables expanded.
    pub image: String,
    /// `None` when the tag names no minor (`python:3`, `debian`).
    pub minor: Option<Minor>,
    pub musl: bool,
}

static OFFICIAL: Phrases =
    Phrases::new(&[r"^(?:(?:docker\.io/)?(?:library/)?|.*/)python:(\d+)\.(\d+)(?:\.\d+)?((?:-[\w.]+)*)$"]);
static IN_TAG: Phrases = Phrases::new(&[r"python[-:]?(\d)\.(\d+)"]);
static IN_LOG: Phrases = Phrases::new(&[r"/python(\d)\.(\d+)/|\bcp(3)(\d{1,2})-"]);

/// The base of the stage that instruction `index` belongs to.
pub fn base_of(case: &Case<'_>, index: usize) -> Option<Base> {
    let stages = case.dockerfile.stages();
    let mut stage = case.dockerfile.stage_of(index)?;
    for _ in 0..stages.len() {
        match &stages.get(stage)?.base {
            StageBase::Stage(earlier) => stage = *earlier,
            StageBase::Image(image) => {
                let found = OFFICIAL.read(image).or_else(|| IN_TAG.read(image));
                let minor = found.and_then(|found| Some(Minor(found[1].parse().ok()?, found[2].parse().ok()?)));
                return Some(Base { stage, image: image.clone(), minor, musl: image.contains("alpine") });
            }
            StageBase::Scratch => return None,
        }
    }
    None
}

/// The Python that runs at instruction `index`: by the tag, else by the paths in the log.
pub fn minor_at(case: &Case<'_>, index: Option<usize>) -> Option<Minor> {
    index.and_then(|index| base_of(case, index)).and_then(|base| base.minor).or_else(|| minor_in_log(case))
}

fn minor_in_log(case: &Case<'_>) -> Option<Minor> {
    case.log.lines.iter().rev().find_map(|line| {
        let found = IN_LOG.read(&line.text)?;
        let part = |a: usize, b: usize| found.get(a).or_else(|| found.get(b))?.parse().ok();
        Some(Minor(part(1, 3)?, part(2, 4)?))
    })
}

/// Minors that the official image has, newest last, with all its variants. Docker Hub, November 2026.
const OFFICIAL_MINORS: std::ops::RangeInclusive<u64> = 7..=14;

/// Edits that move every stage on the same official Python image from its minor to `to`, variant kept.
pub fn move_base(case: &Case<'_>, index: usize, to: Minor) -> Option<Vec<Edit>> {
    let base = base_of(case, index)?;
    let Some(from) = base.minor else { return settle_base(case, &base, to) };
    if to == from || to.0 != 3 || !OFFICIAL_MINORS.contains(&to.1) {
        return None;
    }
    let (path, dockerfile) = (case.dockerfile_path, case.dockerfile);
    let mut edits: Vec<Edit> = Vec::new();
    for stage in dockerfile.stages() {
        let StageBase::Image(image) = &stage.base else { continue };
        let Some(found) = OFFICIAL.read(image) else { continue };
        if (&found[1], &found[2]) != (from.0.to_string().as_str(), from.1.to_string().as_str()) {
            continue;
        }
        let variant = variant_for(&found[3], to)?;
        let edit = if stage.image.contains('$') {
            move_argument(case, &stage.image, &variant, &found[3], to)?
        } else {
            let name = image.split_once(':')?.0;
            edit::set_image(case.workspace, path, dockerfile, stage.index, &format!("{name}:{to}{variant}"))?
        };
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    (!edits.is_empty()).then_some(edits)
}

/// The edit that gives a stage on `python:3`, `python:slim` and the like the minor `to`, variant kept.
fn settle_base(case: &Case<'_>, base: &Base, to: Minor) -> Option<Vec<Edit>> {
    static FLOATING: Phrases = Phrases::new(&[
        r"^((?:(?:docker\.io/)?(?:library/)?|.*/)python)(?::(?:3|latest)?-?((?:slim|alpine|bookworm|trixie|bullseye)[\w.-]*)?)?$",
    ]);
    let found = FLOATING.read(&base.image).filter(|_| OFFICIAL_MINORS.contains(&to.1) && to.0 == 3)?;
    let written = found.get(2).map(|variant| format!("-{variant}")).unwrap_or_default();
    let variant = variant_for(&written, to)?;
    let image = format!("{}:{to}{variant}", &found[1]);
    Some(vec![edit::set_image(case.workspace, case.dockerfile_path, case.dockerfile, base.stage, &image)?])
}

/// The variant as it exists for minor `to`: a numbered Alpine release is only there for its own time.
fn variant_for(variant: &str, to: Minor) -> Option<String> {
    if variant.starts_with("-alpine") {
        return Some("-alpine".into());
    }
    let too_old = variant.contains("trixie") && to.1 < 9 || variant.contains("bookworm") && to.1 < 7;
    let gone = ["bullseye", "buster", "stretch"].iter().any(|suite| variant.contains(suite)) && to.1 > 12;
    (!too_old && !gone).then(|| variant.to_owned())
}

/// The edit of the `ARG` whose default is the version in `image`, when that is how the tag is written.
fn move_argument(case: &Case<'_>, image: &str, variant: &str, old_variant: &str, to: Minor) -> Option<Edit> {
    let dockerfile = case.dockerfile;
    let first_from = dockerfile.stages().first()?.from;
    let arguments =
        dockerfile.instructions()[..first_from].iter().enumerate().filter(|(_, each)| each.keyword == "ARG");
    for (index, argument) in arguments {
        for (name, value) in argument.pairs() {
            let Some(value) = value else { continue };
            let used = image.contains(&format!("${{{name}}}")) || image.contains(&format!("${name}"));
            let tail = value
                .strip_prefix(|each: char| each.is_ascii_digit())
                .map_or("", |rest| rest.trim_start_matches(|each: char| each.is_ascii_digit() || each == '.'));
            let new = match tail {
                _ if !used => continue,
                "" if variant == old_variant => to.to_string(),
                tail if tail == old_variant => format!("{to}{variant}"),
                _ => continue,
            };
            return edit::replace_in_instruction(case.workspace, case.dockerfile_path, dockerfile, index, &value, &new);
        }
    }
    None
}

/// The file of the repository that instruction `index` knows as `written` (a path inside the image).
pub fn file_behind(case: &Case<'_>, index: usize, written: &str) -> Option<String> {
    let absolute = |path: &str, at: usize| path::rooted(&case.dockerfile.workdir_at(at), path);
    let wanted = absolute(&case.dockerfile.expand(index, written, &Default::default()), index);
    // Beyond the last instruction is the built image.
    let stage = case.dockerfile.stage_of(index.min(case.dockerfile.instructions().len().saturating_sub(1)))?;
    let start = case.dockerfile.stages().get(stage)?.instructions.start;
    for at in (start..index).rev() {
        let instruction = &case.dockerfile.instructions()[at];
        if instruction.flag("from").is_some() {
            continue;
        }
        let Some((sources, destination)) = instruction.copy_paths() else { continue };
        let target = absolute(&destination, at);
        for source in sources {
            let source = path::plain(&source);
            let source = source.as_str();
            let name = source.rsplit('/').next().unwrap_or(source);
            let inside = wanted.strip_prefix(target.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
            let candidates = [
                (wanted == target).then(|| source.to_owned()),
                inside.filter(|rest| *rest == name).map(|_| source.to_owned()),
                inside.map(|rest| if source.is_empty() { rest.to_owned() } else { format!("{source}/{rest}") }),
            ];
            let found = candidates.into_iter().flatten().map(|path| case.in_repository(&path));
            if let Some(path) = found.into_iter().find(|path| case.workspace.contains(path)) {
                return Some(path);
            }
        }
    }
    let plain = case.in_repository(written.trim_start_matches("./").trim_start_matches('/'));
    if case.workspace.contains(&plain) {
        return Some(plain);
    }
    let name = written.rsplit('/').next()?;
    let mut same = case.workspace.paths().filter(|path| path.rsplit('/').next() == Some(name));
    match (same.next(), same.next()) {
        (Some(path), None) => Some(path.to_owned()),
        _ => None,
    }
}

/// The lines of every requirement and constraint file that `install` reads.
pub fn entries_of(case: &Case<'_>, install: &Install) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for written in install.files.iter().chain(&install.constraints) {
        let Some(path) = file_behind(case, install.index, written) else { continue };
        for entry in requirements::read_all(case.workspace, &path) {
            if !out.contains(&entry) {
                out.push(entry);
            }
        }
    }
    out
}

/// Lines of all requirement files that the image installs; without any, those of the repository's requirement files.
pub fn all_entries(case: &Case<'_>) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for install in installs(case) {
        for entry in entries_of(case, &install) {
            if !out.contains(&entry) {
                out.push(entry);
            }
        }
    }
    out
}

/// The installed lines that ask for `name`, constraint files included.
pub fn entries_for(case: &Case<'_>, name: &str) -> Vec<Entry> {
    let name = normalise(name);
    let mut found = all_entries(case);
    found.retain(|entry| entry.requirement().is_some_and(|requirement| requirement.normal_name() == name));
    found
}

/// Paths of the project's own Python sources, tests excepted.
pub fn sources<'a>(case: &Case<'a>) -> Vec<&'a str> {
    let workspace = case.workspace;
    let skipped = |path: &str| {
        path.split('/').any(|part| {
            matches!(
                part,
                "tests" | "test" | "venv" | ".venv" | "site-packages" | "node_modules" | "docs" | "examples" | ".git"
            )
        })
    };
    workspace.paths().filter(|path| path.ends_with(".py") && !skipped(path)).collect()
}

/// Whether the file at `path` (of a traceback) belongs to an installed package, or to one that is being installed.
pub fn is_foreign(path: &str) -> bool {
    ["site-packages", "dist-packages", "easy_install", "pip-", "/lib/python", ".egg/"]
        .iter()
        .any(|mark| path.contains(mark))
}

/// Whether `module` is (part of) the project's own code: its first name is a source file or a folder with sources.
pub fn is_own(case: &Case<'_>, module: &str) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    case.workspace.paths().filter(|path| path.ends_with(".py")).any(|path| {
        let parts: Vec<&str> = path.split('/').collect();
        let (file, folders) = parts.split_last().map_or(("", &parts[..0]), |(file, folders)| (*file, folders));
        !folders.iter().any(|part| matches!(*part, "site-packages" | "venv" | ".venv" | "node_modules"))
            && (file.strip_suffix(".py") == Some(top) || folders.contains(&top))
    })
}
